// Plays scenarios: step by step with text for the reader, or all at once.

import { type Load, realTime, type Scenario, type Step, yieldToBrowser } from "./engine.ts";
import type { Model } from "./model.ts";
import { SLICE } from "./slices.ts";
import { nameOf, type Terminal } from "./terminal.ts";
import { count, duration } from "./units.ts";
import type { Workload } from "./workload.ts";

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

  async perform(steps: Step[]): Promise<void> {
    let start = realTime();
    for (const step of steps) {
      await this.#step(step);
      if (realTime() - start < SLICE) continue;
      await yieldToBrowser();
      start = realTime();
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
        this.#terminal.note(`${duration(step.millis)} later.`);
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

/** Describes a step for the reader. */
export function description(step: Step, text: (bytes: Uint8Array) => string): string {
  switch (step.kind) {
    case "note":
      return "";
    case "send":
      return `${nameOf(step.client)} › ${text(step.bytes).trimEnd()}`;
    case "disconnect":
      return `disconnect ${nameOf(step.client)}`;
    case "wait":
      return `wait ${duration(step.millis)}`;
    case "set-clock":
      return "set the clock";
    case "start-load":
      return `start a load of ${count(step.load.keys)} keys`;
    case "run-load":
      return `run ${count(step.operations)} operations`;
  }
}
