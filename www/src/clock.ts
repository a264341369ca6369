// The clock: paused, in real time, faster, or set to the next expiry. The engine has no clock.

import { element } from "./dom.ts";
import type { Model } from "./model.ts";
import { duration, stopwatch } from "./units.ts";

/** The longest time between two frames that counts, in milliseconds: the background does not. */
const FRAME_MAX = 100;
/** Real milliseconds for which a report is shown. */
const REPORTED = 4000;

export class Clock {
  readonly #model: Model;
  readonly #run = element<HTMLButtonElement>("#clock-run");
  readonly #icon = element("#clock-run use");
  readonly #speeds = [...document.querySelectorAll<HTMLInputElement>("input[name=speed]")];
  readonly #time = element("#clock-time");
  readonly #status = element("#clock-status");
  #timer = 0;
  #isRunning = true;
  /** The fraction of a millisecond that has passed since the last advance. */
  #rest = 0;
  /** Asked before time may go on; false: an earlier moment is shown. */
  mayRun: () => boolean = () => true;
  /** Called when it starts or pauses: what is drawn then has to be the last state. */
  onRun: () => void = () => {};

  constructor(model: Model) {
    this.#model = model;
    this.#run.addEventListener("click", () => {
      if (this.#isRunning || this.mayRun()) this.run(!this.#isRunning);
    });
    element("#clock-step").addEventListener("click", () => {
      if (!this.mayRun()) return;
      model.advance(1000);
      this.#report("A second has passed.");
    });
    element("#clock-next-expiry").addEventListener("click", () => this.toNextExpiry());
    // On a phone the group is one button: it goes on to the next speed.
    element("#speed").addEventListener("click", (event) => {
      if (!matchMedia("(max-width: 759.9px)").matches) return;
      event.preventDefault();
      const at = this.#speeds.findIndex((radio) => radio.checked);
      const next = this.#speeds[(at + 1) % this.#speeds.length];
      if (next !== undefined) next.checked = true;
    });
    this.run(true);
  }

  get isRunning(): boolean {
    return this.#isRunning;
  }

  get speed(): number {
    return Number(this.#speeds.find((radio) => radio.checked)?.value ?? 1);
  }

  /** Real time again. */
  resetSpeed(): void {
    for (const radio of this.#speeds) radio.checked = radio.value === "1";
  }

  /** Starts or pauses the clock. */
  run(on: boolean): void {
    this.#isRunning = on;
    this.#rest = 0;
    this.#run.ariaLabel = on ? "Pause" : "Play";
    this.#icon.setAttribute("href", on ? "#icon-pause" : "#icon-play");
    this.#report("");
    this.onRun();
  }

  /** Advances the clock by this real time, in milliseconds. */
  frame(elapsed: number): void {
    if (!this.#isRunning) return;
    const passed = Math.min(elapsed, FRAME_MAX) * this.speed + this.#rest;
    const whole = Math.floor(passed);
    this.#rest = passed - whole;
    if (whole > 0) this.#model.advance(whole);
  }

  draw(): void {
    const text = stopwatch(Math.max(0, this.#model.shown.age));
    if (this.#time.textContent !== text) this.#time.textContent = text;
  }

  toNextExpiry(): void {
    if (!this.mayRun()) return;
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
    clearTimeout(this.#timer);
    this.#status.textContent = text;
    if (text !== "") this.#timer = window.setTimeout(() => this.#report(""), REPORTED);
  }
}
