// The newest requests of the load, as they scroll by.

import { readable } from "./bytes.ts";
import { element, make } from "./dom.ts";
import type { Request } from "./engine.ts";
import { bytes } from "./units.ts";

/** The lines that are shown. */
const LINES = 7;
/** Real milliseconds between two changes: slow enough to read. */
const INTERVAL = 250;

export class Feed {
  readonly #list = element("#feed");
  #pending: Request[] = [];
  #drawn = 0;

  add(requests: Request[]): void {
    if (requests.length > 0) this.#pending = [...this.#pending, ...requests].slice(-LINES);
  }

  draw(now: number): void {
    if (this.#pending.length === 0 || now - this.#drawn < INTERVAL) return;
    this.#drawn = now;
    // Two at a time, so that eyes can follow.
    const lines = this.#pending.splice(0, 2).map(line).reverse();
    this.#pending = [];
    this.#list.prepend(...lines);
    while (this.#list.childElementCount > LINES) this.#list.lastElementChild?.remove();
  }

  clear(): void {
    this.#pending = [];
    this.#list.replaceChildren();
  }
}

function line({ outcome, key, size, evicted }: Request): HTMLElement {
  const verb = outcome === "stored" ? "set" : "get";
  const text = {
    hit: "hit",
    filled: "miss, stored",
    stored: "stored",
    rejected: "rejected",
  }[outcome];
  const isStored = outcome === "filled" || outcome === "stored";
  const textContent = isStored ? ` ${bytes(size)}` : "";
  const stored = make("span", { className: "size", textContent });
  const gone =
    evicted.length > 0 ? [", ", make("em", { textContent: `${readable(evicted)} evicted` })] : [];
  return make(
    "li",
    {},
    make("span", { textContent: `${verb} ${readable(key)}` }),
    make("span", {}, text, stored, ...gone),
  );
}
