// The interface to the cache. This is the only file that knows that the engine is a WebAssembly
// module, and the only one that draws random numbers and reads the wall clock, which it passes to
// the engine.

import initFull, * as full from "../pkg/dynamidb_full.js";
import init, * as wasm from "../pkg/dynamidb_web.js";
import type { Prediction } from "./curve.ts";
import { realTime, yieldToBrowser } from "./frames.ts";
import type { HotKeys } from "./hot-keys.ts";
import { BY_DENSITY, BY_USE, type OrderWords } from "./order-words.ts";
import { Slicer } from "./slices.ts";
import { NONE, type Snapshot, snapshotOf } from "./snapshot.ts";

/** The settings of a cache. */
export interface Settings {
  /** The budget, in bytes. */
  memory: number;
  /** The item limit; by default only memory limits the number of items. */
  maxItems?: number | undefined;
  /** The largest item, in bytes. */
  itemSizeMax: number;
  /** The slab sizes, in bytes. */
  slabSizes: number[];
  policy: "lru" | "s3lru" | "density";
  dialect: "auto" | "dynamidb" | "memcached";
}

/** The parameters of a load: see `Load` in the engine. */
export interface Load {
  keys: number;
  skew: number;
  sizeMin: number;
  sizeMax: number;
  reads: number;
  ttl: number;
  rate: number;
  seed: number;
  /** Added to the numbers of the keys. */
  first: number;
  /** 1: the keys come one after the other. */
  scan: number;
}

/** One step of a scenario. */
export type Step =
  | { kind: "note"; text: string }
  | { kind: "send"; client: number; bytes: Uint8Array }
  | { kind: "disconnect"; client: number }
  | { kind: "wait"; millis: number }
  | { kind: "set-clock"; now: number }
  | { kind: "start-load"; load: Load }
  | { kind: "run-load"; operations: number };

/** A parsed scenario. */
export interface Scenario {
  title: string;
  settings: Settings;
  steps: Step[];
  /** The scenario's empty cache. */
  engine: Engine;
  /** The state digest that its end had when it was recorded. */
  digest: string | undefined;
}

/** The engine's counters and sizes. */
export type Stats = Record<(typeof COUNTERS)[number], number>;
const COUNTERS = [
  "items",
  "bytes",
  "indexBytes",
  "limit",
  "gets",
  "hits",
  "sets",
  "evictions",
  "evictedUnread",
  "expired",
  "expiredUnread",
  "tooLarge",
  "noMemory",
  "pages",
  "pageSize",
] as const;

/** An item that was evicted or has expired. */
export interface Removal {
  reason: (typeof REASONS)[number];
  key: Uint8Array;
  position: number;
  valueSize: number;
  /** Seconds since its last use. */
  idle: number;
  /** Milliseconds until it would have expired; `NONE` if never. */
  remaining: number;
  read: boolean;
  queued: boolean;
  /** Why it was the one to go, if memory was needed. */
  why: string;
}
const REASONS = ["memory", "item limit", "expired, requested", "expired"] as const;

/** A request of the load. */
export interface Request {
  outcome: "hit" | "filled" | "stored" | "rejected";
  key: Uint8Array;
  /** Where its item is; `NONE` if it is gone. */
  position: number;
  /** Bytes of the stored value. */
  size: number;
  /** The key of the item that was evicted for it; may be empty. */
  evicted: Uint8Array;
}
const OUTCOMES = ["hit", "filled", "stored", "rejected"] as const;

/** A chunk of an item, and the bytes of overhead, key and value in it. */
export interface Chunk {
  position: number;
  page: number;
  number: number;
  overhead: number;
  key: number;
  value: number;
  bytes: Uint8Array;
}

/** A field of an item header. */
export interface Field {
  name: string;
  /** The byte offset of its 32-bit word, and the mask of its bits in the word. */
  offset: number;
  mask: number;
  value: number;
}

/** Everything about one item. */
export interface Inspection {
  key: Uint8Array;
  flags: number;
  cas: number;
  /** When it was last used, in seconds since the Unix epoch. */
  lastUsed: number;
  read: boolean;
  /** When it expires, in milliseconds since the Unix epoch. */
  expiresAt: number | undefined;
  chunks: Chunk[];
  fields: Field[];
}

/** From this share of its requests on, a key is one that is read, or one that is written. */
const MOSTLY = 0.9;

/** How a snapshot begins: a byte that no text has, and `DynDB`. */
const MAGIC = [0x89, 0x44, 0x79, 0x6e, 0x44, 0x42];

const POLICIES = ["lru", "s3lru", "density"] as const;
const DIALECTS = ["auto", "dynamidb", "memcached"] as const;

function numbersOf(settings: Settings): Uint32Array {
  return Uint32Array.of(
    settings.memory,
    settings.maxItems ?? NONE,
    settings.itemSizeMax,
    POLICIES.indexOf(settings.policy),
    DIALECTS.indexOf(settings.dialect),
    ...settings.slabSizes,
  );
}

function settingsOf(numbers: Uint32Array): Settings {
  const [memory = 0, maxItems = NONE, itemSizeMax = 0, policy = 0, dialect = 0, ...sizes] = numbers;
  return {
    memory,
    maxItems: maxItems === NONE ? undefined : maxItems,
    itemSizeMax,
    slabSizes: sizes,
    policy: POLICIES[policy] ?? "lru",
    dialect: DIALECTS[dialect] ?? "auto",
  };
}

const LOAD = [
  "keys",
  "skew",
  "sizeMin",
  "sizeMax",
  "reads",
  "ttl",
  "rate",
  "seed",
  "first",
  "scan",
] as const;

function loadOf(numbers: ArrayLike<number>): Load {
  return Object.fromEntries(LOAD.map((name, at) => [name, numbers[at]])) as unknown as Load;
}

/** Loads the module. Throws if the browser cannot. */
export async function start(): Promise<void> {
  await init();
}

/** Whether the full engine is loaded. */
let fullIsLoaded: Promise<unknown> | undefined;

/** Loads the engine that also has what is seldom used. Throws if it cannot, and may be retried. */
async function loadFull(): Promise<typeof full> {
  fullIsLoaded ??= initFull();
  try {
    await fullIsLoaded;
  } catch {
    fullIsLoaded = undefined;
    throw new Error("a part of this page could not be loaded: is the network there?");
  }
  return full;
}

/** The engine's defaults for this budget. */
export function defaults(memory: number): Settings {
  return settingsOf(wasm.Playground.defaults(memory));
}

/** The default load. */
export function defaultLoad(): Load {
  return loadOf(wasm.Playground.defaultLoad());
}

/** How much memory this many items of one size need. */
export interface Sizing {
  /** The budget, in bytes. */
  memory: number;
  /** The bytes that the chunks of an item take of their pages. */
  each: number;
  /** Of each chunk its size, and the bytes of overhead, key and value in it. */
  chunks: (readonly [number, number, number, number])[];
}

/** Lays out an item of these sizes; no `sizes`: those of a server whose memory is given. */
type Calculate = (items: number, key: number, value: number, sizes: number[]) => Sizing;

/** Loads what calculates memory. The function throws if its numbers are out of range. */
export async function calculator(): Promise<Calculate> {
  const { Playground } = await loadFull();
  return (items, key, value, sizes) =>
    sizingOf(Playground.sizing(items, key, value, Uint32Array.from(sizes)));
}

function sizingOf(numbers: Float64Array): Sizing {
  const [memory = 0, each = 0] = numbers;
  const chunks: Sizing["chunks"] = [];
  for (let at = 2; at < numbers.length; at += 4) {
    const [size = 0, overhead = 0, ofKey = 0, ofValue = 0] = numbers.subarray(at, at + 4);
    chunks.push([size, overhead, ofKey, ofValue]);
  }
  return { memory, each, chunks };
}

/** Parses a scenario; throws an error whose message names the line and the reason. */
export function parse(text: string): Scenario {
  const read = new wasm.Scenario(text);
  const steps = Array.from({ length: read.length }, (_, at) => stepOf(read, at));
  const settings = settingsOf(read.settings);
  const engine = new Engine(read.playground(), settings.policy);
  const { title, digest } = read;
  return { title, settings, steps, engine, digest };
}

function stepOf(read: wasm.Scenario, at: number): Step {
  const numbers = read.numbers(at);
  const number = numbers[0] ?? 0;
  const steps: (() => Step)[] = [
    () => ({ kind: "note", text: new TextDecoder().decode(read.bytes(at)) }),
    () => ({ kind: "send", client: number, bytes: read.bytes(at) }),
    () => ({ kind: "disconnect", client: number }),
    () => ({ kind: "wait", millis: number }),
    () => ({ kind: "set-clock", now: number }),
    () => ({ kind: "start-load", load: loadOf(numbers) }),
    () => ({ kind: "run-load", operations: number }),
  ];
  const step = steps[read.kind(at)];
  if (step === undefined) throw new Error("a step of an unknown kind");
  return step();
}

/** A cache, its clients and its clock. */
export class Engine {
  readonly #playground: wasm.Playground;
  readonly words: OrderWords;

  constructor(playground: wasm.Playground, policy: Settings["policy"]) {
    this.#playground = playground;
    this.words = policy === "density" ? BY_DENSITY : BY_USE;
  }

  /** Makes an empty cache, now, with a random seed. Throws if a setting is invalid. */
  static create(settings: Settings): Engine {
    const seed = crypto.getRandomValues(new Uint8Array(16));
    const playground = new wasm.Playground(numbersOf(settings), seed, Date.now());
    return new Engine(playground, settings.policy);
  }

  /** Whether bytes are the beginning of a snapshot. */
  static isSnapshot(bytes: Uint8Array): boolean {
    return MAGIC.every((byte, at) => bytes[at] === byte);
  }

  /** Opens a snapshot as a cache, as it was then. Throws an error that says what is wrong. */
  static async open(bytes: Uint8Array): Promise<Engine> {
    const { Opening } = await loadFull();
    const opening = new Opening(bytes, Date.now());
    try {
      const slicer = new Slicer(realTime);
      const restore = (blocks: number) => opening.restore(blocks);
      while (!slicer.slice(Number.POSITIVE_INFINITY, restore).isDone) await yieldToBrowser();
    } catch (error) {
      opening.free();
      throw error;
    }
    return new Engine(opening.finish(), "lru");
  }

  /** Frees its memory. It must not be used any more. */
  free(): void {
    this.#playground.free();
  }

  /** Sends bytes as this client, and returns the server's reply. */
  send(client: number, bytes: Uint8Array): Uint8Array {
    return this.#playground.send(client, bytes);
  }

  /** Closes a client's connection. */
  disconnect(client: number): void {
    this.#playground.disconnect(client);
  }

  /** Whether this client is connected. */
  isConnected(client: number): boolean {
    return this.#playground.isConnected(client);
  }

  /** The bytes of the client's incomplete request. */
  pending(client: number): number {
    return this.#playground.pending(client);
  }

  /** The time, in milliseconds since the Unix epoch. */
  get now(): number {
    return this.#playground.now;
  }

  /** The time since the cache was made, in milliseconds. */
  get age(): number {
    return this.#playground.age;
  }

  /** Advances the clock. */
  advance(millis: number): void {
    this.#playground.advance(millis);
  }

  /** Sets the clock. */
  setClock(now: number): void {
    this.#playground.setClock(now);
  }

  /** When the next item expires. */
  nextExpiry(): number | undefined {
    return this.#playground.nextExpiry();
  }

  /** Starts a load; throws an error whose message names the number that is out of range. */
  startLoad(load: Load, lines?: Uint8Array): void {
    this.#playground.startLoad(
      Uint32Array.from(LOAD, (name) => load[name]),
      lines,
    );
  }

  /** Does operations of the load, and returns their number: fewer at the end of a key file. */
  runLoad(operations: number): number {
    return this.#playground.runLoad(operations);
  }

  /** The last requests of the load since the last call, the oldest first. */
  feed(): Request[] {
    const numbers = this.#playground.feed();
    const keys = this.#playground.feedKeys();
    const requests: Request[] = [];
    for (let at = 0, from = 0; at < numbers.length; at += 5) {
      const [outcome = 0, position = NONE, size = 0, key = 0, evicted = 0] = numbers.subarray(
        at,
        at + 5,
      );
      requests.push({
        outcome: OUTCOMES[outcome] ?? "hit",
        position,
        size,
        key: keys.subarray(from, (from += key)),
        evicted: keys.subarray(from, (from += evicted)),
      });
    }
    this.#playground.clearFeed();
    return requests;
  }

  /** The state digest: the same wherever the same operations were done. */
  digest(): string {
    return this.#playground.digest();
  }

  /** The session as the text of a scenario; `undefined` if it cannot be recorded. */
  record(): string | undefined {
    return this.#playground.record();
  }

  stats(): Stats {
    const numbers = this.#playground.stats();
    return Object.fromEntries(COUNTERS.map((name, at) => [name, numbers[at]])) as Stats;
  }

  /** Pages, items and chunks; if there are more items than `limit`, the newest and the oldest. */
  snapshot(limit: number): Snapshot {
    return snapshotOf(this.#playground.snapshot(limit));
  }

  /** Pages in each of the wheel's 4 times 64 slots, where each hand is, the slot of each page. */
  wheel(): Uint32Array {
    return this.#playground.wheel();
  }

  /** The positions of the items of the last message; `NONE` for a key without an item. */
  touched(): number[] {
    return [...this.#playground.touched()];
  }

  /** The evicted and expired items since the last call; the first of them if there were many. */
  removals(): Removal[] {
    const numbers = this.#playground.removals();
    const keys = this.#playground.removalKeys();
    const removals: Removal[] = [];
    for (let at = 0, from = 0; at < numbers.length; at += 8) {
      const [reason = 0, position = NONE, valueSize = 0, idle = 0, remaining = NONE] =
        numbers.subarray(at, at + 5);
      const [read, queued, size = 0] = numbers.subarray(at + 5, at + 8);
      removals.push({
        reason: REASONS[reason] ?? "memory",
        key: keys.subarray(from, (from += size)),
        position,
        valueSize,
        idle,
        remaining,
        read: read === 1,
        queued: queued === 1,
        why: queued === 1 ? this.words.whyQueued : this.words.why,
      });
    }
    this.#playground.clearRemovals();
    return removals;
  }

  /** The keys that were asked for most in the last minute, from a sample of the requests. */
  hotKeys(): HotKeys {
    const [sampled = 0, ...numbers] = this.#playground.hotKeys();
    const bytes = this.#playground.hotKeyBytes();
    const keys: HotKeys["keys"] = [];
    for (let at = 0, from = 0; at < numbers.length; at += 4) {
      const [samples = 0, error = 0, reads = 0, size = 0] = numbers.slice(at, at + 4);
      const read = reads / Math.max(1, samples - error);
      keys.push({
        key: bytes.subarray(from, (from += size)),
        share: samples / Math.max(1, sampled),
        error: error / Math.max(1, sampled),
        kind: read >= MOSTLY ? "read" : read <= 1 - MOSTLY ? "written" : "both",
      });
    }
    return { seconds: 60, sampled, keys };
  }

  /** The hit ratio with less and with more memory; none until enough is known. */
  predictions(): Prediction[] {
    const numbers = this.#playground.advice();
    const predictions: Prediction[] = [];
    for (let at = 0; at < numbers.length; at += 3) {
      const [factor = 1, hit_ratio = 0, error = 0] = numbers.subarray(at, at + 3);
      predictions.push({ factor, hit_ratio, error });
    }
    return predictions;
  }

  /** What they mean, in a sentence. */
  advice(): string {
    return this.#playground.adviceText();
  }

  /** The key of the item at a position; empty if there is none. */
  keyAt(position: number): Uint8Array {
    return this.#playground.keyAt(position);
  }

  /** The position of the item with this key. */
  locate(key: Uint8Array): number | undefined {
    return this.#playground.locate(key);
  }

  /** Everything about the item at a position; `undefined` if there is none. */
  inspect(position: number): Inspection | undefined {
    const [flags, cas, lastUsed, read, expiresAt] = this.#playground.inspect(position);
    if (flags === undefined) return undefined;
    const names = this.#playground.fieldNames(position);
    const fields = this.#playground.fields(position);
    return {
      key: this.keyAt(position),
      flags,
      cas: cas ?? 0,
      lastUsed: lastUsed ?? 0,
      read: read === 1,
      expiresAt: expiresAt === -1 ? undefined : expiresAt,
      chunks: this.#chunks(position),
      fields: names.map((name, at) => ({
        name,
        offset: fields[3 * at] ?? 0,
        mask: fields[3 * at + 1] ?? 0,
        value: fields[3 * at + 2] ?? 0,
      })),
    };
  }

  #chunks(position: number): Chunk[] {
    const numbers = this.#playground.chunks(position);
    const bytes = this.#playground.chunkBytes(position);
    const chunks: Chunk[] = [];
    for (let at = 0, from = 0; at < numbers.length; at += 7) {
      const [start = 0, page = 0, number = 0, size = 0, overhead = 0, key = 0, value = 0] =
        numbers.subarray(at, at + 7);
      const chunkBytes = bytes.subarray(from, (from += size));
      chunks.push({ position: start, page, number, overhead, key, value, bytes: chunkBytes });
    }
    return chunks;
  }
}
