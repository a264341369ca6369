// The timing wheel: each page is in the slot of the time at which it is searched for expired items.

import { colour, element, surface } from "./dom.ts";
import { NONE, PAGE, type Snapshot } from "./engine.ts";
import { count, duration } from "./units.ts";

const [LEVELS, SLOTS] = [4, 64];
const SIDE = 208;
const RING = 18;
/** Milliseconds in a slot of the finest level; each other level has 64 times as many. */
const UNIT = 1;

export class Wheel {
  readonly #canvas = element<HTMLCanvasElement>("#wheel canvas");
  readonly #text = element("#wheel-text");

  draw(wheel: Uint32Array, snapshot: Snapshot): void {
    const context = surface(this.#canvas, SIDE, SIDE);
    const [quiet, filled, hand] = [colour("--page"), colour("--used"), colour("--mark")];
    for (let level = 0; level < LEVELS; level++) {
      const outer = SIDE / 2 - 2 - level * (RING + 4);
      const passed = wheel[LEVELS * SLOTS + level] ?? 0;
      for (let slot = 0; slot < SLOTS; slot++) {
        const pages = wheel[level * SLOTS + slot] ?? 0;
        const [from, to] = [turn(slot) + 0.012, turn(slot + 1) - 0.012];
        context.fillStyle = pages > 0 ? filled : slot === passed ? hand : quiet;
        context.beginPath();
        context.arc(SIDE / 2, SIDE / 2, outer, from, to);
        context.arc(SIDE / 2, SIDE / 2, outer - RING, to, from, true);
        context.fill();
      }
    }
    this.#text.textContent = description(wheel, snapshot);
  }
}

/** The angle at which a slot begins; the first one at twelve o'clock. */
function turn(slot: number): number {
  return (2 * Math.PI * slot) / SLOTS - Math.PI / 2;
}

function description(wheel: Uint32Array, snapshot: Snapshot): string {
  let next = NONE;
  for (let at = 5; at < snapshot.pages.length; at += PAGE)
    next = Math.min(next, snapshot.pages[at] ?? NONE);
  if (next === NONE) return "No page has items that expire.";
  const levels = Array.from({ length: LEVELS }, (_, level) => {
    const slots = wheel.subarray(level * SLOTS, (level + 1) * SLOTS);
    const pages = slots.reduce((sum, pages) => sum + pages, 0);
    return pages > 0 ? `${count(pages)} in slots of ${duration(UNIT * SLOTS ** level)}` : "";
  });
  const pending = levels.filter(Boolean).join(", ");
  return `Pages in the wheel: ${pending}. The next is due in ${duration(next)}.`;
}
