// The eviction order: a list from the front, and one from the end. Only the visible rows exist, so
// the number of items does not matter.

import { readable } from "./bytes.ts";
import { element, make, write } from "./dom.ts";
import { type Inside, ITEM, NONE, type Snapshot } from "./snapshot.ts";
import { strength } from "./map/colours.ts";
import { idOf, keyOf, type Selection } from "./selection.ts";
import { bytes, count, duration, seconds } from "./units.ts";

/** The number of rows above and below the visible ones. */
const SPARE = 4;
const [QUEUED, RECENT, READ, EXPIRED] = [1, 2, 4, 8];
const DAY = 86_400_000;

/** One list of items. */
class List {
  readonly #frame: HTMLElement;
  readonly #table: HTMLTableElement;
  readonly #body: HTMLTableSectionElement;
  readonly #isReversed: boolean;
  readonly #selection: Selection;
  readonly #engine: () => Inside;
  #snapshot: Snapshot | undefined;
  /** The number of items between the newest and the oldest listed ones. */
  #between = 0;
  readonly #above = make("tr", { ariaHidden: "true" }, make("td"));
  readonly #below = make("tr", { ariaHidden: "true" }, make("td"));
  readonly #shown: Row[] = [];

  /** `isReversed`: the least recently used item comes first. */
  constructor(name: string, isReversed: boolean, engine: () => Inside, selection: Selection) {
    this.#engine = engine;
    this.#frame = element(`#${name}-frame`);
    this.#table = element<HTMLTableElement>(`#${name}`);
    this.#body = element<HTMLTableSectionElement>(`#${name} tbody`);
    this.#isReversed = isReversed;
    this.#selection = selection;
    this.#body.append(this.#above, this.#below);
    this.#frame.addEventListener("scroll", () => this.#rows());
  }

  draw(snapshot: Snapshot, items: number): void {
    this.#snapshot = snapshot;
    this.#between = items - snapshot.items.length / ITEM;
    this.#table.ariaRowCount = String(items + 1);
    this.#rows();
  }

  /** Scrolls to a place in the list. */
  show(place: number): void {
    const room = this.#frame.clientHeight - 27;
    this.#frame.scrollTop =
      place * this.#height - Math.floor(room / this.#height / 2) * this.#height;
  }

  /** The places that can be seen. */
  get visible(): { from: number; to: number } {
    const from = Math.floor(this.#frame.scrollTop / this.#height);
    return {
      from,
      to: from + Math.max(1, Math.floor((this.#frame.clientHeight - 27) / this.#height)),
    };
  }

  get #height(): number {
    return matchMedia("(max-width: 759.9px)").matches ? 42 : 24;
  }

  /** Refills the existing rows, so that the target of a click still exists when the click ends. */
  #rows(): void {
    const snapshot = this.#snapshot;
    if (snapshot === undefined || this.#frame.clientHeight === 0) return;
    const height = this.#height;
    const all = snapshot.items.length / ITEM + (this.#between > 0 ? 1 : 0);
    const fit = Math.ceil(this.#frame.clientHeight / height) + 2 * SPARE;
    const top = Math.floor(this.#frame.scrollTop / height) - SPARE;
    const first = Math.max(0, Math.min(top, all - fit));
    const last = Math.min(all, first + fit);
    this.#above.style.height = `${first * height}px`;
    this.#below.style.height = `${(all - last) * height}px`;
    while (this.#shown.length < last - first) this.#shown.push(this.#newRow());
    for (const row of this.#shown.splice(last - first)) row.row.remove();
    this.#shown.forEach((row, at) => this.#fill(row, snapshot, first + at));
  }

  #newRow(): Row {
    const [swatch, text] = [make("i"), make("span")];
    const name = make("button", { type: "button", className: "key" }, swatch, text);
    const row = make("tr");
    const [size, idle, flags] = [make("td"), make("td"), make("td", { className: "state" })];
    const [ttl, bar] = [
      make("td", { className: "ttl" }),
      make("span", { className: "bar", ariaHidden: "true" }),
    ];
    row.append(make("td", {}, name), size, idle, ttl, make("td", {}, bar), flags);
    this.#below.before(row);
    return { row, name, swatch, text, size, idle, ttl, bar, flags };
  }

  /** Fills a row with an item, or with the number of items that are not listed. */
  #fill(row: Row, snapshot: Snapshot, place: number): void {
    const listed = snapshot.items.length / ITEM;
    const half = Math.ceil(listed / 2);
    const gap = this.#between > 0 ? (this.#isReversed ? listed - half : half) : NONE;
    row.row.classList.toggle("gap", place === gap);
    row.name.disabled = place === gap;
    row.row.ariaRowIndex = String(place < gap ? place + 2 : place + 1 + this.#between);
    if (place === gap) return this.#fillGap(row);
    const inList = place < gap ? place : place - 1;
    const item = this.#isReversed ? listed - 1 - inList : inList;
    const numbers = snapshot.items.subarray(item * ITEM, item * ITEM + ITEM);
    const [position = 0, value = 0, key = 0, flags = 0, idle = 0, remaining = NONE, size = 0] =
      numbers;
    const bytesOfKey = this.#engine().keyAt(position);
    const [name, id] = [readable(bytesOfKey), idOf(bytesOfKey)];
    write(row.text, name);
    row.name.title = name;
    const step = Math.round(strength(item / Math.max(1, listed - 1)) * 6);
    row.swatch.style.background = `var(--s${step})`;
    write(row.size, bytes(key + value));
    row.size.title = `in ${bytes(size)} of chunks`;
    write(row.idle, seconds(idle));
    write(row.ttl, ttl(remaining));
    row.bar.hidden = remaining === NONE || remaining === 0;
    row.bar.style.setProperty("--remaining", String(Math.min(1, remaining / 60_000)));
    write(row.flags, words(flags, this.#engine().words.isNew));
    row.row.dataset.key = id;
    row.row.classList.toggle("linked", id === this.#selection.current);
    row.row.classList.toggle("expired", (flags & EXPIRED) !== 0);
    row.row.dataset.position = String(position);
  }

  #fillGap(row: Row): void {
    write(row.text, `… ${count(this.#between)} more …`);
    for (const cell of [row.size, row.idle, row.ttl, row.flags]) write(cell, "");
    row.bar.hidden = true;
    row.swatch.style.background = "";
    row.row.classList.remove("linked", "expired");
    delete row.row.dataset.key;
    row.row.dataset.position = String(NONE);
  }
}

/** Both lists. */
export class Order {
  readonly #first: List;
  readonly #last: List;
  readonly #selection: Selection;
  #isSelected = false;
  /** Whether the list moves with the chosen item: until the visitor scrolls. */
  #isFollowing = false;
  readonly #engine: () => Inside;
  #snapshot: Snapshot | undefined;

  constructor(engine: () => Inside, selection: Selection) {
    this.#engine = engine;
    this.#selection = selection;
    this.#first = new List("order", false, engine, selection);
    this.#last = new List("last", true, engine, selection);
    selection.onChange(() => this.#follow());
    for (const event of ["wheel", "touchmove", "keydown"]) {
      element("#order-frame").addEventListener(
        event,
        () => {
          this.#isFollowing = false;
        },
        { passive: true },
      );
    }
  }

  draw(snapshot: Snapshot, items: number): void {
    this.#snapshot = snapshot;
    if (this.#isFollowing) this.#scroll();
    this.#first.draw(snapshot, items);
    element("#last-frame").hidden = this.#isSelected;
    if (!this.#isSelected) this.#last.draw(snapshot, items);
    const { from, to } = this.#first.visible;
    const title = element("#order-title");
    const range = `${count(from + 1)} to ${count(Math.min(items, to))}`;
    if (from > 0 && items > 0)
      title.replaceChildren(range, make("small", { textContent: ` of ${count(items)}` }));
    else write(title, this.#engine().words.first);
    const [, , , flags = 0] = snapshot.items.subarray(-ITEM);
    const isQueued = snapshot.items.length > 0 && (flags & QUEUED) !== 0;
    const { queue, last } = this.#engine().words;
    write(element("#last-title"), isQueued ? queue : last);
    write(element("#count-order"), count(items));
  }

  /** Shows the chosen item in the list. */
  #follow(): void {
    this.#isSelected = this.#selection.chosen !== undefined;
    if (this.#isFollowing && !this.#isSelected) this.#first.show(0);
    this.#isFollowing = this.#isSelected;
    element("#last-frame").hidden = this.#isSelected;
  }

  #scroll(): void {
    const id = this.#selection.chosen;
    const position = id === undefined ? undefined : this.#engine().locate(keyOf(id));
    if (position === undefined || this.#snapshot === undefined) return;
    const { items } = this.#snapshot;
    for (let at = 0; at < items.length; at += ITEM) {
      if (items[at] !== position) continue;
      const place = at / ITEM;
      const { from, to } = this.#first.visible;
      if (place < from || place >= to - 1) this.#first.show(place);
      return;
    }
  }
}

interface Row {
  row: HTMLTableRowElement;
  name: HTMLButtonElement;
  swatch: HTMLElement;
  text: HTMLElement;
  size: HTMLElement;
  idle: HTMLElement;
  ttl: HTMLElement;
  bar: HTMLElement;
  flags: HTMLElement;
}

/** The remaining time to live. */
export function ttl(remaining: number): string {
  if (remaining === NONE) return "never";
  if (remaining === 0) return "expired";
  return remaining > 49 * DAY ? "> 49 d" : duration(remaining);
}

function words(flags: number, isNew: string): string {
  const words = [
    (flags & QUEUED) !== 0 ? isNew : "",
    (flags & RECENT) !== 0 ? "recent" : "",
    (flags & READ) !== 0 ? "read" : "",
  ];
  return words.filter(Boolean).join(", ");
}
