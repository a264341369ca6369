// Draws the charts of the dashboard. Each has its figures beside it as text.

import { BOTTOM, type Context, grid, niceStep, RIGHT, room, TEXT, TOP } from "../axes.ts";
import { colour } from "../dom.ts";
import type { Point } from "./history.ts";
import { type Bar, percentile, time } from "./latency.ts";

/** The least time that an axis shows, in milliseconds. */
const SPAN_MIN = 60_000;
const MINUTE = 60_000;
/** The pixels between two labels. */
const GAP = 8;
/** The percentiles that are marked. */
export const MARKS = [
  ["p50", 0.5],
  ["p99", 0.99],
  ["p99.9", 0.999],
] as const;

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
  const marks = MARKS.flatMap(([name, part]) => {
    const at = percentile(bars, part);
    return at === undefined ? [] : [{ name, at, size: context.measureText(name).width }];
  });
  const places = spread(
    marks.map(({ at, size }) => ({ at: x(at), size })),
    width,
  );
  for (const [index, { name, at }] of marks.entries()) {
    context.strokeStyle = colour("--ink");
    context.lineWidth = 1;
    context.setLineDash([2, 3]);
    context.beginPath();
    context.moveTo(Math.round(x(at)) + 0.5, start - 8);
    context.lineTo(Math.round(x(at)) + 0.5, base);
    context.stroke();
    context.setLineDash([]);
    context.fillStyle = colour("--ink");
    context.textAlign = "left";
    context.fillText(name, places[index] ?? 0, start - 14);
  }
}

/** Where labels begin: each centred over its mark, or beside the next one, and none outside. */
export function spread(marks: { at: number; size: number }[], width: number): number[] {
  let free = 0;
  const places = marks.map(({ at, size }) => {
    const place = Math.max(free, at - size / 2);
    free = place + size + GAP;
    return place;
  });
  let end = width;
  for (let index = marks.length - 1; index >= 0; index--) {
    const place = Math.min(places[index] ?? 0, end - (marks[index]?.size ?? 0));
    places[index] = place;
    end = place - GAP;
  }
  return places;
}

/** The bars from the first to the last one that counts, and some around them. */
function trimmed(bars: Bar[]): Bar[] {
  const counted = bars.flatMap(({ count }, at) => (count > 0 ? [at] : []));
  const [from, to] = [counted[0] ?? 3, counted.at(-1) ?? 14];
  return bars.slice(Math.max(0, Math.min(from - 1, to - 8)), to + 2);
}
