// Plays scenarios: step by step with text for the reader, or all at once.

import type { Load, Scenario, Step } from "./engine.ts";
import { realTime, yieldToBrowser } from "./frames.ts";
import type { Model } from "./model.ts";
import { SLICE } from "./slices.ts";
import type { Terminal } from "./terminal.ts";
import { count, duration } from "./units.ts";
import type { Workload } from "./workload.ts";

/** A wait of so many milliseconds is noted; the pauses between keystrokes are not. */
const NOTED = 1000;

/** A note for the reader, and the steps below it. */
export interface Part {
  note: string;
  steps: Step[];
}

export class Player {
  readonly #model: Model;
  readonly #terminal: Terminal;
  readonly #workload: Workload;
  #load: Load | undefined;

  constructor(model: Model, terminal: Terminal, workload: Workload) {
    this.#model = model;
    this.#terminal = terminal;
    this.#workload = workload;
  }

  /** Replaces the cache with the scenario's empty one. */
  start(scenario: Scenario): void {
    this.#load = undefined;
    this.#model.replace(scenario.engine);
  }

  /** Types these lines as client A; `\0hang-up` hangs up. */
  type(lines: string[]): void {
    this.#terminal.choose(0);
    for (const line of lines) {
      if (line === "\u0000hang-up") this.#terminal.disconnect(0);
      else this.#terminal.sendLines(0, [line]);
    }
  }

  /** Whether steps are being done. */
  isPlaying = false;

  async perform(steps: Step[]): Promise<void> {
    let start = realTime();
    this.isPlaying = true;
    this.#terminal.hold(true);
    try {
      for (const step of steps) {
        await this.#step(step);
        if (realTime() - start < SLICE) continue;
        await yieldToBrowser();
        start = realTime();
      }
    } finally {
      this.isPlaying = false;
      this.#terminal.hold(false);
    }
  }

  async #step(step: Step): Promise<void> {
    switch (step.kind) {
      case "note":
        return;
      case "send":
        this.#terminal.choose(step.client);
        this.#terminal.send(step.client, step.bytes);
        return;
      case "disconnect":
        this.#terminal.disconnect(step.client);
        return;
      case "wait":
        this.#model.advance(step.millis);
        if (step.millis > NOTED) this.#terminal.note(`${duration(step.millis)} later.`);
        return;
      case "set-clock":
        this.#model.setClock(step.now);
        this.#terminal.note("The clock was set.");
        return;
      case "start-load":
        this.#load = step.load;
        await this.#workload.play(step.load, 0, true);
        return;
      case "run-load":
        if (this.#load !== undefined) await this.#workload.play(this.#load, step.operations, false);
        this.#terminal.note(`The load did ${count(step.operations)} operations.`);
        return;
    }
  }
}

/** The steps of a scenario, grouped by the note above them. */
export function parts(steps: Step[]): Part[] {
  const parts: Part[] = [];
  for (const step of steps) {
    if (step.kind === "note") parts.push({ note: step.text, steps: [] });
    else {
      if (parts.length === 0) parts.push({ note: "", steps: [] });
      parts.at(-1)?.steps.push(step);
    }
  }
  return parts;
}
