// What happens in the map: stores, hits, evictions and expiries, within a quiet budget. The newest
// events are shown; the others only change the colour of their chunks.

import type { Palette } from "./colours.ts";
import type { Rect } from "./layout.ts";

export type Kind = "store" | "hit" | "evicted" | "expired";

/** How long each is shown, in milliseconds. */
const TIMES: Record<Kind, number> = { store: 180, hit: 450, evicted: 900, expired: 1200 };
const STILL_TIMES: Record<Kind, number> = { store: 0, hit: 600, evicted: 900, expired: 1200 };
/** The most of each that are shown at a time. */
export const BUDGET: Record<Kind, number> = { store: 16, hit: 16, evicted: 16, expired: 8 };
const HIT_IN = 90;
/** The order in which the dots of a 4 by 4 dither vanish. */
const DITHER = [0, 8, 2, 10, 12, 4, 14, 6, 3, 11, 1, 9, 15, 7, 13, 5];
const DOT = 2;
const DITHER_STEPS = 8;

interface Event {
  kind: Kind;
  cells: Rect[];
  start: number;
}

export class Events {
  #events: Event[] = [];
  /** Whether the visitor prefers reduced motion. */
  isStill = false;

  /** Shows an event at these chunks. */
  add(kind: Kind, cells: Rect[], now: number): void {
    if (cells.length === 0) return;
    const same = this.#events.filter((event) => event.kind === kind);
    const excess = same.length - BUDGET[kind] + 1;
    const old = new Set(same.slice(0, Math.max(0, excess)));
    this.#events = this.#events.filter((event) => !old.has(event));
    this.#events.push({ kind, cells, start: now });
  }

  clear(): void {
    this.#events = [];
  }

  get count(): number {
    return this.#events.length;
  }

  /** Draws what is shown at this moment, and forgets what is over. */
  draw(context: CanvasRenderingContext2D, palette: Palette, now: number): void {
    const times = this.isStill ? STILL_TIMES : TIMES;
    this.#events = this.#events.filter(({ kind, start }) => now - start < times[kind]);
    for (const { kind, cells, start } of this.#events) {
      const passed = now - start;
      for (const cell of cells) this.#event(context, palette, kind, cell, passed);
    }
    context.globalAlpha = 1;
  }

  #event(
    context: CanvasRenderingContext2D,
    palette: Palette,
    kind: Kind,
    at: Rect,
    passed: number,
  ): void {
    const done = passed / (this.isStill ? STILL_TIMES : TIMES)[kind];
    switch (kind) {
      case "store":
        context.fillStyle = palette.paper;
        context.fillRect(at.x + at.width * done, at.y, at.width * (1 - done), at.height);
        return;
      case "hit": {
        const fade = 1 - (passed - HIT_IN) / (TIMES.hit - HIT_IN);
        context.globalAlpha = this.isStill ? 1 : Math.min(passed / HIT_IN, Math.max(0, fade));
        ring(context, palette, at, this.isStill ? 0 : 1);
        context.globalAlpha = 1;
        return;
      }
      case "evicted":
        context.globalAlpha = this.isStill ? 1 : 1 - done;
        context.fillStyle = palette.paper;
        context.fillRect(at.x, at.y, at.width, at.height);
        slash(context, palette.gone, at);
        context.globalAlpha = 1;
        return;
      case "expired":
        context.fillStyle = palette.time;
        if (this.isStill) context.fillRect(at.x, at.y, at.width, at.height);
        else dither(context, at, Math.floor(done * DITHER_STEPS) / DITHER_STEPS);
    }
  }
}

/** A chunk that was just read: the strongest colour, and a ring inside. */
function ring(context: CanvasRenderingContext2D, palette: Palette, at: Rect, growth: number): void {
  context.fillStyle = palette.stop(6);
  context.fillRect(at.x - growth, at.y - growth, at.width + 2 * growth, at.height + 2 * growth);
  if (at.width < 8 || at.height < 6) return;
  context.strokeStyle = palette.isDark ? palette.paper : "#fff";
  context.lineWidth = 1;
  context.strokeRect(at.x + 1.5, at.y + 1.5, at.width - 3, at.height - 3);
}

/** An outline and a diagonal. */
export function slash(context: CanvasRenderingContext2D, colour: string, at: Rect): void {
  context.strokeStyle = colour;
  context.lineWidth = 1;
  context.strokeRect(at.x + 0.5, at.y + 0.5, at.width - 1, at.height - 1);
  context.beginPath();
  context.moveTo(at.x + 0.5, at.y + at.height - 0.5);
  context.lineTo(at.x + at.width - 0.5, at.y + 0.5);
  context.stroke();
}

/** The dots of a chunk that are not gone yet. */
function dither(context: CanvasRenderingContext2D, at: Rect, done: number): void {
  context.beginPath();
  for (let y = 0, row = 0; y < at.height; y += DOT, row++) {
    for (let x = 0, column = 0; x < at.width; x += DOT, column++) {
      const rank = DITHER[(row % 4) * 4 + (column % 4)] ?? 0;
      if (rank < done * 16) continue;
      const [width, height] = [Math.min(DOT, at.width - x), Math.min(DOT, at.height - y)];
      context.rect(at.x + x, at.y + y, width, height);
    }
  }
  context.fill();
}
