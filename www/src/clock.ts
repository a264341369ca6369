// The clock: paused, in real time, faster, or set to the next expiry. The engine has no clock.

import { element } from "./dom.ts";
import type { Model } from "./model.ts";
import { duration, stopwatch } from "./units.ts";

/** The longest time between two frames that counts, in milliseconds: the background does not. */
const FRAME_MAX = 100;

export class Clock {
  readonly #model: Model;
  readonly #run = element<HTMLButtonElement>("#clock-run");
  readonly #speeds = [...document.querySelectorAll<HTMLInputElement>("input[name=speed]")];
  readonly #time = element("#clock-time");
  readonly #status = element("#clock-status");
  #isRunning = true;
  /** The fraction of a millisecond that has passed since the last advance. */
  #rest = 0;

  constructor(model: Model) {
    this.#model = model;
    this.#run.addEventListener("click", () => this.run(!this.#isRunning));
    element("#clock-step").addEventListener("click", () => {
      model.advance(1000);
      this.#report("A second has passed.");
    });
    element("#clock-next-expiry").addEventListener("click", () => this.#toNextExpiry());
    this.run(true);
  }

  get isRunning(): boolean {
    return this.#isRunning;
  }

  /** Starts or pauses the clock. */
  run(on: boolean): void {
    this.#isRunning = on;
    this.#rest = 0;
    this.#run.textContent = on ? "Pause" : "Resume";
    this.#run.dataset.state = on ? "running" : "paused";
    this.#report("");
  }

  /** Advances the clock by this real time, in milliseconds. */
  frame(elapsed: number): void {
    if (!this.#isRunning) return;
    const speed = Number(this.#speeds.find((radio) => radio.checked)?.value ?? 1);
    const passed = Math.min(elapsed, FRAME_MAX) * speed + this.#rest;
    const whole = Math.floor(passed);
    this.#rest = passed - whole;
    if (whole > 0) this.#model.advance(whole);
  }

  draw(): void {
    this.#time.textContent = stopwatch(Math.max(0, this.#model.engine.age));
  }

  #toNextExpiry(): void {
    const { engine } = this.#model;
    const next = engine.nextExpiry();
    if (next === undefined) {
      this.#report("No item is going to expire.");
      return;
    }
    const passed = next - engine.now;
    this.run(false);
    this.#model.setClock(next);
    this.#report(`${duration(passed)} later: an item has expired. Its memory is reclaimed soon.`);
  }

  #report(text: string): void {
    this.#status.textContent = text;
  }
}
