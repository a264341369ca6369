// Which items went although nobody asked for that, and why.

import { readable } from "./bytes.ts";
import { element, make } from "./dom.ts";
import { NONE, type Removal } from "./engine.ts";
import { bytes, count, duration, seconds } from "./units.ts";

/** How many are listed. */
const LISTED_MAX = 100;

export class Leavers {
  readonly #list = element("#leavers-list");
  readonly #summary = element("#leavers-summary");
  #waiting: Removal[] = [];

  /** Notes these; `draw` shows them. */
  add(removals: Removal[]): void {
    this.#waiting = [...this.#waiting, ...removals].slice(-LISTED_MAX);
  }

  clear(): void {
    this.#waiting = [];
    this.#list.replaceChildren();
  }

  /** With the counters of the engine, which misses none. */
  draw(evicted: number, expired: number): void {
    this.#summary.textContent =
      evicted + expired === 0
        ? "Nothing has been evicted or has expired."
        : `${count(evicted)} evicted, ${count(expired)} expired.`;
    if (this.#waiting.length === 0) return;
    this.#list.prepend(...this.#waiting.reverse().map(entry));
    this.#waiting = [];
    while (this.#list.childElementCount > LISTED_MAX) this.#list.lastElementChild?.remove();
  }
}

function entry(removal: Removal): HTMLElement {
  const isExpired = removal.cause.startsWith("expired");
  return make(
    "li",
    { className: isExpired ? "expired" : "evicted" },
    make("code", { textContent: readable(removal.key) }),
    make("span", { className: "tag", textContent: isExpired ? "expired" : "evicted" }),
    make("span", { className: "why", textContent: reason(removal) }),
  );
}

/** Why it went, in a sentence. */
export function reason(removal: Removal): string {
  const size = bytes(removal.key.length + removal.valueSize);
  const read = removal.read ? "" : ", never read";
  const unused = `unused for ${seconds(removal.unused)}${read}`;
  const left = removal.left === NONE ? "" : `; it had ${duration(removal.left)} left`;
  const place = removal.queued ? "first of the queue" : "least recently used";
  switch (removal.cause) {
    case "memory":
      return `Memory was needed, and it was the ${place}: ${unused}. ${size}${left}.`;
    case "items":
      return `No more items are allowed, and it was the ${place}: ${unused}${left}.`;
    case "expired, asked for":
      return `Somebody asked for it after its time. ${size}${read}.`;
    case "expired":
      return `Its time was over; its page came up in the wheel. ${size}${read}.`;
  }
}
