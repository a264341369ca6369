// Plays scenarios: step by step with text for the reader, or all of it at once.

import { breathe, type Load, type Scenario, type Step, watch } from "./engine.ts";
import { SLICE } from "./slices.ts";
import type { Stage } from "./stage.ts";
import { nameOf, type Terminal } from "./terminal.ts";
import { count, duration } from "./units.ts";
import type { Workload } from "./workload.ts";

/** What is said to the reader, and what is done then. */
export interface Part {
  note: string;
  steps: Step[];
}

export class Player {
  readonly #stage: Stage;
  readonly #terminal: Terminal;
  readonly #workload: Workload;
  #load: Load | undefined;

  constructor(stage: Stage, terminal: Terminal, workload: Workload) {
    this.#stage = stage;
    this.#terminal = terminal;
    this.#workload = workload;
  }

  /** Puts the scenario's empty cache on the stage. */
  begin(scenario: Scenario): void {
    this.#load = undefined;
    this.#stage.replace(scenario.engine);
  }

  async perform(steps: Step[]): Promise<void> {
    let began = watch();
    for (const step of steps) {
      await this.#step(step);
      if (watch() - began < SLICE) continue;
      await breathe();
      began = watch();
    }
  }

  async #step(step: Step): Promise<void> {
    switch (step.kind) {
      case "note":
        return;
      case "say":
        this.#terminal.choose(step.client);
        this.#terminal.send(step.client, step.bytes);
        return;
      case "hang-up":
        this.#terminal.hangUp(step.client);
        return;
      case "wait":
        this.#stage.advance(step.millis);
        this.#terminal.note(`${duration(step.millis)} pass.`);
        return;
      case "jump":
        this.#stage.jump(step.to);
        this.#terminal.note("The clock is set.");
        return;
      case "load":
        this.#load = step.load;
        await this.#workload.play(step.load, 0, true);
        return;
      case "run":
        if (this.#load !== undefined) await this.#workload.play(this.#load, step.operations, false);
        this.#terminal.note(`${count(step.operations)} operations of the load.`);
        return;
    }
  }
}

/** The steps of a scenario by the notes in front of them. */
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

/** How a step is written for the reader. */
export function written(step: Step, text: (bytes: Uint8Array) => string): string {
  switch (step.kind) {
    case "note":
      return "";
    case "say":
      return `${nameOf(step.client)} › ${text(step.bytes).trimEnd()}`;
    case "hang-up":
      return `${nameOf(step.client)} hangs up`;
    case "wait":
      return `${duration(step.millis)} pass`;
    case "jump":
      return "the clock is set";
    case "load":
      return `a load of ${count(step.load.keys)} keys begins`;
    case "run":
      return `${count(step.operations)} operations`;
  }
}
