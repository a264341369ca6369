// Time: it stands still, passes, passes faster, or jumps. The engine has only the time it is
// told.

import { element } from "./dom.ts";
import type { Stage } from "./stage.ts";
import { duration, stopwatch } from "./units.ts";

/** The most real milliseconds between two frames that count: a page in the background rests. */
const FRAME_MAX = 100;

export class Clock {
  readonly #stage: Stage;
  readonly #run = element<HTMLButtonElement>("#clock-run");
  readonly #speeds = [...document.querySelectorAll<HTMLInputElement>("input[name=speed]")];
  readonly #time = element("#clock-time");
  readonly #status = element("#clock-status");
  #isRunning = true;
  /** What is left over of milliseconds that have passed. */
  #rest = 0;

  constructor(stage: Stage) {
    this.#stage = stage;
    this.#run.addEventListener("click", () => this.run(!this.#isRunning));
    element("#clock-step").addEventListener("click", () => {
      stage.advance(1000);
      this.#say("A second has passed.");
    });
    element("#clock-jump").addEventListener("click", () => this.#jump());
    this.run(true);
  }

  get isRunning(): boolean {
    return this.#isRunning;
  }

  /** Lets time pass, or stand still. */
  run(on: boolean): void {
    this.#isRunning = on;
    this.#rest = 0;
    this.#run.textContent = on ? "Pause" : "Run";
    this.#run.dataset.state = on ? "running" : "paused";
    this.#say("");
  }

  /** Passes on so much real time. */
  frame(elapsed: number): void {
    if (!this.#isRunning) return;
    const speed = Number(this.#speeds.find((radio) => radio.checked)?.value ?? 1);
    const passed = Math.min(elapsed, FRAME_MAX) * speed + this.#rest;
    const whole = Math.floor(passed);
    this.#rest = passed - whole;
    if (whole > 0) this.#stage.advance(whole);
  }

  draw(): void {
    this.#time.textContent = stopwatch(Math.max(0, this.#stage.engine.age));
  }

  #jump(): void {
    const { engine } = this.#stage;
    const next = engine.nextExpiry();
    if (next === undefined) {
      this.#say("Nothing is going to expire.");
      return;
    }
    const passed = next - engine.now;
    this.run(false);
    this.#stage.jump(next);
    this.#say(`${duration(passed)} later: an item’s time is over. Its memory comes back soon.`);
  }

  #say(text: string): void {
    this.#status.textContent = text;
  }
}
