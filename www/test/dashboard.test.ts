// What the dashboard computes from a server's answers.

import assert from "node:assert/strict";
import { test } from "node:test";
import { niceStep } from "../src/axes.ts";
import { Attached } from "../src/dashboard/attached.ts";
import { History, RANGES, type Sample } from "../src/dashboard/history.ts";
import { barsOf, combined, difference, percentile, time } from "../src/dashboard/latency.ts";
import { spread } from "../src/dashboard/plot.ts";
import { ITEM, NONE, PAGE } from "../src/snapshot.ts";

const NOW = 1_800_000_000_000;

function sample(at: number, requests: number, more: Partial<Sample> = {}): Sample {
  const none = { hits: 0, gets: 0, evictions: 0, bytes: 0, items: 0, connections: 0 };
  return { at: NOW + at, requests, ...none, ...more };
}

test("rates are those of the last ten seconds, and unknown before the second answer", () => {
  const history = new History();
  history.add(sample(0, 0));
  assert.equal(history.rate("requests"), undefined);
  for (let second = 1; second <= 60; second++) {
    history.add(sample(1000 * second, second <= 30 ? 1000 * second : 30_000));
  }
  assert.equal(history.rate("requests"), 0);
  assert.equal(history.ratio(), undefined, "nothing was asked for");
  history.add(sample(61_000, 30_100, { gets: 100, hits: 25 }));
  assert.equal(history.ratio(), 0.25);
});

test("a restarted server begins a new history", () => {
  const history = new History();
  history.add(sample(0, 5000));
  history.add(sample(4000, 9000));
  history.add(sample(8000, 10));
  assert.equal(history.rate("requests"), undefined);
  assert.deepEqual(history.levels(0, "items"), [{ age: 0, value: 0 }]);
});

test("each range keeps the same number of points, however long the page is open", () => {
  const history = new History();
  for (let second = 0; second < 3 * 24 * 3600; second += 10) {
    history.add(sample(1000 * second, second, { items: second }));
  }
  RANGES.forEach((span, range) => {
    const points = history.levels(range, "items");
    assert.ok(points.length <= 451 && points.length > 80, `${points.length} points`);
    const oldest = points[0]?.age ?? 0;
    assert.ok(oldest > 0.7 * span && oldest < 5.1 * span, `${oldest} of ${span}`);
  });
});

test("a percentile lies between the bounds of its bar", () => {
  const bars = barsOf({ le_us: [1, 2, 4, 8], count: [0, 50, 49, 0, 1] });
  const p50 = percentile(bars, 0.5) ?? 0;
  assert.ok(p50 > 1 && p50 <= 2, `${p50}`);
  const last = percentile(bars, 0.9999) ?? 0;
  assert.ok(last > 8 && last <= 16, `${last}`);
  assert.equal(percentile(barsOf({ le_us: [1], count: [0, 0] }), 0.5), undefined);
});

test("latencies of classes add up, and only what is new counts", () => {
  const latency = {
    get: { le_us: [1, 2], count: [1, 2, 3] },
    set: { le_us: [1, 2], count: [10, 20, 30] },
  };
  assert.deepEqual(combined(latency, "all").count, [11, 22, 33]);
  assert.deepEqual(combined(latency, "set").count, [10, 20, 30]);
  assert.deepEqual(combined({}, "all").count, [0]);
  const later = { le_us: [1, 2], count: [5, 2, 4] };
  assert.deepEqual(difference(later, latency.get).count, [4, 0, 1]);
  assert.deepEqual(difference(later, latency.set).count, later.count, "the server was restarted");
});

test("labels of marks that are close are beside each other, and within the chart", () => {
  const marks = [90, 98, 99].map((at) => ({ at, size: 20 }));
  assert.deepEqual(spread(marks, 100), [24, 52, 80]);
  const far = [20, 50, 80].map((at) => ({ at, size: 20 }));
  assert.deepEqual(spread(far, 100), [10, 40, 70]);
  assert.deepEqual(spread([{ at: 3, size: 20 }], 100), [0]);
  assert.deepEqual(spread([], 100), []);
});

test("times have two digits and a fitting unit", () => {
  assert.deepEqual([0.5, 41.2, 1234, 2_500_000].map(time), ["0.5 µs", "41 µs", "1.2 ms", "2.5 s"]);
});

test("steps of an axis are 1, 2 or 5 times a power of ten", () => {
  assert.deepEqual([1, 3, 0.2, 60, 1000].map(niceStep), [1, 5, 0.2, 100, 1000]);
});

interface Item {
  position: number;
  idle: number;
  key: string;
  queued?: boolean;
  remaining?: number;
}

/** A map of one page of 64 bytes with these items, as a server sends it. */
function mapOf(items: Item[], page = 7, hasKeys = true): ArrayBuffer {
  const pages = [4, 64, items.length, items.length, 0, NONE, page];
  const records = items.flatMap(({ position, idle, key, queued, remaining = NONE }) => [
    position,
    5,
    key.length,
    queued ? 1 : 0,
    idle,
    remaining,
    64,
    1,
  ]);
  const chunks = items.map((_, at) => (128 << 23) | (at + 1));
  const head = [1000, 500, 4096, PAGE, records.length, chunks.length];
  const numbers = Uint32Array.from([...head, ...pages, ...records, ...chunks]);
  const keys = hasKeys ? new TextEncoder().encode(items.map(({ key }) => key).join("")) : [];
  return Uint8Array.of(...new Uint8Array(numbers.buffer), ...keys).buffer;
}

const A = { position: 32, idle: 9, key: "a" };
const B = { position: 36, idle: 2, key: "bb" };
const C = { position: 40, idle: 2, key: "ccc" };
const utf8 = (text: string) => new TextEncoder().encode(text);

test("the items of a server’s map are in the order of use, the queue last", () => {
  const attached = new Attached(
    mapOf([A, B, C, { ...A, position: 44, idle: 0, queued: true }]),
    NOW,
  );
  assert.deepEqual([attached.pages, attached.begun, attached.pageSize], [1000, 500, 4096]);
  const order = [0, 1, 2, 3].map((item) => attached.snapshot.items[item * ITEM]);
  assert.deepEqual(order, [B.position, C.position, A.position, 44]);
  assert.equal(attached.placeOf(0), attached.placeOf(1), "as idle as each other");
  assert.equal(attached.placeOf(3), 1, "next to go");
  assert.deepEqual(attached.keyAt(C.position), utf8("ccc"));
  assert.equal(attached.locate(utf8("bb")), B.position);
  const facts = attached.inspect(A.position);
  assert.deepEqual([facts?.lastUsed, facts?.chunkCount], [NOW / 1000 - 9, 1]);
  assert.deepEqual(facts?.chunks, [{ page: 0, number: 0, overhead: 26, key: 1, value: 5 }]);
});

test("without keys an item is told by where it is", () => {
  const attached = new Attached(mapOf([A], 7, false), NOW);
  assert.equal(attached.hasKeys, false);
  assert.deepEqual(attached.keyAt(A.position), utf8("item at 32"));
  assert.equal(attached.locate(utf8("item at 32")), A.position);
});

test("what happened between two maps is found, and nothing is made up", () => {
  const kinds = (before: ArrayBuffer, after: ArrayBuffer) =>
    new Attached(after, NOW + 1000).since(new Attached(before, NOW));
  assert.deepEqual(kinds(mapOf([A, B]), mapOf([A, B])), []);
  assert.deepEqual(kinds(mapOf([A, B]), mapOf([{ ...A, idle: 0 }, B])), [
    { kind: "hit", position: A.position },
  ]);
  assert.deepEqual(kinds(mapOf([A, B]), mapOf([B, C])), [
    { kind: "evicted", position: A.position },
    { kind: "store", position: C.position },
  ]);
  assert.deepEqual(kinds(mapOf([{ ...A, remaining: 300 }, B]), mapOf([B])), [
    { kind: "expired", position: A.position },
  ]);
  assert.deepEqual(kinds(mapOf([A], 7), mapOf([B], 8)), [], "other pages");
});

test("bytes that are no map are refused", () => {
  for (const bytes of [0, 3, 23]) {
    assert.throws(() => new Attached(new ArrayBuffer(bytes), NOW), /not a memory map/);
  }
  const whole = mapOf([A, B], 7, false);
  assert.throws(() => new Attached(whole.slice(0, -4), NOW), /not a memory map/);
});
