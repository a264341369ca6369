import assert from "node:assert/strict";
import { test } from "node:test";
import { bytes, duration, percent, stopwatch } from "../src/units.ts";

test("bytes have three digits and a fitting unit", () => {
  const cases: [number, string][] = [
    [0, "0 B"],
    [1023, "1023 B"],
    [1024, "1 KiB"],
    [1300, "1.27 KiB"],
    [64 << 20, "64 MiB"],
  ];
  for (const [count, text] of cases) assert.equal(bytes(count), text);
});

test("durations have two units at most", () => {
  const cases: [number, string][] = [
    [0, "0.0 s"],
    [950, "0.9 s"],
    [59_999, "59 s"],
    [60_000, "1 min"],
    [200_000, "3 min 20 s"],
    [3_600_000, "1 h"],
    [90_061_000, "1 d 1 h"],
  ];
  for (const [millis, text] of cases) assert.equal(duration(millis), text);
});

test("a stopwatch shows hours from the first hour on", () => {
  assert.equal(stopwatch(62_300), "1:02.3");
  assert.equal(stopwatch(3_723_400), "1:02:03.4");
});

test("a percentage of zero is a dash", () => {
  assert.equal(percent(0, 0), "–");
  assert.equal(percent(1, 3), "33.3 %");
});
