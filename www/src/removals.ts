// The list of evicted and expired items, with reasons.

import { readable } from "./bytes.ts";
import { element, make } from "./dom.ts";
import { NONE, type Removal } from "./engine.ts";
import { bytes, count, duration, seconds } from "./units.ts";

/** The most entries of the list. */
const LISTED_MAX = 100;

export class Removals {
  readonly #list = element("#removals-list");
  readonly #summary = element("#removals-summary");
  #pending: Removal[] = [];

  /** Adds these; `draw` shows them. */
  add(removals: Removal[]): void {
    this.#pending = [...this.#pending, ...removals].slice(-LISTED_MAX);
  }

  clear(): void {
    this.#pending = [];
    this.#list.replaceChildren();
  }

  /** With the engine's counters, which include entries that the list does not have. */
  draw(evicted: number, expired: number): void {
    this.#summary.textContent =
      evicted + expired === 0
        ? "No item was evicted, and none has expired."
        : `${count(evicted)} evicted, ${count(expired)} expired.`;
    if (this.#pending.length === 0) return;
    this.#list.prepend(...this.#pending.reverse().map(entry));
    this.#pending = [];
    while (this.#list.childElementCount > LISTED_MAX) this.#list.lastElementChild?.remove();
  }
}

function entry(removal: Removal): HTMLElement {
  const isExpired = removal.reason.startsWith("expired");
  return make(
    "li",
    { className: isExpired ? "expired" : "evicted" },
    make("code", { textContent: readable(removal.key) }),
    make("span", { className: "tag", textContent: isExpired ? "expired" : "evicted" }),
    make("span", { className: "why", textContent: explanation(removal) }),
  );
}

/** Why it was removed, in a sentence. */
export function explanation(removal: Removal): string {
  const size = bytes(removal.key.length + removal.valueSize);
  const read = removal.read ? "" : ", never read";
  const idle = `idle for ${seconds(removal.idle)}${read}`;
  const ttl =
    removal.remaining === NONE ? "" : `; its TTL had ${duration(removal.remaining)} left`;
  const order = removal.queued ? "oldest in the admission queue" : "least recently used";
  switch (removal.reason) {
    case "memory":
      return `Memory was full, and it was the ${order}: ${idle}. ${size}${ttl}.`;
    case "item limit":
      return `The item limit was reached, and it was the ${order}: ${idle}${ttl}.`;
    case "expired, requested":
      return `A request found it expired. ${size}${read}.`;
    case "expired":
      return `The timing wheel found it expired. ${size}${read}.`;
  }
}
