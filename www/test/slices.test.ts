import assert from "node:assert/strict";
import { test } from "node:test";
import { Slicer } from "../src/slices.ts";

/** The longest that the page may be held up, in milliseconds. */
const LONGEST = 16;

/** A slicer, and work whose piece number n takes `cost(n)` milliseconds by its watch. */
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
  "next to nothing": () => 0.0005,
  "as a get": () => 0.002,
  "as a value of a megabyte": () => 1,
  "nearly a slice": () => 8,
  "four times as much from the thousandth on": (piece: number) => (piece < 1000 ? 0.001 : 0.004),
  "now little, now much": (piece: number) => (piece % 7 === 0 ? 0.7 : 0.001),
  "more and more": (piece: number) => 1e-6 * (piece + 1),
})) {
  test(`no slice holds up the page if a piece costs ${costs}`, () => {
    const { slicer, work } = working(cost);
    let slices = 0;
    for (let done = 0; done < 5000; slices += 1) done += slicer.slice(5000 - done, work).done;
    assert.ok(slicer.longest < LONGEST + 1e-6, `${slicer.longest} ms`);
    assert.ok(slices <= 2 + slicer.spent / 4, `${slices} slices in ${slicer.spent} ms`);
  });
}

test("the work is done to its end, and not beyond what is wanted", () => {
  const { slicer, work } = working(() => 0.1, 130);
  assert.deepEqual(slicer.slice(50, work), { done: 50, isOver: false });
  let [done, isOver] = [50, false];
  while (!isOver) {
    const slice = slicer.slice(1000, work);
    [done, isOver] = [done + slice.done, slice.isOver];
  }
  assert.equal(done, 130);
  assert.deepEqual(slicer.slice(10, work), { done: 0, isOver: true });
});

test("a watch that stands still does not keep the work from its end", () => {
  const { slicer, work } = working(() => 0);
  assert.deepEqual(slicer.slice(100_000, work), { done: 100_000, isOver: false });
});
