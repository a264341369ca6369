// The cache that the page shows, and everybody who wants to know when something happens to it.
// All that is done to the cache goes through here.

import { type Engine, type Load, NONE, type Removal } from "./engine.ts";

/** What has happened to the cache. */
export interface Happening {
  /** The items that a command was about, by position. */
  touched: number[];
  removals: Removal[];
}

export class Stage {
  #engine: Engine;
  readonly #happened = new Set<(happening: Happening) => void>();
  readonly #replaced = new Set<() => void>();

  /** A load that is to go with the time: it lets as much pass as its operations take. */
  pacer: ((millis: number) => void) | undefined;

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /** The cache, to look at. What changes it is below. */
  get engine(): Engine {
    return this.#engine;
  }

  /** Calls back whenever something has happened to the cache. */
  onHappening(call: (happening: Happening) => void): void {
    this.#happened.add(call);
  }

  /** Calls back whenever there is another cache. */
  onReplaced(call: () => void): void {
    this.#replaced.add(call);
  }

  /** Puts another cache in the place of this one. */
  replace(engine: Engine): void {
    this.#engine.free();
    this.#engine = engine;
    for (const call of this.#replaced) call();
    this.#tell([]);
  }

  say(client: number, bytes: Uint8Array): Uint8Array {
    const reply = this.#engine.say(client, bytes);
    const touched = this.#engine.touched().filter((position) => position !== NONE);
    this.#tell(touched);
    return reply;
  }

  hangUp(client: number): void {
    this.#engine.hangUp(client);
    this.#tell([]);
  }

  /** Lets time pass. */
  advance(millis: number): void {
    if (this.pacer !== undefined) return this.pacer(millis);
    this.#engine.advance(millis);
    this.#tell([]);
  }

  jump(to: number): void {
    this.#engine.jump(to);
    this.#tell([]);
  }

  startLoad(load: Load, lines?: Uint8Array): void {
    this.#engine.startLoad(load, lines);
  }

  runLoad(operations: number): number {
    const done = this.#engine.runLoad(operations);
    this.#tell([]);
    return done;
  }

  #tell(touched: number[]): void {
    const happening = { touched, removals: this.#engine.removals() };
    for (const call of this.#happened) call(happening);
  }
}
