// A small line chart: one line per cache, and the last values as a sentence, for everybody.

import { colour, element, make, surface } from "./dom.ts";

const HEIGHT = 92;
const LEFT = 46;
const BOTTOM = 16;
const NAMES = ["This cache", "Second cache"];
const FONT = "420 11px Recursive, system-ui, sans-serif";

/** The vertical axis: its top as long as no value is higher, or always. */
export interface Axis {
  top: number;
  isFixed?: boolean;
}

export class Chart {
  readonly #canvas: HTMLCanvasElement;
  readonly #text: HTMLElement;
  readonly #format: (value: number) => string;
  readonly #axis: Axis;
  #operations: number[] = [];
  #lines: number[][] = [[], []];

  /** In the element with this id; `format` formats the values of the vertical axis. */
  constructor(id: string, format: (value: number) => string, axis: Axis) {
    this.#axis = axis;
    this.#canvas = element<HTMLCanvasElement>(`#${id} canvas`);
    this.#text = element(`#${id} p`);
    this.#format = format;
  }

  clear(): void {
    this.#operations = [];
    this.#lines = [[], []];
    this.redraw();
  }

  /** Adds a point: the value of each cache after this number of operations. */
  add(operations: number, values: number[]): void {
    this.#operations.push(operations);
    values.forEach((value, at) => this.#lines[at]?.push(value));
    if (this.#operations.length <= 800) return;
    const half = <T>(all: T[]) => all.filter((_, at) => at % 2 === 1);
    this.#operations = half(this.#operations);
    this.#lines = this.#lines.map(half);
  }

  /** Draws the lines, and describes each cache in words. */
  draw(words: string[]): void {
    this.redraw();
    const text = words.length < 2 ? words : words.map((words, at) => `${NAMES[at]}: ${words}`);
    const summary = text.map((words) => `${words}.`).join(" ");
    if (this.#text.textContent === summary) return;
    const parts = text.map((words) => make("span", { textContent: `${words}.` }));
    this.#text.replaceChildren(...parts.flatMap((part, at) => (at > 0 ? [" ", part] : [part])));
  }

  /** Redraws everything in the colours of the theme. */
  redraw(): void {
    const width = this.#canvas.parentElement?.clientWidth ?? 0;
    if (width === 0) return;
    const context = surface(this.#canvas, width, HEIGHT);
    const highest = Math.max(0, ...this.#lines.flat());
    const isFixed = this.#axis.isFixed || highest === 0;
    // From zero, because an axis with another origin misleads.
    const top = 1.05 * (isFixed ? this.#axis.top : highest);
    const end = Math.max(1, this.#operations.at(-1) ?? 1);
    const x = (operations: number) => LEFT + (operations / end) * (width - LEFT - 4);
    const y = (value: number) => 6 + (1 - value / top) * (HEIGHT - BOTTOM - 8);
    context.font = FONT;
    context.textBaseline = "middle";
    context.textAlign = "right";
    for (const part of [0, 0.5, 1]) {
      const value = (part * top) / 1.05;
      context.fillStyle = colour("--rule");
      context.fillRect(LEFT, Math.round(y(value)), width - LEFT - 4, 1);
      context.fillStyle = colour("--quiet");
      context.fillText(this.#format(value), LEFT - 6, y(value));
    }
    context.textBaseline = "alphabetic";
    context.fillText(short(end), width - 4, HEIGHT - 3);
    const colours = [colour("--s5"), colour("--t4")];
    context.lineWidth = 1.75;
    this.#lines.forEach((line, at) => {
      context.strokeStyle = colours[at] ?? "";
      context.beginPath();
      line.forEach((value, point) => {
        const to = [x(this.#operations[point] ?? 0), y(value)] as const;
        if (point === 0) context.moveTo(...to);
        else context.lineTo(...to);
      });
      context.stroke();
    });
  }
}

/** `20k`, `1.5M`. */
export function short(number: number): string {
  const rounded = Number(number.toPrecision(3));
  if (rounded >= 1e6) return `${Number((rounded / 1e6).toPrecision(3))}M`;
  return rounded >= 1e3 ? `${Number((rounded / 1e3).toPrecision(3))}k` : String(rounded);
}
