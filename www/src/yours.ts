// The visitor's own items: when they expire, and how many go before them.

import { readable } from "./bytes.ts";
import { element, make, write } from "./dom.ts";
import type { Engine } from "./engine.ts";
import { ITEM, type Snapshot } from "./snapshot.ts";
import { strength } from "./map/colours.ts";
import { idOf, keyOf } from "./selection.ts";
import { count, duration } from "./units.ts";

/** The most items that are listed. */
const LISTED_MAX = 8;

export class Yours {
  readonly #list = element("#yours-list");
  readonly #section = element("#yours");
  readonly #hint = element("#yours-text");
  /** The newest last. */
  #ids: string[] = [];
  #rows = new Map<string, Row>();

  /** Lists the items of these keys. */
  add(keys: Uint8Array[]): void {
    for (const key of keys) {
      const id = idOf(key);
      if (this.#ids.includes(id)) continue;
      this.#ids = [...this.#ids, id].slice(-LISTED_MAX);
    }
  }

  clear(): void {
    this.#ids = [];
  }

  get ids(): string[] {
    return this.#ids;
  }

  /** Draws the list; in a lesson it is hidden. */
  draw(engine: Engine, snapshot: Snapshot, isShown: boolean, current: string | undefined): void {
    this.#section.hidden = !isShown || this.#ids.length === 0;
    if (this.#section.hidden) return;
    write(this.#hint, engine.words.hint);
    const all = snapshot.items.length / ITEM;
    const places = new Map<number, number>();
    for (let item = 0; item < all; item++) places.set(snapshot.items[item * ITEM] ?? 0, item);
    const rows = this.#ids.map((id) => {
      const row = this.#rows.get(id) ?? newRow(id);
      this.#rows.set(id, row);
      const position = engine.locate(keyOf(id));
      const place = position === undefined ? undefined : places.get(position);
      fill(row, engine, position, place, all);
      row.row.classList.toggle("linked", id === current);
      return row.row;
    });
    const isSame =
      rows.length === this.#list.childElementCount &&
      rows.every((row, at) => row === this.#list.children[at]);
    if (!isSame) this.#list.replaceChildren(...rows);
  }
}

interface Row {
  row: HTMLElement;
  swatch: HTMLElement;
  expires: HTMLElement;
  place: HTMLElement;
  first: HTMLElement;
}

function newRow(id: string): Row {
  const [swatch, expires] = [make("i"), make("span")];
  const [place, first] = [make("span", { className: "place", ariaHidden: "true" }), make("span")];
  const name = make("span", { textContent: readable(keyOf(id)) });
  const button = make("button", { type: "button" }, swatch, name);
  return {
    row: make("li", { data: { key: id } }, button, expires, place, first),
    swatch,
    expires,
    place,
    first,
  };
}

function fill(
  row: Row,
  engine: Engine,
  position: number | undefined,
  place: number | undefined,
  all: number,
): void {
  const item = position === undefined ? undefined : engine.inspect(position);
  row.row.classList.toggle("gone", item === undefined);
  row.place.style.visibility = item === undefined ? "hidden" : "";
  if (item === undefined) {
    write(row.expires, "not in the cache");
    write(row.first, "");
    row.swatch.style.background = "transparent";
    return;
  }
  const left = item.expiresAt === undefined ? undefined : item.expiresAt - engine.now;
  const expires =
    left === undefined ? "never expires" : `expires in ${duration(Math.max(0, left))}`;
  write(row.expires, left !== undefined && left <= 0 ? "has expired" : expires);
  const share = place === undefined ? 0.5 : place / Math.max(1, all - 1);
  row.place.style.setProperty("--place", String(share));
  row.swatch.style.background = `var(--s${Math.round(strength(share) * 6)})`;
  const before = place === undefined ? undefined : all - 1 - place;
  write(
    row.first,
    before === undefined ? "" : before === 0 ? "next to go" : `${count(before)} go first`,
  );
}
