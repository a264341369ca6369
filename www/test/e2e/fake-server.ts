// A server's admin port as the dashboard knows it: the built files, and answers that a cache in
// this process gives. The cache is the real engine, so its map is one that a server could send.

import { readFileSync } from "node:fs";
import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import * as wasm from "../../pkg/dynamidb_web.js";

const BUILT = "dist-dashboard";
const TYPES: Record<string, string> = {
  css: "text/css",
  html: "text/html; charset=utf-8",
  js: "text/javascript",
  svg: "image/svg+xml",
  woff2: "font/woff2",
};
/** The admin port's policy: a page that needs more than this fails its test. */
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; " +
  "font-src 'self'; connect-src 'self'; manifest-src 'self'; base-uri 'none'; " +
  "form-action 'none'; frame-ancestors 'none'";
const MEMORY = 1 << 20;
/** The requests of the load between two questions. */
const RATE = 2000;
const PAGES_MAX = 252;
/** The numbers of a page and of an item in a map, and of its head. */
const [PAGE, ITEM, HEAD] = [7, 8, 3];

export interface Behaviour {
  /** Without a load, nothing is stored. */
  isEmpty?: boolean;
  keysShown?: boolean;
  /** Hot keys and advice: later versions have them. */
  hasInsight?: boolean;
  /** Whether the server pretends to have more pages than it sends. */
  isLarge?: boolean;
}

export class FakeServer {
  readonly #server: Server;
  readonly #cache: wasm.Playground;
  readonly #behaviour: Behaviour;
  /** No answer to anything. */
  isLost = false;
  /** What was asked for. */
  readonly asked: string[] = [];
  #operations = 0;

  private constructor(behaviour: Behaviour) {
    wasm.initSync({ module: readFileSync("pkg/dynamidb_web_bg.wasm") });
    this.#behaviour = behaviour;
    const settings = wasm.Playground.defaults(MEMORY);
    this.#cache = new wasm.Playground(settings, new Uint8Array(16), 1_800_000_000_000);
    if (!behaviour.isEmpty) {
      const load = wasm.Playground.defaultLoad();
      // Keys, bytes of the largest value, requests a second.
      [load[0], load[3], load[6]] = [30_000, 900, RATE];
      this.#cache.startLoad(load);
      this.#run(60_000);
    }
    this.#server = createServer((request, response) => {
      const path = request.url ?? "";
      this.asked.push(path);
      if (this.isLost) return void request.destroy();
      this.#answer(path, response);
    });
  }

  static async start(behaviour: Behaviour = {}): Promise<FakeServer> {
    const fake = new FakeServer(behaviour);
    await new Promise<void>((resolve) => fake.#server.listen(0, "127.0.0.1", resolve));
    return fake;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #run(operations: number): void {
    this.#operations += operations;
    this.#cache.runLoad(operations);
  }

  #answer(path: string, response: ServerResponse): void {
    const { keysShown = true, hasInsight = false } = this.#behaviour;
    switch (path) {
      case "/api/server":
        return json(response, this.#facts(keysShown));
      case "/api/stats":
        if (!this.#behaviour.isEmpty) this.#run(RATE);
        return json(response, this.#stats());
      case "/api/hotkeys":
        return hasInsight ? json(response, hotKeys()) : missing(response);
      case "/api/advice":
        return hasInsight ? json(response, ADVICE) : missing(response);
    }
    if (path.startsWith("/api/map?shard=")) {
      const shard = Number(path.split("=")[1]);
      if (!(shard < 2)) return missing(response);
      return send(response, "application/octet-stream", this.#map(keysShown));
    }
    const file = path === "/" ? "dashboard.html" : path.slice(1);
    try {
      send(response, TYPES[file.split(".")[1] ?? ""] ?? "", readFileSync(`${BUILT}/${file}`));
    } catch {
      missing(response);
    }
  }

  #facts(keysShown: boolean): object {
    return {
      version: "0.1.0",
      uptime_s: 1_051_200,
      policy: "lru",
      threads: 2,
      shards: 2,
      memory_limit: MEMORY,
      item_limit: null,
      read_only: true,
      keys_shown: keysShown,
      listen: ["127.0.0.1:11212"],
    };
  }

  #stats(): object {
    const [
      items = 0,
      bytes = 0,
      index = 0,
      limit = 0,
      gets = 0,
      hits = 0,
      sets = 0,
      evictions = 0,
    ] = this.#cache.stats();
    const isEmpty = this.#behaviour.isEmpty ?? false;
    const count = latencies(isEmpty ? 0 : this.#operations);
    const none = count.map(() => 0);
    const bounds = count.slice(1).map((_, at) => 2 ** at);
    return {
      now_ms: this.#cache.now + (isEmpty ? this.asked.length * 100 : 0),
      stats: {
        uptime: 1_051_200,
        version: "0.1.0",
        cmd_get: gets,
        cmd_set: sets,
        get_hits: hits,
        get_misses: gets - hits,
        evictions,
        bytes,
        hash_bytes: index,
        limit_maxbytes: limit,
        curr_items: items,
        curr_connections: isEmpty ? 1 : 410 + (this.#operations % 7),
        max_connections: 4096,
      },
      settings: { maxconns: 4096 },
      slabs: isEmpty
        ? []
        : [64, 128, 256, 1024, 4096].map((chunk_size, at) => ({
            class: at + 1,
            chunk_size,
            pages: 20 + 10 * at,
            total_chunks: 1000,
            used_chunks: 980 - 90 * at,
            mem_requested: 50_000,
            evicted: Math.round(evictions / (at + 2)),
          })),
      latency: {
        get: { le_us: bounds, count, sum_us: 0 },
        set: { le_us: bounds, count: count.map((count) => Math.round(count / 5)), sum_us: 0 },
        other: { le_us: bounds, count: none, sum_us: 0 },
      },
      shards: [0, 1].map(() => ({
        limit_bytes: limit / 2,
        used_bytes: bytes / 2,
        items: Math.floor(items / 2),
        evictions: Math.floor(evictions / 2),
      })),
      conns: isEmpty
        ? []
        : Array.from({ length: 64 }, (_, at) => ({
            addr: at === 0 ? "unix:/run/dynamidb.sock" : `127.0.0.1:${40_000 + at}`,
            state: at % 9 === 8 ? "conn_watch" : "conn_parse_cmd",
            age_s: 60 * at + 3,
            idle_s: at % 5,
          })),
    };
  }

  /** The map as a server sends it: its head, the numbers, and the keys. */
  #map(keysShown: boolean): Buffer {
    const numbers = this.#cache.snapshot(100_000);
    const [all = 0, items = 0] = numbers;
    // A server sends no more pages than this; chunks that no page names do no harm.
    const pages = Math.min(all, PAGES_MAX * PAGE);
    const begun = (this.#behaviour.isLarge ? 1000 : 1) * (pages / PAGE);
    const head = Uint32Array.of(begun, begun, 4096, pages, ...numbers.subarray(1, HEAD));
    const parts = [head, numbers.slice(HEAD, HEAD + pages), numbers.slice(HEAD + all)];
    const keys = parts.map((part) => Buffer.from(part.buffer));
    for (let at = HEAD + all; keysShown && at < HEAD + all + items; at += ITEM) {
      keys.push(Buffer.from(this.#cache.keyAt(numbers[at] ?? 0)));
    }
    return Buffer.concat(keys);
  }
}

/** How many of so many requests took up to 1 µs, 2 µs, …, 8.4 s. */
function latencies(requests: number): number[] {
  const weight = (at: number) =>
    Math.exp(-(((at - 5.3) / 1.1) ** 2)) + (at > 6 && at < 11 ? 0.004 : 0);
  return Array.from({ length: 25 }, (_, at) => Math.round(requests * 0.5 * weight(at)));
}

function hotKeys(): object {
  const keys = Array.from({ length: 20 }, (_, at) => ({
    key: encodeURIComponent(`key:${at + 1}`),
    share: 0.08 / (at + 1),
    kind: at % 4 === 3 ? "set" : "get",
    error: 0.001,
  }));
  return { seconds: 60, sampled: 12_000, keys };
}

const ADVICE = {
  ready: true,
  hit_ratio: 0.942,
  points: [
    { factor: 0.25, hit_ratio: 0.83, error: 0.01 },
    { factor: 0.5, hit_ratio: 0.898, error: 0.008 },
    { factor: 1, hit_ratio: 0.942, error: 0.005 },
    { factor: 2, hit_ratio: 0.973, error: 0.006 },
    { factor: 4, hit_ratio: 0.981, error: 0.009 },
  ],
  text: "twice the memory: 77.6 % hits instead of 74.5 %; half: 70.1 %",
};

function json(response: ServerResponse, value: object): void {
  send(response, "application/json", JSON.stringify(value));
}

function missing(response: ServerResponse): void {
  response.writeHead(404, { "Content-Type": "text/plain" }).end("there is nothing here");
}

function send(response: ServerResponse, type: string, body: string | Buffer): void {
  response
    .writeHead(200, {
      "Content-Type": type,
      "Content-Security-Policy": POLICY,
      "X-Content-Type-Options": "nosniff",
      "Cache-Control": "no-store",
      Connection: "close",
    })
    .end(body);
}
