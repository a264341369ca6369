// A chart of a load: one line per cache, and the last values as a sentence, for screen readers too.

import uPlot from "uplot";
import { colour, element, make } from "./dom.ts";

const HEIGHT = 170;
const NAMES = ["This cache", "Second cache"];

/** The vertical axis: its top as long as no value is higher, or always; its steps. */
export interface Axis {
  top: number;
  isFixed?: boolean;
  steps?: number[];
}

export class Chart {
  readonly #element: HTMLElement;
  readonly #text: HTMLElement;
  readonly #format: (value: number) => string;
  readonly #axis: Axis;
  #plot: uPlot | undefined;
  #operations: number[] = [];
  #lines: number[][] = [[], []];

  /** In the element with this id; `format` formats the values of the vertical axis. */
  constructor(id: string, format: (value: number) => string, axis: Axis) {
    this.#axis = axis;
    this.#element = element(`#${id} .plot`);
    this.#text = element(`#${id} p`);
    this.#format = format;
    new ResizeObserver(() => {
      const width = this.#element.clientWidth;
      if (width > 0) this.#plot?.setSize({ width, height: HEIGHT });
    }).observe(this.#element);
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
  }

  /** Draws the lines, and describes each cache in words. */
  draw(words: string[]): void {
    if (this.#plot === undefined) this.redraw();
    this.#plot?.setData(this.#data());
    const text = words.length < 2 ? words : words.map((words, at) => `${NAMES[at]}: ${words}`);
    const summary = text.map((words) => `${words}.`).join(" ");
    if (this.#text.textContent === summary) return;
    const parts = text.map((words) => make("span", { textContent: `${words}.` }));
    this.#text.replaceChildren(...parts.flatMap((part, at) => (at > 0 ? [" ", part] : [part])));
  }

  /** Redraws everything in the colours of the theme. */
  redraw(): void {
    this.#plot?.destroy();
    const [ink, rule] = [colour("--quiet"), colour("--rule")];
    const font = "12px system-ui, sans-serif";
    const axis = { stroke: ink, font, grid: { stroke: rule, width: 1 }, ticks: { show: false } };
    const series = [colour("--used"), colour("--expired")].map((stroke) => ({
      stroke,
      width: 2,
      points: { show: false },
    }));
    const options: uPlot.Options = {
      width: this.#element.clientWidth || 300,
      height: HEIGHT,
      cursor: { show: false },
      legend: { show: false },
      scales: { x: { time: false }, y: { range: (_, __, top) => this.#range(top) } },
      axes: [
        { ...axis, size: 28, values: (_, ticks) => ticks.map(short) },
        {
          ...axis,
          size: 64,
          values: (_, ticks) => ticks.map(this.#format),
          ...(this.#axis.steps === undefined ? {} : { incrs: this.#axis.steps }),
        },
      ],
      series: [{}, ...series],
    };
    const holder = make("div");
    this.#element.replaceChildren(holder);
    this.#plot = new uPlot(options, this.#data(), holder);
  }

  /** From zero, because an axis with another origin misleads. */
  #range(top: number): uPlot.Range.MinMax {
    const isFixed = this.#axis.isFixed || !(top > 0);
    return [0, 1.05 * (isFixed ? this.#axis.top : top)];
  }

  #data(): uPlot.AlignedData {
    const [first = [], second = []] = this.#lines;
    return [this.#operations, first, second.length > 0 ? second : first.map(() => null)];
  }
}

/** `20k`, `1.5M`. */
export function short(number: number): string {
  if (number >= 1e6) return `${Number((number / 1e6).toPrecision(3))}M`;
  return number >= 1e3 ? `${Number((number / 1e3).toPrecision(3))}k` : String(number);
}
