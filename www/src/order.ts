// The eviction order: all items from the most to the least recently used. Only the visible rows
// exist, so the number of items does not matter.

import { readable } from "./bytes.ts";
import { element, make } from "./dom.ts";
import { type Engine, ITEM, NONE, type Snapshot } from "./engine.ts";
import { bytes, count, duration, seconds } from "./units.ts";

/** The height of a row, in pixels; internals.css has the same. */
const ROW = 28;
/** The number of rows above and below the visible ones. */
const SPARE = 4;
const [QUEUED, RECENT, READ, EXPIRED] = [1, 2, 4, 8];
const DAY = 86_400_000;

export class Order {
  readonly #frame = element("#order-frame");
  readonly #body = element<HTMLTableSectionElement>("#order tbody");
  readonly #table = element<HTMLTableElement>("#order");
  readonly #summary = element("#order-summary");
  readonly #open: (position: number) => void;
  #engine: Engine | undefined;
  #snapshot: Snapshot | undefined;
  #marked = new Set<number>();
  /** The number of items between the newest and the oldest listed ones. */
  #between = 0;
  readonly #above = make("tr", { ariaHidden: "true" });
  readonly #below = make("tr", { ariaHidden: "true" });
  readonly #shown: Row[] = [];

  /** `open` is called with the position of the item that is clicked. */
  constructor(open: (position: number) => void) {
    this.#open = open;
    this.#body.append(this.#above, this.#below);
    this.#frame.addEventListener("scroll", () => this.#rows());
  }

  /** Marks these items until the next command. */
  mark(positions: number[]): void {
    this.#marked = new Set(positions);
  }

  draw(engine: Engine, snapshot: Snapshot, items: number): void {
    this.#engine = engine;
    this.#snapshot = snapshot;
    this.#between = items - snapshot.items.length / ITEM;
    const number = `${count(items)} ${items === 1 ? "item" : "items"}, newest first; `;
    this.#summary.replaceChildren(
      ...(items === 0 ? ["No items yet."] : [number, ...this.#last(snapshot), "."]),
    );
    this.#table.ariaRowCount = String(items + 1);
    this.#rows();
  }

  /** A phrase about the last item. */
  #last(snapshot: Snapshot): (Node | string)[] {
    const [position = NONE, , , flags = 0] = snapshot.items.subarray(-ITEM);
    if ((flags & QUEUED) !== 0) return ["the items of the admission queue are last"];
    return [make("code", { textContent: shortened(this.#key(position)) }), " is evicted next"];
  }

  #key(position: number): string {
    return readable(this.#engine?.keyAt(position) ?? new Uint8Array());
  }

  /** Refills the existing rows, so that the target of a click still exists when the click ends. */
  #rows(): void {
    const snapshot = this.#snapshot;
    if (snapshot === undefined) return;
    const all = snapshot.items.length / ITEM + (this.#between > 0 ? 1 : 0);
    const fit = Math.ceil(this.#frame.clientHeight / ROW) + 2 * SPARE;
    const first = Math.max(0, Math.min(Math.floor(this.#frame.scrollTop / ROW) - SPARE, all - fit));
    const last = Math.min(all, first + fit);
    this.#above.style.height = `${first * ROW}px`;
    this.#below.style.height = `${(all - last) * ROW}px`;
    while (this.#shown.length < last - first) this.#shown.push(this.#newRow());
    for (const row of this.#shown.splice(last - first)) row.row.remove();
    this.#shown.forEach((row, at) => this.#fill(row, snapshot, first + at));
  }

  #newRow(): Row {
    const name = make("button", { type: "button", className: "key" });
    const row = make("tr");
    name.addEventListener("click", () => this.#open(Number(row.dataset.position)));
    const [size, idle, flags] = [make("td"), make("td"), make("td", { className: "state" })];
    const [remaining, bar] = [make("span"), make("span", { className: "bar", ariaHidden: "true" })];
    const ttl = make("td", { className: "ttl" }, remaining, bar);
    row.append(make("td", {}, name), size, idle, ttl, flags);
    this.#below.before(row);
    return { row, name, size, idle, remaining, bar, flags };
  }

  /** Fills a row with an item, or with the number of items that are not listed. */
  #fill(row: Row, snapshot: Snapshot, at: number): void {
    const gap = this.#between > 0 ? Math.ceil(snapshot.items.length / ITEM / 2) : NONE;
    row.row.classList.toggle("gap", at === gap);
    row.name.disabled = at === gap;
    row.row.ariaRowIndex = String(at < gap ? at + 2 : at + 1 + this.#between);
    if (at === gap) return this.#fillGap(row);
    const from = (at < gap ? at : at - 1) * ITEM;
    const numbers = snapshot.items.subarray(from, from + ITEM);
    const [position = 0, value = 0, key = 0, flags = 0, idle = 0, remaining = NONE, size = 0] =
      numbers;
    const name = this.#key(position);
    write(row.name, name);
    row.name.title = name;
    write(row.size, bytes(key + value));
    row.size.title = `in ${bytes(size)} of chunks`;
    write(row.idle, seconds(idle));
    write(row.remaining, ttl(remaining));
    row.bar.hidden = remaining === NONE || remaining === 0;
    row.bar.style.setProperty("--remaining", String(Math.min(1, remaining / 60_000)));
    write(row.flags, words(flags));
    row.row.classList.toggle("touched", this.#marked.has(position));
    row.row.classList.toggle("expired", (flags & EXPIRED) !== 0);
    row.row.dataset.position = String(position);
  }

  #fillGap(row: Row): void {
    write(row.name, `… ${count(this.#between)} more …`);
    for (const cell of [row.size, row.idle, row.remaining, row.flags]) write(cell, "");
    row.bar.hidden = true;
    row.row.classList.remove("touched", "expired");
    row.row.dataset.position = String(NONE);
  }
}

/** A key, shortened for a sentence. */
function shortened(key: string): string {
  return key.length > 40 ? `${key.slice(0, 39)}…` : key;
}

interface Row {
  row: HTMLTableRowElement;
  name: HTMLButtonElement;
  size: HTMLElement;
  idle: HTMLElement;
  remaining: HTMLElement;
  bar: HTMLElement;
  flags: HTMLElement;
}

/** Changes the text only if it is different, to avoid a new layout. */
function write(element: HTMLElement, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

/** The remaining time to live. */
function ttl(remaining: number): string {
  if (remaining === NONE) return "–";
  if (remaining === 0) return "expired";
  return remaining > 49 * DAY ? "> 49 d" : duration(remaining);
}

function words(flags: number): string {
  const words = [
    (flags & QUEUED) !== 0 ? "queued" : "",
    (flags & RECENT) !== 0 ? "recent" : "",
    (flags & READ) !== 0 ? "read" : "",
  ];
  return words.filter(Boolean).join(", ");
}
