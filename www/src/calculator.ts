// How much memory: this many items of some size, laid out by the engine. The address `#calculator`.

import { element, make, prose, write } from "./dom.ts";
import { calculator, defaults, type Sizing } from "./engine.ts";
import { bytes, count, sentence } from "./units.ts";

const MEBI = 1 << 20;
/** What a server needs beside the cache: see docs/sizing.md. */
const [PROCESS, CONNECTION, CONNECTIONS] = [16 * MEBI, 2048, 1000];
/** Chunks that are drawn; the others are whole pages, as the last of these. */
const DRAWN_MAX = 4;
/** The memory that the five default sizes of chunks are for. */
const DEFAULT = 64 * MEBI;

export class Calculator {
  readonly #section = element("#calculator");
  readonly #form = element<HTMLFormElement>("#calculator-form");
  readonly #out = element("#calculator-out");
  readonly #error = element("#calculator-error");
  readonly #closed: () => void;

  /** `closed` is called when the visitor has closed it. */
  constructor(closed: () => void) {
    this.#closed = closed;
    this.#form.addEventListener("submit", (event) => event.preventDefault());
    this.#form.addEventListener("input", () => void this.#calculate());
    element("#calculator-close").addEventListener("click", () => this.close());
  }

  get isOpen(): boolean {
    return !this.#section.hidden;
  }

  open(): void {
    document.body.dataset.panel = "calculator";
    this.#section.hidden = false;
    void this.#calculate();
    element("#talk").scrollTop = 0;
    element("#calculator h2").focus({ preventScroll: true });
  }

  close(): void {
    if (!this.isOpen) return;
    this.#section.hidden = true;
    delete document.body.dataset.panel;
    this.#closed();
  }

  #number(name: string): number {
    return Number(element<HTMLInputElement>(`#calculator-${name}`).value);
  }

  async #calculate(): Promise<void> {
    const byRate = element<HTMLInputElement>("#calculator-by-rate").checked;
    element("#calculator-of-items").hidden = byRate;
    element("#calculator-of-rate").hidden = !byRate;
    try {
      const sizing = await calculator();
      const items = byRate ? this.#number("rate") * this.#number("ttl") : this.#number("items");
      const [key, value] = [this.#number("key"), this.#number("value")];
      const isFine = element<HTMLSelectElement>("#calculator-sizes").value === "server";
      const sizes = isFine ? [] : defaults(DEFAULT).slabSizes;
      const found = sizing(Math.ceil(items), key, value, sizes);
      this.#show(Math.ceil(items), key + value, found);
      write(this.#error, "");
    } catch (error) {
      this.#out.replaceChildren();
      write(this.#error, sentence(error));
    }
  }

  #show(items: number, payload: number, { memory, each, chunks }: Sizing): void {
    const mebibytes = Math.ceil(memory / MEBI);
    const container = mebibytes * MEBI + PROCESS + CONNECTIONS * CONNECTION;
    const overhead = memory / items - payload;
    const fact = (name: string, ...value: (Node | string)[]) =>
      make("div", {}, make("dt", { textContent: name }), make("dd", {}, ...value));
    const number = chunks.length === 1 ? "one chunk" : `${count(chunks.length)} chunks`;
    this.#out.replaceChildren(
      make("p", { id: "calculator-memory" }, make("b", { textContent: bytes(memory) })),
      make(
        "dl",
        {},
        fact("Items at a time", count(items)),
        fact("Server", make("code", { textContent: `dynamidb -m ${mebibytes}` })),
        fact(`Container, ${count(CONNECTIONS)} clients`, bytes(container)),
        fact("An item", `${count(payload)} B, and ${count(Math.round(overhead))} B overhead`),
        fact("In", `${number}, ${count(Math.round(each))} B`),
      ),
      ...chunks.slice(0, DRAWN_MAX).map(bar),
      make(
        "p",
        { className: "parts" },
        ...["overhead", "key", "value", "waste"].flatMap((part) => [
          make("i", { className: part }),
          part,
        ]),
      ),
      make(
        "p",
        { className: "quiet" },
        ...prose(
          "The engine has laid out one such item just now. Index, page records and tables are in " +
            "the figure. A TTL costs nothing: it has its place in the header of each item.",
        ),
      ),
    );
  }
}

/** A chunk to scale: overhead, key, value, and what is not used of it. */
function bar([size, overhead, key, value]: readonly [number, number, number, number]): HTMLElement {
  const parts = { overhead, key, value, waste: size - overhead - key - value };
  const line = make("div", {
    className: "chunk-bar",
    role: "img",
    ariaLabel: `A chunk of ${size} bytes: ${Object.entries(parts)
      .map(([name, part]) => `${part} ${name}`)
      .join(", ")}`,
  });
  for (const [name, part] of Object.entries(parts)) {
    if (part === 0) continue;
    const piece = make("i", { className: name });
    piece.style.flexGrow = String(part);
    line.append(piece);
  }
  return line;
}
