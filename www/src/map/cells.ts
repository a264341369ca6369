// Finds the chunks of items in a snapshot.

import { decodeChunk, ITEM, PAGE, type Snapshot } from "../snapshot.ts";
import { ITEMS } from "./paint.ts";

/** A chunk: its page, and its number in the page. */
export interface Cell {
  page: number;
  chunk: number;
}

export class Cells {
  readonly #snapshot: Snapshot;
  /** The number of the item at each position. */
  #items: Map<number, number> | undefined;
  /** For each item its last chunk, and for each chunk the one before it; -1: none. */
  #last = new Int32Array();
  #before = new Int32Array();
  #pages = new Int32Array();

  constructor(snapshot: Snapshot) {
    this.#snapshot = snapshot;
  }

  /** The chunks of the item at a position, in no order; none if it is not in the snapshot. */
  of(position: number): Cell[] {
    const item = this.place(position);
    const cells: Cell[] = [];
    if (item === undefined || this.#snapshot.chunks.length === 0) return cells;
    for (let at = this.#last[item] ?? -1; at >= 0; at = this.#before[at] ?? -1) {
      const page = this.#pages[at] ?? 0;
      cells.push({ page, chunk: at - (this.#snapshot.pages[page * PAGE + 4] ?? 0) });
    }
    return cells;
  }

  /** The place of the item in the eviction order, the most recently used first. */
  place(position: number): number | undefined {
    this.#items ??= this.#index();
    return this.#items.get(position);
  }

  /** The item of a chunk: its number in the snapshot, or -1. */
  at({ page, chunk }: Cell): number {
    const [use, , highWater = 0, , first = 0] = this.#snapshot.pages.subarray(page * PAGE);
    if (use !== ITEMS || chunk >= highWater) return -1;
    return decodeChunk(this.#snapshot.chunks[first + chunk] ?? 0).item;
  }

  #index(): Map<number, number> {
    const { items, chunks, pages } = this.#snapshot;
    const all = items.length / ITEM;
    const index = new Map<number, number>();
    for (let item = 0; item < all; item++) index.set(items[item * ITEM] ?? 0, item);
    this.#last = new Int32Array(all).fill(-1);
    this.#before = new Int32Array(chunks.length);
    this.#pages = new Int32Array(chunks.length);
    for (let page = 0; page * PAGE < pages.length; page++) {
      const [use, , highWater = 0, , first = 0] = pages.subarray(page * PAGE);
      if (use !== ITEMS) continue;
      for (let at = first; at < first + highWater; at++) {
        this.#pages[at] = page;
        const { item } = decodeChunk(chunks[at] ?? 0);
        if (item < 0 || item >= all) continue;
        this.#before[at] = this.#last[item] ?? -1;
        this.#last[item] = at;
      }
    }
    return index;
  }
}
