// What is in a cache's memory at one moment, as the core's `MemoryMap` encodes it.

import type { OrderWords } from "./order-words.ts";

/** Means "none" in the arrays of numbers. */
export const NONE = 0xffffffff;
/** The numbers per page and per item. */
export const PAGE = 7;
export const ITEM = 8;

/** Pages, items and chunks at one moment, as flat arrays: see `MemoryMap` in the core. */
export interface Snapshot {
  pages: Uint32Array;
  items: Uint32Array;
  chunks: Uint32Array;
}

/** What can be asked about the items of a snapshot. */
export interface Inside {
  /** The time, in milliseconds since the Unix epoch. */
  readonly now: number;
  /** What the ends of the list of its items are called. */
  readonly words: OrderWords;
  /** The key of the item at a position; empty if there is none. */
  keyAt(position: number): Uint8Array;
  /** The position of the item with this key. */
  locate(key: Uint8Array): number | undefined;
  inspect(position: number): ItemFacts | undefined;
}

export interface ItemFacts {
  key: Uint8Array;
  /** When it was last used, in seconds since the Unix epoch. */
  lastUsed: number;
  /** When it expires, in milliseconds since the Unix epoch. */
  expiresAt: number | undefined;
  /** Its chunks, and the bytes of overhead, key and value in them. */
  chunks: { page: number; number: number; overhead: number; key: number; value: number }[];
  /** How many chunks it has, if some of them are not in the snapshot. */
  chunkCount?: number;
}

/** The parts of such an array: their lengths come first. */
export function snapshotOf(numbers: Uint32Array): Snapshot {
  const [pages = 0, items = 0, chunks = 0] = numbers;
  const [second, third] = [3 + pages, 3 + pages + items];
  return {
    pages: numbers.subarray(3, second),
    items: numbers.subarray(second, third),
    chunks: numbers.subarray(third, third + chunks),
  };
}

/** Decodes the number of a chunk: its item, counted from 0 (-1: free), and its fill level. */
export function decodeChunk(number: number): {
  item: number;
  isContinuation: boolean;
  filled: number;
} {
  const isContinuation = number >>> 31 === 1;
  return { item: (number & 0x7fffff) - 1, isContinuation, filled: ((number >>> 23) & 0xff) / 255 };
}
