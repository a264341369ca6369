// What the charts have in common: their room on the page, lines across, and steps of an axis.

import { colour, surface } from "./dom.ts";

export const TEXT = "420 12px Recursive, system-ui, sans-serif";
/** The room around a chart. */
export const [TOP, RIGHT, BOTTOM] = [12, 2, 24];

export type Context = CanvasRenderingContext2D;

/** The room that a chart has, and its context; nothing if it is not shown. */
export function room(
  canvas: HTMLCanvasElement,
): { context: Context; width: number; height: number } | undefined {
  const { clientWidth: width = 0, clientHeight: height = 0 } = canvas.parentElement ?? {};
  if (width < 20 || height < 10) return undefined;
  return { context: surface(canvas, width, height), width, height };
}

/** A line across, and its value before it. */
export function grid(
  context: Context,
  left: number,
  width: number,
  y: number,
  label: string,
): void {
  context.fillStyle = colour("--rule");
  context.fillRect(left, Math.round(y), width - left - RIGHT, 1);
  context.fillStyle = colour("--quiet");
  context.textAlign = "right";
  context.textBaseline = "middle";
  context.fillText(label, left - 8, y);
}

/** 1, 2 or 5 times a power of ten, not less than this. */
export function niceStep(least: number): number {
  const power = 10 ** Math.floor(Math.log10(least));
  const found = [1, 2, 5, 10].find((factor) => factor * power >= least * 0.999_999);
  return (found ?? 10) * power;
}
