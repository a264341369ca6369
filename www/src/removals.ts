// The list of evicted and expired items, with reasons.

import { readable } from "./bytes.ts";
import { element, make } from "./dom.ts";
import type { Removal } from "./engine.ts";
import { NONE } from "./snapshot.ts";
import { idOf } from "./selection.ts";
import { bytes, count, duration, seconds, stopwatch } from "./units.ts";

/** The most entries of the list. */
const LISTED_MAX = 100;

interface Entry {
  removal: Removal;
  /** When, in milliseconds since the cache was made. */
  at: number;
}

export class Removals {
  readonly #list = element("#removals-list");
  readonly #frame = element("#removals-frame");
  readonly #empty = element("#removals-empty");
  readonly #count = element("#count-removals");
  #entries: Entry[] = [];
  #isStale = true;

  /** Adds these; `draw` shows them. */
  add(removals: Removal[], at: number): void {
    if (removals.length === 0) return;
    const added = removals.map((removal) => ({ removal, at }));
    this.#entries = [...this.#entries, ...added].slice(-LISTED_MAX);
    this.#isStale = true;
  }

  /** Forgets what came after this moment. */
  cut(age: number): void {
    this.#entries = this.#entries.filter(({ at }) => at <= age);
    this.#isStale = true;
  }

  clear(): void {
    this.#entries = [];
    this.#isStale = true;
  }

  /** The last item that was evicted within this time. */
  lastEvicted(now: number, within: number): Entry | undefined {
    const last = this.#entries.findLast(({ removal }) => !removal.reason.startsWith("expired"));
    return last !== undefined && now - last.at <= within ? last : undefined;
  }

  /** With the engine's counters, which include entries that the list does not have. */
  draw(evicted: number, expired: number, age: number): void {
    const all = evicted + expired;
    const text = all === 0 ? "" : count(all);
    if (this.#count.textContent !== text) this.#count.textContent = text;
    const panel = element("#panel-removals");
    if (panel.hidden || !this.#isStale) return;
    this.#isStale = false;
    this.#empty.hidden = all > 0;
    this.#frame.hidden = all === 0;
    const shown = this.#entries.filter(({ at }) => at <= age).reverse();
    this.#list.replaceChildren(...shown.map(row));
  }

  /** Draws again when the panel is opened, or another moment is shown. */
  refresh(): void {
    this.#isStale = true;
  }
}

function row({ removal, at }: Entry): HTMLElement {
  const isExpired = removal.reason.startsWith("expired");
  const size = bytes(removal.key.length + removal.valueSize);
  const cells = [seconds(removal.idle), size, removal.read ? "read" : "never", stopwatch(at)];
  const [text, why] = [readable(removal.key), explanation(removal)];
  const key = make("code", { textContent: text, title: text });
  const kind = make("b", { textContent: isExpired ? "Expired." : "Evicted." });
  return make(
    "tr",
    { className: isExpired ? "expired" : "evicted", data: { key: idOf(removal.key) } },
    make("td", {}, key),
    make("td", { title: why }, kind, ` ${why}`),
    ...cells.map((text) => make("td", { textContent: text })),
  );
}

/** Why it was removed, in a sentence. */
export function explanation(removal: Removal): string {
  const left = removal.remaining;
  const ttl = left === NONE || left === 0 ? "" : `, with ${duration(left)} to live`;
  switch (removal.reason) {
    case "memory":
      return `Memory was full, and ${removal.why}${ttl}.`;
    case "item limit":
      return `The item limit was reached, and ${removal.why}${ttl}.`;
    case "expired, requested":
      return "A request found it expired.";
    case "expired":
      return "The expiry wheel found it.";
  }
}
