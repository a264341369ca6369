// Goes back in time: replays the record of the session up to a moment. The engine is exact, so the
// state there is the same to the last byte; its digest proves it.

import { type Engine, parse, type Step } from "./engine.ts";
import { realTime, yieldToBrowser } from "./frames.ts";
import type { Model } from "./model.ts";
import { SLICE } from "./slices.ts";

/** The most operations of a load between two readings of the clock. */
const BATCH = 512;

/** A replay that stops at a moment, and can go on from there. */
export class Replay {
  readonly engine: Engine;
  readonly #steps: Step[];
  #next = 0;
  /** What is left of the step that was interrupted. */
  #left: number | undefined;
  /** The load that is running: its rate, its start, and how many operations it has done. */
  #load = { rate: 1, start: 0, done: 0 };

  constructor(record: string) {
    const scenario = parse(record);
    this.engine = scenario.engine;
    this.#steps = scenario.steps;
  }

  /** Goes on for a slice of time; true if the moment is reached. `age` is in milliseconds. */
  run(age: number): boolean {
    const start = realTime();
    while (this.#next < this.#steps.length) {
      const step = this.#steps[this.#next];
      if (step === undefined || !this.#step(step, age, start)) return this.#isReached(age);
      this.#next += 1;
      this.#left = undefined;
      if (realTime() - start > SLICE) return this.#isReached(age);
    }
    return true;
  }

  #isReached(age: number): boolean {
    const step = this.#steps[this.#next];
    if (step?.kind === "run-load") return this.#allowed(age) <= 0;
    if (step?.kind === "wait") return this.engine.age >= age;
    return step === undefined || this.engine.age > age;
  }

  /** The operations of the load that are due up to a moment. */
  #allowed(age: number): number {
    const { rate, start, done } = this.#load;
    return Math.floor(((age - start) * rate) / 1000) + 1 - done;
  }

  /** Does a step; false if it was interrupted, by its time or by the moment. */
  #step(step: Step, age: number, start: number): boolean {
    const { engine } = this;
    if (step.kind !== "run-load" && step.kind !== "wait" && engine.age > age) return false;
    switch (step.kind) {
      case "note":
        return true;
      case "send":
        engine.send(step.client, step.bytes);
        return true;
      case "disconnect":
        engine.disconnect(step.client);
        return true;
      case "set-clock":
        engine.setClock(step.now);
        return true;
      case "start-load":
        engine.startLoad(step.load);
        this.#load = { rate: step.load.rate, start: engine.age, done: 0 };
        return true;
      case "wait": {
        const left = this.#left ?? step.millis;
        const passed = Math.min(left, Math.max(0, age - engine.age));
        engine.advance(passed);
        this.#left = left - passed;
        return this.#left === 0;
      }
      case "run-load": {
        let left = this.#left ?? step.operations;
        while (left > 0 && realTime() - start <= SLICE) {
          const ran = engine.runLoad(Math.min(left, BATCH, Math.max(0, this.#allowed(age))));
          if (ran === 0) break;
          this.#load.done += ran;
          left -= ran;
        }
        this.#left = left;
        return left === 0;
      }
    }
  }
}

/** The moment that the page shows: now, or an earlier one. */
export class History {
  readonly #model: Model;
  #replay: Replay | undefined;
  #wanted = 0;
  #isSeeking = false;
  /** Whether the moment that is shown is the one that is wanted, and not one on the way to it. */
  isThere = true;

  constructor(model: Model) {
    this.#model = model;
    model.onReplace(() => {
      this.#replay = undefined;
    });
  }

  /** Shows the cache as it was at this moment, in milliseconds; false if that is not recorded. */
  seek(age: number): boolean {
    this.#wanted = Math.max(0, Math.round(age));
    if (this.#replay === undefined || this.#replay.engine.age > this.#wanted) {
      const record = this.#model.engine.record();
      if (record === undefined) return false;
      this.#replay = new Replay(record);
    }
    // At once, as far as a slice of time goes: mostly all the way.
    this.isThere = this.#replay.run(this.#wanted);
    this.#model.show(this.#replay.engine);
    if (!this.isThere && !this.#isSeeking) void this.#goOn();
    return true;
  }

  async #goOn(): Promise<void> {
    this.#isSeeking = true;
    for (;;) {
      await yieldToBrowser();
      const replay = this.#replay;
      if (replay === undefined || !this.#model.isPast) break;
      this.isThere = replay.run(this.#wanted);
      this.#model.show(replay.engine);
      if (this.isThere) break;
    }
    this.#isSeeking = false;
  }

  /** Shows the present. */
  live(): void {
    this.#replay = undefined;
    this.#model.show(undefined);
  }

  /** Makes the moment that is shown the present: what came after it never was. */
  adopt(): void {
    this.#replay = undefined;
    this.#model.adopt();
  }
}
