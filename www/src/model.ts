// The cache that the page shows, with change events. Every change to the cache is made here.

import type { Engine, Load, Removal, Request } from "./engine.ts";
import { NONE } from "./snapshot.ts";

/** A change of the cache. */
export interface Change {
  /** The positions of the items that a command used. */
  touched: number[];
  removals: Removal[];
  /** The last requests of the load. */
  requests: Request[];
  /** Whether a visitor's command made the change. */
  isCommand: boolean;
}

/** A reply, and what its command did. */
export interface Answer {
  reply: Uint8Array;
  /** The keys of the items that the command used and that are still there. */
  keys: Uint8Array[];
  removals: Removal[];
}

export class Model {
  #engine: Engine;
  /** A cache of an earlier moment, replayed. */
  #past: Engine | undefined;
  readonly #onChange = new Set<(change: Change) => void>();
  readonly #onReplace = new Set<() => void>();
  readonly #onShow = new Set<() => void>();

  /** Advances the clock for a load in real time, at the load's rate. */
  pacer: ((millis: number) => void) | undefined;

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /** The live cache, for reading. The methods that change it are below. */
  get engine(): Engine {
    return this.#engine;
  }

  /** The cache that is shown: the live one, or that of an earlier moment. */
  get shown(): Engine {
    return this.#past ?? this.#engine;
  }

  get isPast(): boolean {
    return this.#past !== undefined;
  }

  /** Calls back after each change of the live cache. */
  onChange(call: (change: Change) => void): void {
    this.#onChange.add(call);
  }

  /** Calls back after the cache was replaced by an unrelated one. */
  onReplace(call: () => void): void {
    this.#onReplace.add(call);
  }

  /** Calls back when another moment is shown. */
  onShow(call: () => void): void {
    this.#onShow.add(call);
  }

  /** Replaces the cache. */
  replace(engine: Engine): void {
    this.#forget();
    this.#engine.free();
    this.#engine = engine;
    for (const call of this.#onReplace) call();
    this.#notify([], false);
  }

  /** Shows a cache of an earlier moment; nothing: the live one. */
  show(past: Engine | undefined): void {
    if (past !== this.#past) this.#forget();
    this.#past = past;
    for (const call of this.#onShow) call();
  }

  /** Goes on from the earlier moment that is shown. */
  adopt(): void {
    if (this.#past === undefined) return;
    this.#engine.free();
    this.#engine = this.#past;
    this.#past = undefined;
    this.#engine.removals();
    for (const call of this.#onShow) call();
  }

  #forget(): void {
    this.#past?.free();
    this.#past = undefined;
  }

  send(client: number, bytes: Uint8Array): Answer {
    const reply = this.#engine.send(client, bytes);
    const touched = this.#engine.touched().filter((position) => position !== NONE);
    const keys = touched.map((position) => this.#engine.keyAt(position));
    return { reply, keys, removals: this.#notify(touched, true) };
  }

  disconnect(client: number): void {
    this.#engine.disconnect(client);
    this.#notify([], true);
  }

  /** Advances the clock. */
  advance(millis: number): void {
    if (this.pacer !== undefined) return this.pacer(millis);
    this.#engine.advance(millis);
    this.#notify([], false);
  }

  setClock(now: number): void {
    this.#engine.setClock(now);
    this.#notify([], false);
  }

  startLoad(load: Load, lines?: Uint8Array): void {
    this.#engine.startLoad(load, lines);
  }

  runLoad(operations: number): number {
    const done = this.#engine.runLoad(operations);
    this.#notify([], false);
    return done;
  }

  #notify(touched: number[], isCommand: boolean): Removal[] {
    const removals = this.#engine.removals();
    const change = { touched, removals, requests: this.#engine.feed(), isCommand };
    for (const call of this.#onChange) call(change);
    return removals;
  }
}
