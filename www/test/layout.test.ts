import assert from "node:assert/strict";
import { test } from "node:test";
import { cell, chunkAt, fit, gridOf, Layout, SHAPES } from "../src/map/layout.ts";

const shape = (width: number) => {
  const found = SHAPES.find((shape) => shape.width === width);
  if (found === undefined) throw new Error(`no shape of ${width}`);
  return found;
};
const pages = (count: number) => Array.from({ length: count }, (_, page) => page);

test("256 KiB are nine pages of 96 by 64 in each row of a wide map", () => {
  assert.equal(fit(63, 912, 484), shape(96));
  const layout = new Layout(shape(96), 912, pages(63), false);
  assert.deepEqual([layout.columns, layout.width, layout.height], [9, 912, 484]);
  assert.deepEqual(layout.page(10), { x: 102, y: 70, width: 96, height: 64 });
});

test("a phone shows them as 36 by 24, nine in each row", () => {
  assert.equal(fit(63, 364, 220), shape(36));
  assert.equal(new Layout(shape(36), 364, pages(63), false).columns, 9);
});

test("chunks are to scale: the page is halved in turn, its height first", () => {
  const page = { x: 0, y: 0, width: 96, height: 64 };
  const size = (chunks: number) => {
    const { width, height } = cell(page, 0, chunks);
    return [Math.round(width + 1), Math.round(height + 1)];
  };
  assert.deepEqual(size(64), [12, 8]);
  assert.deepEqual(size(32), [24, 8]);
  assert.deepEqual(size(16), [24, 16]);
  assert.deepEqual(size(1), [96, 64]);
});

test("every chunk has a place of its own, and the point in its middle finds it", () => {
  for (const count of [1, 2, 3, 5, 16, 64, 85, 128]) {
    const { columns, rows } = gridOf(count);
    assert.ok(columns * rows >= count);
    const big = shape(624);
    const page = { x: 0, y: 0, width: big.width, height: big.height };
    for (let chunk = 0; chunk < count; chunk++) {
      const at = cell(page, chunk, count);
      const found = chunkAt(big, at.x + at.width / 2, at.y + at.height / 2, count);
      assert.equal(found, chunk, `${chunk} of ${count}`);
    }
  }
});

test("a point in a page finds it, whatever is drawn", () => {
  const layout = new Layout(shape(48), 680, [3, 5, 8], true);
  for (const page of [3, 5, 8]) {
    const { x, y, width, height } = layout.page(page) ?? { x: 0, y: 0, width: 0, height: 0 };
    assert.equal(layout.at(x + width / 2, y + height / 2)?.page, page);
  }
  assert.equal(layout.at(-1, 0), undefined);
  assert.equal(layout.at(0, 1000), undefined);
  assert.equal(layout.page(4), undefined);
});

test("the largest memory has a shape too", () => {
  for (const count of [1, 500, 2640, 65_536, 200_000])
    assert.ok(fit(count, 912, 484), String(count));
});
