// The expiry wheel: each page is in the slot of the time at which it is searched for expired items.

import { colour, element, surface } from "./dom.ts";
import { NONE, PAGE, type Snapshot } from "./snapshot.ts";
import { count, duration } from "./units.ts";

const [LEVELS, SLOTS] = [4, 64];
/** Milliseconds in a slot of the finest level; each other level has 64 times as many. */
const UNIT = 1;
/** The least and the most pixels across. */
const [SIDE_MIN, SIDE_MAX] = [120, 196];

/** The slot of a page, counted over all levels; nothing if it has no item that expires. */
export function slotOf(wheel: Uint32Array, page: number): number | undefined {
  const slot = wheel[LEVELS * SLOTS + LEVELS + page] ?? NONE;
  return slot === NONE ? undefined : slot;
}

/** Draws the wheel; the slots of these pages are the visitor's. */
export function drawWheel(
  canvas: HTMLCanvasElement,
  side: number,
  wheel: Uint32Array,
  pages: number[],
): void {
  const context = surface(canvas, side, side);
  canvas.style.width = `${side}px`;
  const [empty, some, many] = [colour("--bed"), colour("--t3"), colour("--t4")];
  const [hand, you] = [colour("--ink"), colour("--you")];
  const marked = new Set(pages.map((page) => slotOf(wheel, page)));
  const ring = side / 2 / 5.2;
  for (let level = 0; level < LEVELS; level++) {
    const outer = side / 2 - 1 - level * ring;
    const passed = wheel[LEVELS * SLOTS + level] ?? 0;
    for (let slot = 0; slot < SLOTS; slot++) {
      const at = level * SLOTS + slot;
      const waiting = wheel[at] ?? 0;
      const [from, to] = [turn(slot) + 0.012, turn(slot + 1) - 0.012];
      const filled = waiting > 2 ? many : waiting > 0 ? some : empty;
      context.fillStyle = marked.has(at) ? you : slot === passed ? hand : filled;
      context.beginPath();
      context.arc(side / 2, side / 2, outer, from, to);
      context.arc(side / 2, side / 2, outer - ring * 0.84, to, from, true);
      context.fill();
    }
  }
}

/** The angle at which a slot begins; the first one at twelve o'clock. */
function turn(slot: number): number {
  return (2 * Math.PI * slot) / SLOTS - Math.PI / 2;
}

/** The panel with the wheel. */
export class Wheel {
  readonly #panel = element("#panel-wheel");
  readonly #canvas = element<HTMLCanvasElement>("#wheel canvas");
  readonly #text = element("#wheel-text");

  draw(wheel: Uint32Array, snapshot: Snapshot, pages: number[]): void {
    if (this.#panel.hidden) return;
    // All of it is seen at once, if there is any room for it.
    const side = Math.max(SIDE_MIN, Math.min(SIDE_MAX, this.#panel.clientHeight - 16));
    drawWheel(this.#canvas, side, wheel, pages);
    const text = description(wheel, snapshot);
    if (this.#text.textContent !== text) this.#text.textContent = text;
  }
}

function description(wheel: Uint32Array, snapshot: Snapshot): string {
  let next = NONE;
  for (let at = 5; at < snapshot.pages.length; at += PAGE)
    next = Math.min(next, snapshot.pages[at] ?? NONE);
  if (next === NONE) return "No page has items that expire.";
  const levels = Array.from({ length: LEVELS }, (_, level) => {
    const slots = wheel.subarray(level * SLOTS, (level + 1) * SLOTS);
    const pages = slots.reduce((sum, pages) => sum + pages, 0);
    return pages > 0 ? `${count(pages)} in slots of ${width(level)}` : "";
  });
  const pending = levels.filter(Boolean).join(", ");
  const due = next < 100 ? "now" : `in ${duration(next)}`;
  return `Pages in the wheel: ${pending}. The next is due ${due}.`;
}

/** How long a slot of a level is. */
function width(level: number): string {
  const millis = UNIT * SLOTS ** level;
  return millis < 1000 ? `${millis} ms` : duration(millis);
}
