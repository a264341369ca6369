// The chart of a race: the hit ratio of both caches over all requests, with the phases.

import { colour, surface } from "../dom.ts";
import { count } from "../units.ts";
import { lineOf, type Policy } from "./lane.ts";
import type { Course } from "./phases.ts";

const [LEFT, RIGHT, TOP, BOTTOM, HEIGHT] = [48, 8, 30, 24, 270];
const TEXT = "Recursive, system-ui, sans-serif";

/** The hit ratios of each cache, from 0 to 1, one for each `every` requests. */
export interface Curves {
  every: number;
  ratios: number[][];
}

export class RaceChart {
  readonly #canvas: HTMLCanvasElement;
  #all = 1;

  /** `seek` is called with the request that the visitor points at. */
  constructor(canvas: HTMLCanvasElement, seek: (request: number) => void) {
    this.#canvas = canvas;
    let isDragging = false;
    const point = (event: PointerEvent) => {
      const box = canvas.getBoundingClientRect();
      const share = (event.clientX - box.x - LEFT) / (box.width - LEFT - RIGHT);
      seek(Math.round(Math.min(1, Math.max(0, share)) * this.#all));
    };
    canvas.addEventListener("pointerdown", (event) => {
      isDragging = true;
      canvas.setPointerCapture(event.pointerId);
      point(event);
    });
    canvas.addEventListener("pointermove", (event) => {
      if (isDragging) point(event);
    });
    canvas.addEventListener("pointerup", () => {
      isDragging = false;
    });
  }

  draw(course: Course, all: number, at: number, curves: Curves, policies: readonly Policy[]): void {
    this.#all = all;
    const width = this.#canvas.parentElement?.clientWidth ?? 0;
    if (width <= 0) return;
    const context = surface(this.#canvas, width, HEIGHT);
    const x = (request: number) => LEFT + (request / all) * (width - LEFT - RIGHT);
    const y = (ratio: number) => TOP + (1 - ratio) * (HEIGHT - TOP - BOTTOM);
    this.#phases(context, course, x);
    this.#axes(context, width, all, x, y);
    const [first = [], second = []] = curves.ratios;
    this.#gap(context, first, second, curves.every, x, y);
    policies.forEach((policy, lane) => {
      context.strokeStyle = lineOf(policy);
      context.lineWidth = 2;
      this.#line(context, curves.ratios[lane] ?? [], curves.every, x, y);
    });
    // What is still to come is pale.
    context.fillStyle = colour("--paper");
    context.globalAlpha = 0.5;
    context.fillRect(x(at), TOP, width - x(at), HEIGHT - TOP - BOTTOM);
    context.globalAlpha = 1;
    context.fillStyle = colour("--ink");
    context.fillRect(x(at) - 1, TOP - 18, 2, HEIGHT - TOP - BOTTOM + 18);
    context.beginPath();
    context.roundRect(x(at) - 5, TOP - 24, 10, 12, 2);
    context.fill();
  }

  #phases(context: CanvasRenderingContext2D, course: Course, x: (request: number) => number): void {
    let start = 0;
    context.textAlign = "left";
    context.textBaseline = "alphabetic";
    for (const [at, { name, requests }] of course.phases.entries()) {
      const [from, to] = [x(start), x(start + requests)];
      if (at % 2 === 1) {
        context.fillStyle = colour("--bed");
        context.fillRect(from, TOP - 22, to - from, HEIGHT - TOP - BOTTOM + 22);
      }
      context.fillStyle = colour("--ink");
      context.font = `600 12px ${TEXT}`;
      if (to - from > context.measureText(name).width + 12)
        context.fillText(name, from + 8, TOP - 8);
      start += requests;
    }
  }

  #axes(
    context: CanvasRenderingContext2D,
    width: number,
    all: number,
    x: (request: number) => number,
    y: (ratio: number) => number,
  ): void {
    context.font = `420 12px ${TEXT}`;
    context.textBaseline = "middle";
    for (const part of [0, 0.25, 0.5, 0.75, 1]) {
      context.fillStyle = colour("--rule");
      context.fillRect(LEFT, Math.round(y(part)), width - LEFT - RIGHT, 1);
      context.fillStyle = colour("--quiet");
      context.textAlign = "right";
      context.fillText(`${100 * part} %`, LEFT - 8, y(part));
    }
    context.textBaseline = "alphabetic";
    const step =
      [1000, 5000, 10_000, 50_000, 100_000, 500_000].find((step) => all / step <= 6) ?? 1e6;
    for (let request = 0; request <= all; request += step) {
      context.textAlign = request === 0 ? "left" : x(request) > width - 30 ? "right" : "center";
      context.fillText(count(request), x(request), HEIGHT - 6);
    }
  }

  #line(
    context: CanvasRenderingContext2D,
    ratios: number[],
    every: number,
    x: (request: number) => number,
    y: (ratio: number) => number,
  ): void {
    context.beginPath();
    ratios.forEach((ratio, at) => {
      const to = [x((at + 1) * every), y(ratio)] as const;
      if (at === 0) context.moveTo(...to);
      else context.lineTo(...to);
    });
    context.stroke();
  }

  /** The area between the lines. */
  #gap(
    context: CanvasRenderingContext2D,
    first: number[],
    second: number[],
    every: number,
    x: (request: number) => number,
    y: (ratio: number) => number,
  ): void {
    context.fillStyle = colour("--s0");
    context.beginPath();
    first.forEach((ratio, at) => context.lineTo(x((at + 1) * every), y(ratio)));
    for (let at = second.length - 1; at >= 0; at--) {
      context.lineTo(x((at + 1) * every), y(second[at] ?? 0));
    }
    context.fill();
  }
}
