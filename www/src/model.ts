// The cache that the page shows, with change events. Every change to the cache is made here.

import { type Engine, type Load, NONE, type Removal } from "./engine.ts";

/** A change of the cache. */
export interface Change {
  /** The positions of the items that a command used. */
  touched: number[];
  removals: Removal[];
}

export class Model {
  #engine: Engine;
  readonly #onChange = new Set<(change: Change) => void>();
  readonly #onReplace = new Set<() => void>();

  /** Advances the clock for a load in real time, at the load's rate. */
  pacer: ((millis: number) => void) | undefined;

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /** The cache, for reading. The methods that change it are below. */
  get engine(): Engine {
    return this.#engine;
  }

  /** Calls back after each change of the cache. */
  onChange(call: (change: Change) => void): void {
    this.#onChange.add(call);
  }

  /** Calls back after the cache was replaced. */
  onReplace(call: () => void): void {
    this.#onReplace.add(call);
  }

  /** Replaces the cache. */
  replace(engine: Engine): void {
    this.#engine.free();
    this.#engine = engine;
    for (const call of this.#onReplace) call();
    this.#notify([]);
  }

  send(client: number, bytes: Uint8Array): Uint8Array {
    const reply = this.#engine.send(client, bytes);
    const touched = this.#engine.touched().filter((position) => position !== NONE);
    this.#notify(touched);
    return reply;
  }

  disconnect(client: number): void {
    this.#engine.disconnect(client);
    this.#notify([]);
  }

  /** Advances the clock. */
  advance(millis: number): void {
    if (this.pacer !== undefined) return this.pacer(millis);
    this.#engine.advance(millis);
    this.#notify([]);
  }

  setClock(now: number): void {
    this.#engine.setClock(now);
    this.#notify([]);
  }

  startLoad(load: Load, lines?: Uint8Array): void {
    this.#engine.startLoad(load, lines);
  }

  runLoad(operations: number): number {
    const done = this.#engine.runLoad(operations);
    this.#notify([]);
    return done;
  }

  #notify(touched: number[]): void {
    const change = { touched, removals: this.#engine.removals() };
    for (const call of this.#onChange) call(change);
  }
}
