// The miss ratio with other memory, as a curve.

import { BOTTOM, grid, niceStep, RIGHT, room, TEXT, TOP } from "./axes.ts";
import { colour } from "./dom.ts";

/** Hits per read with `factor` times the memory, and by how much that may be wrong. */
export interface Prediction {
  factor: number;
  hit_ratio: number;
  error: number;
}

/** The miss ratio with other budgets: what is predicted, and how far off it may be. */
export function curve(
  canvas: HTMLCanvasElement,
  predictions: Prediction[],
  limit: string,
  format: (factor: number) => string,
): void {
  const found = room(canvas);
  const points = [...predictions].sort((one, other) => one.factor - other.factor);
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
