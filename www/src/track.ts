// The time track: the hit ratio as an area, evictions and the visitor's commands as marks. It can
// be dragged back to any moment.

import { colour, element, surface } from "./dom.ts";
import type { Engine } from "./engine.ts";
import { stopwatch } from "./units.ts";

/** The time between two samples at first, in milliseconds. It doubles when there are too many. */
const INTERVAL = 250;
const SAMPLES_MAX = 1200;
/** The most commands that are marked. */
const COMMANDS_MAX = 300;
/** Samples whose hit ratio is averaged. */
const SMOOTH = 8;
/** From so many reads on, the hit ratio is drawn: that of a few says nothing. */
const GETS_MIN = 100;
const [TOP, BASE, MARKS] = [9, 36, 38];

interface Sample {
  age: number;
  gets: number;
  hits: number;
  evictions: number;
}

interface Command {
  age: number;
  text: string;
  /** The key that it used. */
  id: string | undefined;
}

export class Track {
  readonly #element = element("#track");
  readonly #canvas = element<HTMLCanvasElement>("#track canvas");
  readonly #seek: (age: number) => void;
  #samples: Sample[] = [];
  #interval = INTERVAL;
  #commands: Command[] = [];
  #end = 0;
  #at = 0;
  #isPast = false;
  #isDragging = false;
  #drawn = "";
  /** Whether the moment that is shown is on the way to the wanted one. */
  isBusy: () => boolean = () => false;

  /** `seek` is called with the moment that the visitor wants to see; at the end: the present. */
  constructor(seek: (age: number) => void) {
    this.#seek = seek;
    this.#element.addEventListener("pointerdown", (event) => {
      this.#isDragging = true;
      this.#element.setPointerCapture(event.pointerId);
      this.#point(event);
    });
    this.#element.addEventListener("pointermove", (event) => {
      if (this.#isDragging) this.#point(event);
    });
    for (const end of ["pointerup", "pointercancel"]) {
      this.#element.addEventListener(end, () => {
        this.#isDragging = false;
      });
    }
    this.#element.addEventListener("keydown", (event) => {
      const step = { ArrowLeft: -1000, ArrowRight: 1000, Home: -Infinity, End: Infinity }[
        event.key
      ];
      if (step === undefined) return;
      event.preventDefault();
      this.step(event.shiftKey ? 10 * step : step);
    });
  }

  /** Goes back or forward in what is recorded. */
  step(millis: number): void {
    this.#at = Math.min(this.#end, Math.max(0, this.#at + millis));
    this.#seek(this.#at);
  }

  /** Takes a sample, if it is time. */
  sample(engine: Engine): void {
    const { age } = engine;
    const last = this.#samples.at(-1);
    if (last !== undefined && age >= last.age && age - last.age < this.#interval) return;
    if (last !== undefined && age < last.age) this.cut(age);
    const { gets, hits, evictions } = engine.stats();
    this.#samples.push({ age, gets, hits, evictions });
    if (this.#samples.length <= SAMPLES_MAX) return;
    this.#samples = this.#samples.filter((_, at) => at % 2 === 0);
    this.#interval *= 2;
  }

  /** Marks a command. */
  mark(age: number, text: string, id: string | undefined): void {
    this.#commands.push({ age, text, id });
    if (this.#commands.length > COMMANDS_MAX) this.#commands.shift();
  }

  /** Forgets what came after this moment. */
  cut(age: number): void {
    this.#samples = this.#samples.filter((sample) => sample.age <= age);
    this.#commands = this.#commands.filter((command) => command.age <= age);
  }

  clear(): void {
    this.#samples = [];
    this.#commands = [];
    this.#interval = INTERVAL;
  }

  redraw(): void {
    this.#drawn = "";
  }

  /** Draws everything up to now; `at` is the moment that is shown. */
  draw(now: number, at: number, isPast: boolean, current: string | undefined): void {
    [this.#end, this.#at, this.#isPast] = [Math.max(now, 1), at, isPast];
    const { clientWidth: width, clientHeight: height } = this.#element;
    const isBusy = String(this.isBusy());
    const key = [width, height, now, at, isPast, isBusy, current, this.#commands.length].join();
    if (key === this.#drawn || width === 0) return;
    this.#drawn = key;
    const seconds = (millis: number) => String(Math.round(millis / 100) / 10);
    this.#element.ariaBusy = isBusy;
    this.#element.ariaValueMax = seconds(this.#end);
    this.#element.ariaValueNow = seconds(at);
    this.#element.ariaValueText = isPast ? `${stopwatch(at)}, paused` : "live";
    const context = surface(this.#canvas, width, height);
    const live = element("#track-live");
    live.hidden = isPast;
    this.#draw(context, width, height, current);
  }

  #x(age: number, width: number): number {
    return 2 + (Math.min(age, this.#end) / this.#end) * (width - 8);
  }

  #draw(
    context: CanvasRenderingContext2D,
    width: number,
    height: number,
    current: string | undefined,
  ): void {
    const isPhone = height < 50;
    const x = (age: number) => this.#x(age, width);
    const end = x(this.#at);
    if (isPhone) this.#line(context, width, height, end);
    else {
      this.#area(context, width);
      this.#ticks(context, width);
      this.#evictions(context, width);
      this.#marks(context, width, current);
      if (this.#isPast) {
        context.globalAlpha = 0.62;
        context.fillStyle = colour("--paper");
        context.fillRect(end, 0, width - end, height);
        context.globalAlpha = 1;
      }
    }
    context.fillStyle = colour("--ink");
    const [top, bottom] = isPhone ? [12, 32] : [4, 38];
    if (isPhone) {
      context.beginPath();
      context.roundRect(end - 4, top, 9, bottom - top, 3);
      context.fill();
      return;
    }
    context.fillRect(end - 0.75, top, 1.5, bottom - top);
    context.beginPath();
    context.roundRect(end - 4, top, 8, 10, 2);
    context.fill();
  }

  #line(context: CanvasRenderingContext2D, width: number, height: number, end: number): void {
    context.fillStyle = colour("--rule2");
    context.fillRect(2, height / 2 - 2, width - 6, 4);
    context.fillStyle = colour("--s3");
    context.fillRect(2, height / 2 - 2, end - 2, 4);
  }

  /** The hit ratio, averaged over some samples. */
  #area(context: CanvasRenderingContext2D, width: number): void {
    const points: [number, number][] = [];
    const has = (this.#samples.at(-1)?.gets ?? 0) >= GETS_MIN;
    for (const [at, sample] of this.#samples.entries()) {
      const from = this.#samples[Math.max(0, at - SMOOTH)] ?? sample;
      const gets = sample.gets - from.gets;
      const ratio = has && gets > 0 ? (sample.hits - from.hits) / gets : 0;
      points.push([this.#x(sample.age, width), BASE - ratio * (BASE - TOP) - 0.5]);
    }
    const last = points.at(-1);
    if (last !== undefined) points.push([this.#x(this.#end, width), last[1]]);
    context.beginPath();
    context.moveTo(2, BASE);
    for (const [x, y] of points) context.lineTo(x, y);
    context.lineTo(width - 6, BASE);
    context.fillStyle = colour("--s0");
    if (has) context.fill();
    context.beginPath();
    points.forEach(([x, y], at) => (at === 0 ? context.moveTo(x, y) : context.lineTo(x, y)));
    context.strokeStyle = colour("--s4");
    context.lineWidth = 1.5;
    context.stroke();
    const [sample, before] = [this.#samples.at(-1), this.#samples.at(-1 - SMOOTH)];
    if (!has || width < 300 || sample === undefined || before === undefined) return;
    const ratio = (100 * (sample.hits - before.hits)) / Math.max(1, sample.gets - before.gets);
    context.fillStyle = colour("--ink");
    context.font = "420 11px Recursive, system-ui, sans-serif";
    context.textAlign = "left";
    context.fillText(`hit ratio ${Math.round(ratio)} %`, 96, BASE - 5);
  }

  #ticks(context: CanvasRenderingContext2D, width: number): void {
    const steps = [1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200, 21_600, 86_400, 864_000];
    const step = 1000 * (steps.find((step) => this.#x(step * 1000, width) > 78) ?? 8_640_000);
    context.fillStyle = colour("--quiet");
    context.font = "420 11px Recursive, ui-monospace, monospace";
    context.textBaseline = "alphabetic";
    for (let age = 0; age <= this.#end && age / step < 40; age += step) {
      const at = this.#x(age, width);
      if (at > width - 60 && age > 0) break;
      context.textAlign = age === 0 ? "left" : "center";
      context.fillText(stopwatch(age).replace(/\.\d$/, ""), at, 52);
    }
  }

  #evictions(context: CanvasRenderingContext2D, width: number): void {
    context.fillStyle = colour("--gone");
    let before = 0;
    let drawn = -10;
    for (const { age, evictions } of this.#samples) {
      const happened = evictions - before;
      before = evictions;
      const x = this.#x(age, width);
      if (happened <= 0 || x - drawn < 4) continue;
      drawn = x;
      context.globalAlpha = Math.min(1, 0.4 + happened / 60);
      context.fillRect(x - 2, MARKS, 3, 2.5);
    }
    context.globalAlpha = 1;
  }

  /** The visitor's commands; as words while there is room. */
  #marks(context: CanvasRenderingContext2D, width: number, current: string | undefined): void {
    context.fillStyle = colour("--you");
    context.font = "420 11px Recursive, ui-monospace, monospace";
    context.textAlign = "center";
    const [you, ink] = [colour("--you"), colour("--quiet")];
    let free = -10;
    const isLinked = (command: Command) => current !== undefined && command.id === current;
    for (const command of this.#commands) {
      const x = this.#x(command.age, width);
      const size = isLinked(command) ? 5 : 3.5;
      context.fillStyle = you;
      context.beginPath();
      context.moveTo(x - size, BASE - size - 3);
      context.lineTo(x + size, BASE - size - 3);
      context.lineTo(x, BASE + 1);
      context.fill();
      const text = command.text.split(" ").slice(0, 2).join(" ").slice(0, 16);
      const wide = context.measureText(text).width + 8;
      const middle = Math.min(Math.max(x, wide / 2), width - wide / 2 - 14);
      const hasWords = (this.#samples.at(-1)?.gets ?? 0) < GETS_MIN && this.#commands.length < 12;
      if (!hasWords || middle - wide / 2 < free) continue;
      free = middle + wide / 2;
      context.fillStyle = ink;
      context.fillText(text, middle, 13);
    }
  }

  #point(event: PointerEvent): void {
    const box = this.#element.getBoundingClientRect();
    const share = (event.clientX - box.x - 2) / (box.width - 8);
    // The last few pixels are the present.
    const isEnd = event.clientX >= box.right - 10;
    this.#seek(isEnd ? this.#end : Math.min(1, Math.max(0, share)) * this.#end);
  }
}
