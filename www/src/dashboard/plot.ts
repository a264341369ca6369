// Draws the charts of the dashboard. Each has its figures beside it as text.

import { colour, surface } from "../dom.ts";
import type { Advice } from "./api.ts";
import type { Point } from "./history.ts";
import { type Bar, percentile, time } from "./latency.ts";

const TEXT = "420 12px Recursive, system-ui, sans-serif";
const [TOP, RIGHT, BOTTOM] = [12, 2, 24];
/** The least time that an axis shows, in milliseconds. */
const SPAN_MIN = 60_000;
const MINUTE = 60_000;
/** The percentiles that are marked. */
export const MARKS = [
  ["p50", 0.5],
  ["p99", 0.99],
  ["p99.9", 0.999],
] as const;

type Context = CanvasRenderingContext2D;

/** The room that a chart has, and its context; nothing if it is not shown. */
function room(
  canvas: HTMLCanvasElement,
): { context: Context; width: number; height: number } | undefined {
  const { clientWidth: width = 0, clientHeight: height = 0 } = canvas.parentElement ?? {};
  if (width < 20 || height < 10) return undefined;
  return { context: surface(canvas, width, height), width, height };
}

/** The time that is shown of a range: no more than there are points for. */
function spanOf(points: Point[], range: number): number {
  return Math.min(range, Math.max(SPAN_MIN, points[0]?.age ?? 0));
}

/** A line without axes, scaled to what it shows. */
export function sparkline(canvas: HTMLCanvasElement, points: Point[], name: string): void {
  const found = room(canvas);
  if (found === undefined || points.length < 2) return;
  const { context, width, height } = found;
  const values = points.map(({ value }) => value);
  const [least, most] = [Math.min(...values), Math.max(...values)];
  const span = Math.max(1, points[0]?.age ?? 1);
  const x = (age: number) => 1 + (1 - age / span) * (width - 2);
  const y = (value: number) =>
    most === least ? height / 2 : 2 + (1 - (value - least) / (most - least)) * (height - 4);
  context.strokeStyle = colour(name);
  context.lineWidth = 1.25;
  context.lineJoin = "round";
  line(context, points, x, y);
}

function line(
  context: Context,
  points: Point[],
  x: (age: number) => number,
  y: (value: number) => number,
): void {
  context.beginPath();
  for (const { age, value } of points) context.lineTo(x(age), y(value));
  context.stroke();
}

/** Values over time, from zero up. */
export function area(
  canvas: HTMLCanvasElement,
  points: Point[],
  range: number,
  name: string,
  format: (value: number) => string,
): void {
  const found = room(canvas);
  if (found === undefined) return;
  const { context, width, height } = found;
  const step = niceStep(Math.max(1, ...points.map(({ value }) => value)) / 3);
  const top =
    step * Math.max(1, Math.ceil(Math.max(1, ...points.map(({ value }) => value)) / step));
  context.font = TEXT;
  const labels = Array.from({ length: Math.round(top / step) + 1 }, (_, at) => format(at * step));
  const left = Math.max(...labels.map((label) => context.measureText(label).width)) + 10;
  const span = spanOf(points, range);
  const x = (age: number) => left + (1 - age / span) * (width - left - RIGHT);
  const y = (value: number) => TOP + (1 - value / top) * (height - TOP - BOTTOM);
  labels.forEach((label, at) => grid(context, left, width, y(at * step), label));
  times(context, span, x, height);
  if (points.length < 2) return;
  const ink = colour(name);
  context.fillStyle = ink;
  context.globalAlpha = 0.16;
  context.beginPath();
  context.moveTo(x(points[0]?.age ?? 0), y(0));
  for (const { age, value } of points) context.lineTo(x(age), y(value));
  context.lineTo(x(points.at(-1)?.age ?? 0), y(0));
  context.fill();
  context.globalAlpha = 1;
  context.strokeStyle = ink;
  context.lineWidth = 1.75;
  context.lineJoin = "round";
  line(context, points, x, y);
}

/** A line across, and its value before it. */
function grid(context: Context, left: number, width: number, y: number, label: string): void {
  context.fillStyle = colour("--rule");
  context.fillRect(left, Math.round(y), width - left - RIGHT, 1);
  context.fillStyle = colour("--quiet");
  context.textAlign = "right";
  context.textBaseline = "middle";
  context.fillText(label, left - 8, y);
}

/** The axis of time: `−15 min … now`. */
function times(context: Context, span: number, x: (age: number) => number, height: number): void {
  const hours = span > 2 * 60 * MINUTE;
  const unit = hours ? 60 * MINUTE : MINUTE;
  const whole = span / unit;
  const name = hours ? " h" : " min";
  const step = whole <= 1.5 ? 1 : whole <= 4 ? 1 : whole <= 20 ? 5 : whole <= 30 ? 6 : 15;
  context.textBaseline = "alphabetic";
  context.fillStyle = colour("--quiet");
  let free = x(0);
  context.textAlign = "right";
  context.fillText("now", free, height - 6);
  free -= context.measureText("now").width + 14;
  for (let age = step; age <= whole; age += step) {
    const isLast = age + step > whole;
    const label = `−${age}${isLast ? name : ""}`;
    const half = context.measureText(label).width / 2;
    const start = Math.max(x(age * unit) - half, x(span));
    if (start + 2 * half > free) continue;
    context.textAlign = "left";
    context.fillText(label, start, height - 6);
    free = start - 14;
  }
}

/** The request times of a histogram, on a logarithmic axis, with three percentiles. */
export function histogram(canvas: HTMLCanvasElement, bars: Bar[]): void {
  const found = room(canvas);
  if (found === undefined) return;
  const { context, width, height } = found;
  const shown = trimmed(bars);
  const most = Math.max(0, ...shown.map(({ count }) => count));
  context.font = TEXT;
  const [first, last] = [Math.max(0.5, shown[0]?.from ?? 1), shown.at(-1)?.to ?? 10_000];
  const x = (micros: number) =>
    (Math.log(Math.max(first, micros) / first) / Math.log(last / first)) * (width - 4) + 2;
  const [start, base] = [28, height - BOTTOM];
  context.fillStyle = colour("--rule");
  context.fillRect(0, base, width, 1);
  context.fillStyle = colour("--s4");
  for (const { from, to, count } of shown) {
    if (count === 0) continue;
    const tall = Math.max(1.5, (count / most) * (base - start));
    context.fillRect(x(from) + 1, base - tall, Math.max(1, x(to) - x(from) - 2), tall);
  }
  context.fillStyle = colour("--quiet");
  context.textBaseline = "alphabetic";
  for (let mark = 1; mark <= last; mark *= 10) {
    if (mark < first) continue;
    const half = context.measureText(time(mark)).width / 2;
    context.textAlign = "left";
    const at = Math.min(Math.max(0, x(mark) - half), width - 2 * half);
    context.fillText(time(mark), at, height - 6);
  }
  let free = 0;
  for (const [name, part] of MARKS) {
    const at = percentile(bars, part);
    if (at === undefined) continue;
    context.strokeStyle = colour("--ink");
    context.lineWidth = 1;
    context.setLineDash([2, 3]);
    context.beginPath();
    context.moveTo(Math.round(x(at)) + 0.5, start - 8);
    context.lineTo(Math.round(x(at)) + 0.5, base);
    context.stroke();
    context.setLineDash([]);
    context.fillStyle = colour("--ink");
    const half = context.measureText(name).width / 2;
    const place = Math.max(free, Math.min(x(at) - half, width - 2 * half));
    context.textAlign = "left";
    context.fillText(name, place, start - 14);
    free = place + 2 * half + 8;
  }
}

/** The bars from the first to the last one that counts, and some around them. */
function trimmed(bars: Bar[]): Bar[] {
  const counted = bars.flatMap(({ count }, at) => (count > 0 ? [at] : []));
  const [from, to] = [counted[0] ?? 3, counted.at(-1) ?? 14];
  return bars.slice(Math.max(0, Math.min(from - 1, to - 8)), to + 2);
}

/** The miss ratio with other budgets: what is predicted, and how far off it may be. */
export function curve(
  canvas: HTMLCanvasElement,
  advice: Advice,
  limit: string,
  format: (factor: number) => string,
): void {
  const found = room(canvas);
  const points = [...advice.points].sort((one, other) => one.factor - other.factor);
  if (found === undefined || points.length === 0) return;
  const { context, width, height } = found;
  const misses = points.map(({ hit_ratio, error }) => 1 - hit_ratio + error);
  const step = niceStep(Math.max(0.01, ...misses) / 3);
  const top = step * Math.max(1, Math.ceil(Math.max(...misses) / step));
  context.font = TEXT;
  const percent = (ratio: number) => `${Number((100 * ratio).toPrecision(3))} %`;
  const left = context.measureText(percent(top)).width + 14;
  const largest = points.at(-1)?.factor ?? 1;
  const smallest = points[0]?.factor ?? 0;
  // Logarithmic: each step to the right is twice the memory.
  const scale = Math.log(largest / smallest) || 1;
  const x = (factor: number) =>
    left + 14 + (Math.log(factor / smallest) / scale) * (width - left - RIGHT - 34);
  const y = (miss: number) => TOP + 10 + (1 - miss / top) * (height - TOP - 10 - BOTTOM);
  for (let value = 0; value <= top + step / 2; value += step) {
    grid(context, left, width, y(value), percent(value));
  }
  context.textBaseline = "alphabetic";
  for (const { factor } of points) {
    const label = format(factor);
    const half = context.measureText(label).width / 2;
    context.textAlign = "left";
    context.fillText(label, Math.min(x(factor) - half, width - 2 * half), height - 6);
  }
  const ink = colour("--s4");
  context.strokeStyle = ink;
  context.lineWidth = 1;
  for (const { factor, hit_ratio, error } of points) {
    const [from, to] = [y(1 - hit_ratio - error), y(1 - hit_ratio + error)];
    context.beginPath();
    context.moveTo(x(factor), from);
    context.lineTo(x(factor), to);
    context.stroke();
  }
  context.lineWidth = 1.75;
  context.beginPath();
  for (const { factor, hit_ratio } of points) context.lineTo(x(factor), y(1 - hit_ratio));
  context.stroke();
  const now = points.find(({ factor }) => factor === 1);
  if (now === undefined) return;
  context.strokeStyle = colour("--quiet");
  context.setLineDash([2, 3]);
  context.lineWidth = 1;
  context.beginPath();
  context.moveTo(Math.round(x(1)) + 0.5, TOP);
  context.lineTo(Math.round(x(1)) + 0.5, y(0));
  context.stroke();
  context.setLineDash([]);
  context.fillStyle = colour("--ink");
  context.beginPath();
  context.arc(x(1), y(1 - now.hit_ratio), 4, 0, 7);
  context.fill();
  context.textAlign = "left";
  context.fillText(
    `now ${limit}, ${percent(1 - now.hit_ratio)}`,
    x(1) + 8,
    y(1 - now.hit_ratio) - 10,
  );
}

/** 1, 2 or 5 times a power of ten, not less than this. */
export function niceStep(least: number): number {
  const power = 10 ** Math.floor(Math.log10(least));
  const found = [1, 2, 5, 10].find((factor) => factor * power >= least * 0.999_999);
  return (found ?? 10) * power;
}
