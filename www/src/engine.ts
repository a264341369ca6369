// The cache, as the page sees it. This is the only file that knows that the engine is a WebAssembly
// module, and the only one that reads the clock and draws random numbers: the engine is told both.

import init, { Playground, Settings } from "../pkg/dynamidb_web.js";

/** The limits of a cache. */
export interface Limits {
  /** The budget, in bytes. */
  memory: number;
  /** How many items there may be. */
  maxItems: number;
}

/** A cache, empty at first, to which clients connect. */
export class Engine {
  readonly #playground: Playground;

  private constructor(playground: Playground) {
    this.#playground = playground;
  }

  /** Loads the module and makes a cache. Throws if the browser or the cache cannot do that. */
  static async start({ memory, maxItems }: Limits): Promise<Engine> {
    await init();
    const settings = new Settings(memory);
    settings.maxItems = maxItems;
    const seed = crypto.getRandomValues(new Uint8Array(16));
    return new Engine(new Playground(settings, seed));
  }

  /** Connects a client. */
  connect(): Connection {
    return new Connection(this.#playground);
  }

  /** Gives back what has expired, a bounded number of items at a time. */
  tick(): void {
    this.#playground.tick(Date.now());
  }

  /** How many items there are. */
  get items(): number {
    return this.#playground.items;
  }
}

/** One client's connection to the cache. */
export class Connection {
  readonly #playground: Playground;
  readonly #session: number;

  constructor(playground: Playground) {
    this.#playground = playground;
    this.#session = playground.open();
  }

  /** Sends bytes to the server and returns what it answers. */
  send(bytes: Uint8Array): Uint8Array {
    return this.#playground.send(this.#session, Date.now(), bytes);
  }

  /** Whether the server has received a part of a request and waits for the rest. */
  get isWaiting(): boolean {
    return this.#playground.pending(this.#session) > 0;
  }

  /** Whether the connection still stands. */
  get isOpen(): boolean {
    return this.#playground.isOpen(this.#session);
  }

  /** Ends the connection. */
  close(): void {
    this.#playground.close(this.#session);
  }
}
