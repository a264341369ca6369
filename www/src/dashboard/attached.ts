// The memory of a server's shard as the map sees it: a sample of its pages, decoded from the bytes
// that the server sends (`native/src/server/memory_map.rs`).

import { Cells } from "../map/cells.ts";
import type { Kind } from "../map/events.ts";
import { BY_USE, type OrderWords } from "../order-words.ts";
import { idOf } from "../selection.ts";
import {
  decodeChunk,
  type Inside,
  ITEM,
  type ItemFacts,
  NONE,
  PAGE,
  type Snapshot,
  snapshotOf,
} from "../snapshot.ts";

/** The numbers before the snapshot: pages of the shard, pages that were ever used, their size. */
const HEAD = 3;
const QUEUED = 1;
const ITEM_BITS = 0x7fffff;
/** Time between two maps that may hide an expiry, in milliseconds. */
const SOON = 2000;

export class Attached implements Inside {
  readonly snapshot: Snapshot;
  readonly now: number;
  words: OrderWords = BY_USE;
  /** Pages of the shard, those that were ever used, and the bytes of each. */
  readonly pages: number;
  readonly begun: number;
  readonly pageSize: number;
  readonly hasKeys: boolean;
  readonly #cells: Cells;
  readonly #keys = new Map<number, Uint8Array>();
  readonly #positions = new Map<string, number>();
  /** The place of each item in the order of eviction: items as idle as each other share one. */
  readonly #places: Float32Array;

  /** `now` is the time in milliseconds since the Unix epoch. Throws if the bytes are not a map. */
  constructor(bytes: ArrayBuffer, now: number) {
    this.now = now;
    const numbers = new Uint32Array(bytes, 0, Math.floor(bytes.byteLength / 4));
    [this.pages = 0, this.begun = 0, this.pageSize = 0] = numbers;
    const raw = snapshotOf(numbers.subarray(HEAD));
    const lengths = numbers.subarray(HEAD, HEAD + 3).reduce((sum, length) => sum + length, 0);
    const end = 4 * (HEAD + 3 + lengths);
    if (numbers.length < HEAD + 3 || bytes.byteLength < end) throw new Error("not a memory map");
    this.hasKeys = bytes.byteLength > end;
    if (this.hasKeys) this.#readKeys(raw.items, new Uint8Array(bytes, end));
    const order = ordered(raw.items);
    this.snapshot = arranged(raw, order);
    this.#cells = new Cells(this.snapshot);
    this.#places = places(this.snapshot.items);
    for (let at = 0; at < this.snapshot.items.length; at += ITEM) {
      const position = this.snapshot.items[at] ?? NONE;
      this.#positions.set(idOf(this.keyAt(position)), position);
    }
  }

  #readKeys(items: Uint32Array, keys: Uint8Array): void {
    for (let at = 0, from = 0; at < items.length; at += ITEM) {
      const size = items[at + 2] ?? 0;
      this.#keys.set(items[at] ?? NONE, keys.subarray(from, (from += size)));
    }
  }

  /** The key, or what stands for it if the server does not show keys. */
  keyAt(position: number): Uint8Array {
    return this.#keys.get(position) ?? new TextEncoder().encode(`item at ${position}`);
  }

  locate(key: Uint8Array): number | undefined {
    return this.#positions.get(idOf(key));
  }

  inspect(position: number): ItemFacts | undefined {
    const item = this.#cells.place(position);
    if (item === undefined) return undefined;
    const [, value = 0, key = 0, , idle = 0, remaining = NONE, , count = 1] =
      this.snapshot.items.subarray(item * ITEM, item * ITEM + ITEM);
    const chunks = this.#cells.of(position).map(({ page, chunk }) => {
      const [, size = 0, , , first = 0] = this.snapshot.pages.subarray(page * PAGE);
      const { filled, isContinuation } = decodeChunk(this.snapshot.chunks[first + chunk] ?? 0);
      return { page, number: chunk, isContinuation, bytes: Math.round(filled * size) };
    });
    // The header’s chunk comes first, if the sample has it.
    chunks.sort((one, other) => Number(one.isContinuation) - Number(other.isContinuation));
    const used = chunks.reduce((sum, { bytes }) => sum + bytes, 0);
    return {
      key: this.keyAt(position),
      lastUsed: Math.floor(this.now / 1000) - idle,
      expiresAt: remaining === NONE ? undefined : this.now + remaining,
      // How key and value are spread over the chunks is not sent: they count for the first one.
      chunks: chunks.map(({ page, number }, at) =>
        at === 0
          ? { page, number, overhead: Math.max(0, used - key - value), key, value }
          : { page, number, overhead: 0, key: 0, value: 0 },
      ),
      chunkCount: count,
    };
  }

  /** The place of an item in the order of eviction, from 0 to 1. */
  placeOf(item: number): number {
    return this.#places[item] ?? 0;
  }

  /** The part of the chunks in use that is wasted; nothing if there are none. */
  get waste(): number | undefined {
    let [all, wasted] = [0, 0];
    const { pages, chunks } = this.snapshot;
    for (let page = 0; page < pages.length; page += PAGE) {
      const [use = 0, size = 0, touched = 0, , first = 0] = pages.subarray(page, page + PAGE);
      for (let at = first; use === 4 && at < first + touched; at++) {
        const { item, filled } = decodeChunk(chunks[at] ?? 0);
        if (item < 0) continue;
        all += size;
        wasted += size * (1 - filled);
      }
    }
    return all === 0 ? undefined : wasted / all;
  }

  /** What happened to the items since an earlier map: only what is certain. */
  since(earlier: Attached): { kind: Kind; position: number }[] {
    if (!samePages(this.snapshot.pages, earlier.snapshot.pages)) return [];
    const [before, after] = [earlier.#identities(), this.#identities()];
    const events: { kind: Kind; position: number }[] = [];
    for (const [id, item] of before) {
      const now = after.get(id);
      const { items } = earlier.snapshot;
      const position = items[item * ITEM] ?? NONE;
      if (now === undefined) {
        const isOver = (items[item * ITEM + 5] ?? NONE) <= SOON;
        events.push({ kind: isOver ? "expired" : "evicted", position });
      } else if ((this.snapshot.items[now * ITEM + 4] ?? 0) < (items[item * ITEM + 4] ?? 0)) {
        // Idle for a shorter time than before: it was used.
        events.push({ kind: "hit", position });
      }
    }
    for (const [id, item] of after) {
      if (!before.has(id)) {
        events.push({ kind: "store", position: this.snapshot.items[item * ITEM] ?? NONE });
      }
    }
    return events;
  }

  /** The items by what they stay the same by: where they are, their sizes, their key. */
  #identities(): Map<string, number> {
    const identities = new Map<string, number>();
    const { items } = this.snapshot;
    for (let item = 0; item * ITEM < items.length; item++) {
      const [position = NONE, value, key] = items.subarray(item * ITEM, item * ITEM + 3);
      identities.set(`${position} ${value} ${key} ${idOf(this.keyAt(position))}`, item);
    }
    return identities;
  }
}

/** The items’ numbers in the order of use, each position once: the newest first, the queue last. */
function ordered(items: Uint32Array): number[] {
  const seen = new Set<number>();
  const order: number[] = [];
  for (let item = 0; item * ITEM < items.length; item++) {
    const position = items[item * ITEM] ?? NONE;
    if (seen.has(position)) continue;
    seen.add(position);
    order.push(item);
  }
  const rank = (item: number) => {
    const isQueued = ((items[item * ITEM + 3] ?? 0) & QUEUED) !== 0;
    return (isQueued ? 2 ** 32 : 0) + (items[item * ITEM + 4] ?? 0);
  };
  return order.sort((one, other) => rank(one) - rank(other));
}

/** The same snapshot with its items in this order. */
function arranged({ pages, items, chunks }: Snapshot, order: number[]): Snapshot {
  const places = new Map<number, number>();
  const sorted = new Uint32Array(order.length * ITEM);
  order.forEach((item, place) => {
    places.set(items[item * ITEM] ?? NONE, place);
    sorted.set(items.subarray(item * ITEM, item * ITEM + ITEM), place * ITEM);
  });
  const renumbered = chunks.map((number) => {
    const { item } = decodeChunk(number);
    if (item < 0) return 0;
    const place = places.get(items[item * ITEM] ?? NONE);
    return place === undefined ? 0 : ((number & ~ITEM_BITS) | (place + 1)) >>> 0;
  });
  return { pages, items: sorted, chunks: renumbered };
}

function places(items: Uint32Array): Float32Array {
  const all = items.length / ITEM;
  const places = new Float32Array(all);
  const same = (one: number, other: number) =>
    items[one * ITEM + 4] === items[other * ITEM + 4] &&
    ((items[one * ITEM + 3] ?? 0) & QUEUED) === ((items[other * ITEM + 3] ?? 0) & QUEUED);
  for (let from = 0, to = 0; from < all; from = to) {
    while (to < all && same(from, to)) to += 1;
    // All are just used if all are as idle as each other.
    const middle = from === 0 ? 0 : (from + to - 1) / 2;
    places.fill(middle / Math.max(1, all - 1), from, to);
  }
  return places;
}

function samePages(one: Uint32Array, other: Uint32Array): boolean {
  if (one.length !== other.length) return false;
  for (let at = PAGE - 1; at < one.length; at += PAGE) if (one[at] !== other[at]) return false;
  return true;
}
