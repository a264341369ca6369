// Paints pages and chunks: the still part of the map.

import { decodeChunk, ITEM, NONE, PAGE, type Snapshot } from "../snapshot.ts";
import { bytes, seconds } from "../units.ts";
import type { Mode, Palette } from "./colours.ts";
import { CELL_MIN, cell, gridOf, type Layout, type Rect } from "./layout.ts";

export const [UNUSED, RECORDS, ITEMS] = [0, 1, 4];
/** From this width on, a chunk has a label: 72 with the gap to the next one. */
const LABELLED = 71;
const EXPIRED = 8;
const READ = 4;

/** What is painted. */
export interface Scene {
  snapshot: Snapshot;
  pageSize: number;
  mode: Mode;
  palette: Palette;
  /** The readable key of the item at a position, and its bytes in use, for labels. */
  keyAt: (position: number) => string;
  usedAt: (position: number) => number;
  /** The key byte for byte, for links. */
  idAt: (position: number) => string;
  /** The place of an item in the eviction order, from 0 to 1, if its number does not tell. */
  place?: ((item: number) => number) | undefined;
}

export function chunksIn(scene: { pageSize: number }, size: number): number {
  return Math.max(1, Math.floor(scene.pageSize / Math.max(1, size)));
}

/** The place of an item in the eviction order: 0 is just used, 1 is next to go. */
export function placeOf({ snapshot, place }: Scene, item: number): number {
  return place?.(item) ?? item / Math.max(1, snapshot.items.length / ITEM - 1);
}

/** Paints all pages of a layout. */
export function paint(context: CanvasRenderingContext2D, layout: Layout, scene: Scene): void {
  const painter = new Painter(context, scene);
  for (const page of layout.pages) {
    const at = layout.page(page);
    if (at !== undefined) painter.page(page, at);
  }
}

class Painter {
  readonly #context: CanvasRenderingContext2D;
  readonly #scene: Scene;
  #hatch: CanvasPattern | string | undefined;

  constructor(context: CanvasRenderingContext2D, scene: Scene) {
    this.#context = context;
    this.#scene = scene;
  }

  page(page: number, at: Rect): void {
    const { snapshot, palette, pageSize } = this.#scene;
    const [use = UNUSED, size = 0, , used = 0] = snapshot.pages.subarray(page * PAGE);
    const context = this.#context;
    if (use === UNUSED) {
      if (at.width < 6) return;
      context.strokeStyle = palette.rule;
      context.lineWidth = 1;
      context.strokeRect(at.x + 0.5, at.y + 0.5, at.width - 1, at.height - 1);
      return;
    }
    if (use !== ITEMS) return this.#engine(at, use === RECORDS ? "records" : "index");
    const chunks = chunksIn(this.#scene, size);
    const { columns, rows } = gridOf(chunks);
    context.fillStyle = palette.bed;
    context.fillRect(at.x, at.y, at.width, at.height);
    const isSmall = Math.min(at.width / columns, at.height / rows) < CELL_MIN;
    if (snapshot.chunks.length === 0 || isSmall) {
      // The chunks are too small to draw: show how full the page is.
      context.fillStyle = palette.stop(3);
      context.fillRect(at.x, at.y, (at.width * used * size) / pageSize, at.height);
      return;
    }
    this.#chunks(page, at, chunks);
  }

  /** A page of the index or of records: ruled lines, and the word if there is room. */
  #engine(at: Rect, word: string): void {
    const { palette } = this.#scene;
    const context = this.#context;
    context.fillStyle = palette.bed;
    context.fillRect(at.x, at.y, at.width, at.height);
    if (at.height < 16) return;
    context.fillStyle = palette.index;
    const step = Math.max(3, Math.round(at.height / 10));
    for (let y = at.y + step; y < at.y + at.height - 2; y += step) {
      context.fillRect(at.x + 4, Math.round(y), at.width - 8, 1);
    }
    if (at.width < 72) return;
    context.font = "420 11px Recursive, system-ui, sans-serif";
    const width = context.measureText(word).width + 10;
    context.fillStyle = palette.bed;
    context.fillRect(at.x + (at.width - width) / 2, at.y + at.height / 2 - 8, width, 16);
    context.fillStyle = palette.quiet;
    context.textAlign = "center";
    context.textBaseline = "middle";
    context.fillText(word, at.x + at.width / 2, at.y + at.height / 2 + 0.5);
  }

  #chunks(page: number, at: Rect, chunks: number): void {
    const { snapshot, palette } = this.#scene;
    const [, , highWater = 0, , first = 0] = snapshot.pages.subarray(page * PAGE);
    const context = this.#context;
    for (let chunk = 0; chunk < chunks; chunk++) {
      const place = cell(at, chunk, chunks);
      const number = chunk < highWater ? (snapshot.chunks[first + chunk] ?? 0) : 0;
      const { item, isContinuation, filled } = decodeChunk(number);
      if (item < 0) {
        context.globalAlpha = 0.55;
        context.fillStyle = palette.paper;
        context.fillRect(place.x, place.y, place.width, place.height);
        context.globalAlpha = 1;
        continue;
      }
      this.#item(place, item, isContinuation, filled);
    }
  }

  #item(at: Rect, item: number, isContinuation: boolean, filled: number): void {
    const { mode, palette, snapshot } = this.#scene;
    const context = this.#context;
    if (mode === "waste") {
      context.fillStyle = palette.stop(isContinuation ? 2 : 4);
      context.fillRect(at.x, at.y, at.width, at.height);
      const wasted = at.width * (1 - filled);
      if (wasted < 0.5) return;
      context.fillStyle = palette.paper;
      context.fillRect(at.x + at.width - wasted, at.y, wasted, at.height);
      context.fillStyle = this.#hatch ??= hatch(context, palette.gone);
      context.fillRect(at.x + at.width - wasted, at.y, wasted, at.height);
      return;
    }
    const isLabelled = at.width >= LABELLED && at.height >= 40 && !isContinuation;
    const label = palette.labelled(placeOf(this.#scene, item));
    context.fillStyle = isLabelled && mode === "idle" ? label.fill : this.#colour(item);
    context.fillRect(at.x, at.y, at.width, at.height);
    if (!isLabelled || mode !== "idle") return;
    const [position = NONE, , , , idle = 0, , size = 0] = snapshot.items.subarray(
      item * ITEM,
      item * ITEM + ITEM,
    );
    const { keyAt, usedAt } = this.#scene;
    this.#label(at, label.text, keyAt(position), seconds(idle), usedAt(position), size);
  }

  #colour(item: number): string {
    const { mode, palette, snapshot } = this.#scene;
    const flags = snapshot.items[item * ITEM + 3] ?? 0;
    if (mode === "read") return palette.stop((flags & READ) !== 0 ? 5 : 0);
    if ((flags & EXPIRED) !== 0) return palette.time;
    if (mode === "idle") return palette.idle(placeOf(this.#scene, item));
    const remaining = snapshot.items[item * ITEM + 5] ?? NONE;
    return remaining === NONE ? palette.never : palette.expires(remaining);
  }

  #label(at: Rect, text: string, key: string, idle: string, used: number, size: number): void {
    const context = this.#context;
    const room = at.width - 2 * (at.width < 110 ? 7 : 12);
    const x = at.x + (at.width - room) / 2;
    const isTall = at.height >= 80;
    context.save();
    context.beginPath();
    context.rect(at.x, at.y, at.width, at.height);
    context.clip();
    context.fillStyle = text;
    context.textAlign = "left";
    context.textBaseline = "alphabetic";
    context.font = `560 ${isTall ? 15 : 12}px Recursive, ui-monospace, monospace`;
    context.fillText(shortened(context, key, room), x, at.y + (isTall ? 26 : 17));
    context.font = "420 12px Recursive, system-ui, sans-serif";
    if (at.height >= 50) context.fillText(`idle ${idle}`, x, at.y + (isTall ? 46 : 32));
    if (isTall) context.fillText(`${used} of ${bytes(size)}`, x, at.y + 70);
    const y = at.y + (isTall ? 78 : at.height - 9);
    context.globalAlpha = 0.25;
    context.fillRect(x, y, room, 5);
    context.globalAlpha = 1;
    context.fillRect(x, y, room * Math.min(1, used / Math.max(1, size)), 5);
    context.restore();
  }
}

function shortened(context: CanvasRenderingContext2D, text: string, width: number): string {
  let shown = text.slice(0, 60);
  while (shown.length > 1 && context.measureText(shown).width > width) {
    shown = `${shown.slice(0, -2)}…`;
  }
  return shown;
}

/** Diagonal lines, for wasted bytes. */
function hatch(context: CanvasRenderingContext2D, colour: string): CanvasPattern | string {
  const scale = context.getTransform().a;
  const side = Math.round(4 * scale);
  const tile = new OffscreenCanvas(side, side);
  const pen = tile.getContext("2d");
  if (pen === null) return colour;
  pen.strokeStyle = colour;
  pen.globalAlpha = 0.8;
  pen.lineWidth = scale * 0.8;
  for (const shift of [-side, 0, side]) {
    pen.moveTo(shift, side);
    pen.lineTo(shift + side, 0);
  }
  pen.stroke();
  const pattern = context.createPattern(tile, "repeat");
  pattern?.setTransform(new DOMMatrix().scale(1 / scale));
  return pattern ?? colour;
}
