import assert from "node:assert/strict";
import { test } from "node:test";
import { Slicer } from "../src/slices.ts";

/** The longest time that the page may be blocked, in milliseconds. */
const LONGEST = 16;

/** A slicer, and work whose piece number n takes `cost(n)` milliseconds by its clock. */
function working(cost: (piece: number) => number, pieces = Infinity) {
  let [now, next] = [0, 0];
  const work = (wanted: number) => {
    const end = Math.min(next + wanted, pieces);
    const ran = end - next;
    while (next < end) now += cost(next++);
    return ran;
  };
  return { slicer: new Slicer(() => now), work };
}

for (const [costs, cost] of Object.entries({
  "0.0005 ms": () => 0.0005,
  "0.002 ms, like a get": () => 0.002,
  "1 ms, like a value of a megabyte": () => 1,
  "8 ms, a whole slice": () => 8,
  "four times as much from piece 1000 on": (piece: number) => (piece < 1000 ? 0.001 : 0.004),
  "0.001 ms, and 0.7 ms in every seventh piece": (piece: number) => (piece % 7 === 0 ? 0.7 : 0.001),
  "more with each piece": (piece: number) => 1e-6 * (piece + 1),
})) {
  test(`no slice blocks the page if a piece costs ${costs}`, () => {
    const { slicer, work } = working(cost);
    let slices = 0;
    for (let done = 0; done < 5000; slices += 1) done += slicer.slice(5000 - done, work).done;
    assert.ok(slicer.longest < LONGEST + 1e-6, `${slicer.longest} ms`);
    assert.ok(slices <= 2 + slicer.spent / 4, `${slices} slices in ${slicer.spent} ms`);
  });
}

test("slices do all pieces of the work, and never more than wanted", () => {
  const { slicer, work } = working(() => 0.1, 130);
  assert.deepEqual(slicer.slice(50, work), { done: 50, isDone: false });
  let [done, isDone] = [50, false];
  while (!isDone) {
    const slice = slicer.slice(1000, work);
    [done, isDone] = [done + slice.done, slice.isDone];
  }
  assert.equal(done, 130);
  assert.deepEqual(slicer.slice(10, work), { done: 0, isDone: true });
});

test("a clock that stands still does not stop the work", () => {
  const { slicer, work } = working(() => 0);
  assert.deepEqual(slicer.slice(100_000, work), { done: 100_000, isDone: false });
});
