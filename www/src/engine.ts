// The cache, as the page sees it. This is the only file that knows that the engine is a
// WebAssembly module, and the only one that reads the clock and draws random numbers: the engine
// is told both.

import init, * as wasm from "../pkg/dynamidb_web.js";

/** Stands for "none" where the engine has numbers. */
export const NONE = 0xffffffff;

/** What a cache is made from. */
export interface Settings {
  /** The budget, in bytes. */
  memory: number;
  /** How many items there may be, if there is a limit besides memory. */
  maxItems?: number | undefined;
  /** The largest item, in bytes. */
  itemSizeMax: number;
  /** The chunk sizes, in bytes. */
  slabSizes: number[];
  policy: "lru" | "s3lru";
  dialect: "auto" | "dynamidb" | "memcached";
}

/** What a load is made of: see `Load` in the engine. */
export interface Load {
  keys: number;
  skew: number;
  sizeMin: number;
  sizeMax: number;
  reads: number;
  ttl: number;
  rate: number;
  seed: number;
}

/** One step of a scenario. */
export type Step =
  | { kind: "note"; text: string }
  | { kind: "say"; client: number; bytes: Uint8Array }
  | { kind: "hang-up"; client: number }
  | { kind: "wait"; millis: number }
  | { kind: "jump"; to: number }
  | { kind: "load"; load: Load }
  | { kind: "run"; operations: number };

/** A scenario that was read. */
export interface Scenario {
  title: string;
  settings: Settings;
  steps: Step[];
  /** The cache it begins with. */
  engine: Engine;
}

/** Counters and sizes; the names say what the engine means by them. */
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

/** Pages, items and chunks at one moment, as flat arrays: see `look` in the engine. */
export interface Look {
  pages: Uint32Array;
  items: Uint32Array;
  cells: Uint32Array;
}
/** Numbers of each page and of each item in these arrays. */
export const PAGE = 6;
export const ITEM = 8;

/** What the number of a chunk says: its item, counted from 0 (-1: free), and how full it is. */
export function chunkOf(cell: number): { item: number; isMore: boolean; filled: number } {
  const isMore = cell >>> 31 === 1;
  return { item: (cell & 0x7fffff) - 1, isMore, filled: ((cell >>> 23) & 0xff) / 255 };
}

/** An item that went although nobody asked for that. */
export interface Removal {
  cause: "memory" | "items" | "expired, asked for" | "expired";
  key: Uint8Array;
  position: number;
  valueSize: number;
  /** Seconds since its last use. */
  unused: number;
  /** Milliseconds until it would have ended; `NONE` if never. */
  left: number;
  read: boolean;
  queued: boolean;
}
const CAUSES = ["memory", "items", "expired, asked for", "expired"] as const;

/** A chunk of an item: what is the engine's, the key's and the value's of its bytes. */
export interface Chunk {
  position: number;
  page: number;
  number: number;
  head: number;
  key: number;
  value: number;
  bytes: Uint8Array;
}

/** A field of an item's head. */
export interface Field {
  name: string;
  /** The byte at which its 32-bit word begins, and which of the word's bits it has. */
  at: number;
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
  /** When it ends, in milliseconds since the Unix epoch. */
  endsAt: number | undefined;
  chunks: Chunk[];
  fields: Field[];
}

const POLICIES = ["lru", "s3lru"] as const;
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

const LOAD = ["keys", "skew", "sizeMin", "sizeMax", "reads", "ttl", "rate", "seed"] as const;

function loadOf(numbers: ArrayLike<number>): Load {
  return Object.fromEntries(LOAD.map((name, at) => [name, numbers[at]])) as unknown as Load;
}

/** Loads the module. Throws if the browser cannot. */
export async function start(): Promise<void> {
  await init();
}

/** The engine's own defaults for this budget. */
export function defaults(memory: number): Settings {
  return settingsOf(wasm.Playground.defaults(memory));
}

/** The load that is offered first. */
export function defaultLoad(): Load {
  return loadOf(wasm.Playground.exampleLoad());
}

/** Reads the text of a scenario; throws an error whose message says what is wrong. */
export function parse(text: string): Scenario {
  const read = new wasm.Scenario(text);
  const steps = Array.from({ length: read.length }, (_, at) => stepOf(read, at));
  const engine = new Engine(read.playground());
  return { title: read.title, settings: settingsOf(read.settings), steps, engine };
}

function stepOf(read: wasm.Scenario, at: number): Step {
  const numbers = read.numbers(at);
  const number = numbers[0] ?? 0;
  const steps: (() => Step)[] = [
    () => ({ kind: "note", text: new TextDecoder().decode(read.bytes(at)) }),
    () => ({ kind: "say", client: number, bytes: read.bytes(at) }),
    () => ({ kind: "hang-up", client: number }),
    () => ({ kind: "wait", millis: number }),
    () => ({ kind: "jump", to: number }),
    () => ({ kind: "load", load: loadOf(numbers) }),
    () => ({ kind: "run", operations: number }),
  ];
  const step = steps[read.kind(at)];
  if (step === undefined) throw new Error("a step that this page does not know");
  return step();
}

/** A cache, its clients and its time. */
export class Engine {
  readonly #playground: wasm.Playground;

  constructor(playground: wasm.Playground) {
    this.#playground = playground;
  }

  /** An empty cache, now, with a random seed. Throws if the settings are impossible. */
  static create(settings: Settings): Engine {
    const seed = crypto.getRandomValues(new Uint8Array(16));
    return new Engine(new wasm.Playground(numbersOf(settings), seed, Date.now()));
  }

  /** Gives its memory back. It must not be used any more. */
  free(): void {
    this.#playground.free();
  }

  /** Sends bytes as this client and returns what the server answers. */
  say(client: number, bytes: Uint8Array): Uint8Array {
    return this.#playground.say(client, bytes);
  }

  /** Ends a client's connection. */
  hangUp(client: number): void {
    this.#playground.hangUp(client);
  }

  /** Whether this client is connected. */
  isOpen(client: number): boolean {
    return this.#playground.isOpen(client);
  }

  /** How many bytes the server has received of a request that is not complete. */
  pending(client: number): number {
    return this.#playground.pending(client);
  }

  /** The time, in milliseconds since the Unix epoch. */
  get now(): number {
    return this.#playground.now;
  }

  /** How long there has been this cache, in milliseconds. */
  get age(): number {
    return this.#playground.age;
  }

  /** Lets time pass. */
  advance(millis: number): void {
    this.#playground.advance(millis);
  }

  /** Sets the clock. */
  jump(to: number): void {
    this.#playground.jump(to);
  }

  /** When the next item ends. */
  nextExpiry(): number | undefined {
    return this.#playground.nextExpiry();
  }

  /** Begins a load; throws an error whose message says which number is out of range. */
  startLoad(load: Load, lines?: Uint8Array): void {
    this.#playground.startLoad(
      Uint32Array.from(LOAD, (name) => load[name]),
      lines,
    );
  }

  /** Does so many operations of the load; fewer if its file has come to its end. */
  runLoad(operations: number): number {
    return this.#playground.runLoad(operations);
  }

  /** A number for the whole state: the same wherever the same was done. */
  digest(): string {
    return this.#playground.digest();
  }

  /** What was done, as the text of a scenario; `undefined` if that cannot be written down. */
  record(): string | undefined {
    return this.#playground.record();
  }

  stats(): Stats {
    const numbers = this.#playground.stats();
    return Object.fromEntries(COUNTERS.map((name, at) => [name, numbers[at]])) as Stats;
  }

  /** Pages, and up to so many items and their chunks; of more items, the newest and the oldest. */
  look(limit: number): Look {
    const look = this.#playground.look(limit);
    const [pages = 0, items = 0] = look;
    return {
      pages: look.subarray(3, 3 + pages),
      items: look.subarray(3 + pages, 3 + pages + items),
      cells: look.subarray(3 + pages + items),
    };
  }

  /** Pages in each of the wheel's 4 times 64 slots, then the slot that each hand passed. */
  wheel(): Uint32Array {
    return this.#playground.wheel();
  }

  /** The positions of the items that the last message was about; `NONE` where there is none. */
  touched(): number[] {
    return [...this.#playground.touched()];
  }

  /** Which items went since this was last asked; the first of them, if there were very many. */
  removals(): Removal[] {
    const numbers = this.#playground.removals();
    const keys = this.#playground.removalKeys();
    const removals: Removal[] = [];
    for (let at = 0, from = 0; at < numbers.length; at += 8) {
      const [cause = 0, position = NONE, valueSize = 0, unused = 0, left = NONE] = numbers.subarray(
        at,
        at + 5,
      );
      const [read, queued, size = 0] = numbers.subarray(at + 5, at + 8);
      removals.push({
        cause: CAUSES[cause] ?? "memory",
        key: keys.subarray(from, (from += size)),
        position,
        valueSize,
        unused,
        left,
        read: read === 1,
        queued: queued === 1,
      });
    }
    this.#playground.forgetRemovals();
    return removals;
  }

  /** The key of the item at a position; empty if there is none. */
  keyAt(position: number): Uint8Array {
    return this.#playground.keyAt(position);
  }

  /** Everything about the item at a position; `undefined` if there is none. */
  inspect(position: number): Inspection | undefined {
    const [flags, cas, lastUsed, read, endsAt] = this.#playground.inspect(position);
    if (flags === undefined) return undefined;
    const names = this.#playground.fieldNames(position);
    const fields = this.#playground.fields(position);
    return {
      key: this.keyAt(position),
      flags,
      cas: cas ?? 0,
      lastUsed: lastUsed ?? 0,
      read: read === 1,
      endsAt: endsAt === -1 ? undefined : endsAt,
      chunks: this.#chunks(position),
      fields: names.map((name, at) => ({
        name,
        at: fields[3 * at] ?? 0,
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
      const [place = 0, page = 0, number = 0, size = 0, head = 0, key = 0, value = 0] =
        numbers.subarray(at, at + 7);
      const own = bytes.subarray(from, (from += size));
      chunks.push({ position: place, page, number, head, key, value, bytes: own });
    }
    return chunks;
  }
}

/** Milliseconds of real time, for measuring. */
export function watch(): number {
  return performance.now();
}

/** Calls back before each frame, with the milliseconds of real time since the one before. */
export function eachFrame(draw: (elapsed: number) => void): void {
  let before = performance.now();
  const frame = (now: number) => {
    draw(Math.max(0, now - before));
    before = now;
    requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
}

/** Lets the browser draw and take input, then goes on. */
export function breathe(): Promise<void> {
  return new Promise((resolve) => {
    const channel = new MessageChannel();
    channel.port1.onmessage = () => resolve();
    channel.port2.postMessage(0);
  });
}
