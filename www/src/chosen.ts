// The chosen item: its chunks, its waste, when it expires, its slot in the expiry wheel.

import { readable } from "./bytes.ts";
import { element, make } from "./dom.ts";
import type { Engine } from "./engine.ts";
import type { Snapshot } from "./snapshot.ts";
import { PAGE } from "./snapshot.ts";
import type { Selection } from "./selection.ts";
import { keyOf } from "./selection.ts";
import { count, duration } from "./units.ts";
import { drawWheel } from "./wheel.ts";

export class Chosen {
  readonly #element = element("#chosen");
  readonly #canvas = element<HTMLCanvasElement>("#chosen canvas");
  readonly #facts = element("#chosen-facts");
  readonly #selection: Selection;
  /** The last message about a key, as text. */
  lastMessage: (id: string) => string | undefined = () => undefined;
  #text = "";

  /** `open` is called with the position of the item whose bytes are wanted. */
  constructor(selection: Selection, engine: () => Engine, open: (position: number) => void) {
    this.#selection = selection;
    element("#chosen-open").addEventListener("click", () => {
      const id = selection.chosen;
      const position = id === undefined ? undefined : engine().locate(keyOf(id));
      if (position !== undefined) open(position);
    });
  }

  /** Draws it, and returns the pages of the highlighted item. */
  draw(engine: Engine, snapshot: Snapshot, wheel: Uint32Array): number[] {
    const id = this.#selection.chosen;
    this.#element.hidden = id === undefined;
    const pages = this.#pagesOf(engine, this.#selection.current);
    if (id === undefined) return pages;
    if (element("#panel-order").hidden) return pages;
    if (this.#canvas.clientWidth > 0) drawWheel(this.#canvas, 124, wheel, pages);
    const facts = this.#factsOf(engine, snapshot, id);
    const text = facts.flat().join("\n");
    if (text === this.#text) return pages;
    this.#text = text;
    element("#chosen-key").textContent = readable(keyOf(id));
    this.#facts.replaceChildren(
      ...facts.map(([name, value]) =>
        make("div", {}, make("dt", { textContent: name }), make("dd", { textContent: value })),
      ),
    );
    return pages;
  }

  #pagesOf(engine: Engine, id: string | undefined): number[] {
    const position = id === undefined ? undefined : engine.locate(keyOf(id));
    const item = position === undefined ? undefined : engine.inspect(position);
    // The page of its first chunk has its deadline.
    return item?.chunks.slice(0, 1).map(({ page }) => page) ?? [];
  }

  #factsOf(engine: Engine, snapshot: Snapshot, id: string): [string, string][] {
    const position = engine.locate(keyOf(id));
    const item = position === undefined ? undefined : engine.inspect(position);
    element("#chosen-open").hidden = item === undefined;
    const message = this.lastMessage(id);
    const wire: [string, string][] = message === undefined ? [] : [["Wire", message]];
    if (item === undefined) return [["Chunks", "none: it is not in the cache"], ...wire];
    const all = item.chunks.reduce((sum, { bytes }) => sum + bytes.length, 0);
    const used = item.chunks.reduce(
      (sum, { overhead, key, value }) => sum + overhead + key + value,
      0,
    );
    const places = item.chunks.map(({ page, number }) => `page ${page}, no. ${number}`);
    const more = places.length > 2 ? ` and ${places.length - 2} more` : "";
    const left = item.expiresAt === undefined ? undefined : item.expiresAt - engine.now;
    const page = item.chunks[0]?.page ?? 0;
    const due = snapshot.pages[page * PAGE + 5] ?? 0;
    return [
      ["Chunks", places.slice(0, 2).join(" · ") + more],
      ["Waste", `${count(all - used)} of ${count(all)} B`],
      ["Expires in", left === undefined ? "never" : left <= 0 ? "expired" : duration(left)],
      ["Wheel", left === undefined ? "not in it" : `page ${page} is due in ${duration(due)}`],
      ...wire,
    ];
  }
}
