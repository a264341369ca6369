// Your turn: at the end of a lesson, something to do. It is checked by what the engine did, never
// by what was typed.

import type { Engine, Stats } from "./engine.ts";
import type { Answer } from "./model.ts";
import { idOf, keyOf } from "./selection.ts";

/** What has happened since the turn began. */
interface Since {
  engine: Engine;
  before: Stats;
  now: Stats;
  /** The keys of the items that commands used. */
  used: Set<string>;
  evicted: Set<string>;
  has: (key: string) => boolean;
}

interface Goal {
  text: string;
  done: (since: Since) => boolean;
}

export interface Task {
  text: string;
  goals: Goal[];
  /** The lines that do it. */
  show: string[];
}

const value = (engine: Engine, key: string) => {
  const position = engine.locate(keyOf(key));
  const item = position === undefined ? undefined : engine.inspect(position);
  const bytes = item?.chunks.flatMap((chunk) => [
    ...chunk.bytes.subarray(chunk.overhead + chunk.key, chunk.overhead + chunk.key + chunk.value),
  ]);
  return bytes === undefined ? undefined : String.fromCharCode(...bytes);
};
const life = (engine: Engine, key: string) => {
  const position = engine.locate(keyOf(key));
  const at = position === undefined ? undefined : engine.inspect(position)?.expiresAt;
  return at === undefined ? undefined : at - engine.now;
};
const chunks = (engine: Engine, key: string) => {
  const position = engine.locate(keyOf(key));
  return position === undefined ? 0 : (engine.inspect(position)?.chunks.length ?? 0);
};

export const TURNS: Record<string, Task> = {
  first: {
    text: "Store a value of your own and read it back.",
    goals: [
      {
        text: "Store an item, such as `SET city 0 5` and then `Paris`",
        done: ({ now, before }) => now.sets > before.sets,
      },
      { text: "Read it", done: ({ now, before }) => now.hits > before.hits },
    ],
    show: ["SET city 0 5", "Paris", "GET city"],
  },
  time: {
    text: "Store something that lives one minute, then give it five.",
    goals: [
      {
        text: "Store an item with 60 seconds to live",
        done: ({ now, before }) => now.sets > before.sets,
      },
      {
        text: "`touch` it, so that it has more than 200 seconds left",
        done: ({ engine, used }) => [...used].some((key) => (life(engine, key) ?? 0) > 200_000),
      },
    ],
    show: ["SET offer 60 4", "half", "touch offer 300"],
  },
  lru: {
    text: "`cherry` goes next. Save it: read it, then store one more item. Which one goes instead?",
    goals: [
      { text: "Read `cherry`", done: ({ used, has }) => used.has("cherry") && has("cherry") },
      {
        text: "Store a new item, such as `SET fig 0 1`",
        done: ({ evicted, has }) => evicted.size > 0 && has("cherry"),
      },
    ],
    show: ["GET cherry", "SET fig 0 1", "6"],
  },
  scan: {
    text: "Ask for the most popular key. Was it still there?",
    goals: [{ text: "Read `key:1`", done: ({ now, before }) => now.gets > before.gets }],
    show: ["GET key:1"],
  },
  slabs: {
    text: "Store a value that takes a single chunk of 256 bytes, or several chunks.",
    goals: [
      {
        text: "Store an item of more than 128 bytes",
        done: ({ engine, used }) =>
          [...used].some((key) => {
            const position = engine.locate(keyOf(key));
            const item = position === undefined ? undefined : engine.inspect(position);
            return (item?.chunks.reduce((sum, { bytes }) => sum + bytes.length, 0) ?? 0) >= 256;
          }),
      },
    ],
    show: ["set page 0 0 200", "x".repeat(200)],
  },
  shift: {
    text: "Store a small value again. A page goes back to small chunks.",
    goals: [
      {
        text: "Store a value of 20 bytes",
        done: ({ now, before, engine, used }) =>
          now.sets > before.sets && [...used].some((key) => chunks(engine, key) === 1),
      },
    ],
    show: ["SET small 0 20", "12345678901234567890"],
  },
  cas: {
    text: "Change `seats` yourself with `cas`: ask for its number first.",
    goals: [
      { text: "Read `seats` with `gets`", done: ({ now, before }) => now.hits > before.hits },
      {
        text: "Store `5` with `cas` and that number",
        done: ({ engine }) => value(engine, "seats") === "5",
      },
    ],
    show: ["gets seats", "cas seats 0 0 1 3", "5"],
  },
  count: {
    text: "Count your own visits: make the counter, then add to it.",
    goals: [
      { text: "Store a number under `mine`", done: ({ has }) => has("mine") },
      {
        text: "Add to it until it is 10 or more",
        done: ({ engine }) => Number(value(engine, "mine")) >= 10,
      },
    ],
    show: ["set mine 0 0 1", "7", "incr mine 5"],
  },
  half: {
    text: "Announce a value, send half of it, and hang up.",
    goals: [
      {
        text: "Send `set k 0 0 10`, then press *Hang up*".replaceAll("*", ""),
        done: ({ engine, now, before }) =>
          now.sets === before.sets && value(engine, "k") === "helloworld" && !engine.isConnected(0),
      },
    ],
    show: ["set k 0 0 10", "hel", "\u0000hang-up"],
  },
  "evicted-or-expired": {
    text: "Make the cache evict again: it holds three items.",
    goals: [{ text: "Store four items", done: ({ evicted }) => evicted.size > 0 }],
    show: ["SET a 0 1", "1", "SET b 0 1", "2", "SET c 0 1", "3", "SET d 0 1", "4"],
  },
  stampede: {
    text: "Be the one who renders: take the lock of a page that nobody has.",
    goals: [
      { text: "`add` the key `news:lock`", done: ({ has }) => has("news:lock") },
      { text: "Store `news`", done: ({ has }) => has("news") },
    ],
    show: ["add news:lock 0 5 1", "1", "set news 0 60 4", "html"],
  },
  limits: {
    text: "Find the largest value that is still stored: key and value may have 256 bytes together.",
    goals: [
      {
        text: "Store an item of at least 250 bytes",
        done: ({ engine, used }) =>
          [...used].some((key) => (value(engine, key)?.length ?? 0) + key.length >= 250),
      },
    ],
    show: ["set x 0 0 255", "y".repeat(255)],
  },
  recache: {
    text: "Refresh the stale page.",
    goals: [
      {
        text: "Store `page` with `ms`, for 60 seconds",
        done: ({ engine, now, before }) =>
          now.sets > before.sets && (life(engine, "page") ?? 0) > 30_000,
      },
    ],
    show: ["ms page 4 T60", "okay"],
  },
};

/** A turn in progress. */
export class Turn {
  readonly text: string;
  readonly show: string[];
  readonly goals: { text: string; isDone: boolean; done: Goal["done"] }[];
  readonly #before: Stats;
  readonly #used = new Set<string>();
  readonly #evicted = new Set<string>();

  constructor(task: Task, engine: Engine) {
    this.text = task.text;
    this.show = task.show;
    this.goals = task.goals.map(({ text, done }) => ({ text, done, isDone: false }));
    this.#before = engine.stats();
  }

  /** Checks the goals after a command. A goal that was reached stays so. */
  notice(engine: Engine, answer: Answer): void {
    for (const key of answer.keys) this.#used.add(idOf(key));
    for (const removal of answer.removals) {
      if (!removal.reason.startsWith("expired")) this.#evicted.add(idOf(removal.key));
    }
    const since = {
      engine,
      before: this.#before,
      now: engine.stats(),
      used: this.#used,
      evicted: this.#evicted,
      has: (key: string) => engine.locate(keyOf(key)) !== undefined,
    };
    for (const goal of this.goals) goal.isDone ||= goal.done(since);
  }
}
