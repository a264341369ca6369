// The order of eviction: every item from the most to the least recently used. Only the rows that
// can be seen exist, so that it does not matter how many items there are.

import { readable } from "./bytes.ts";
import { element, make } from "./dom.ts";
import { type Engine, ITEM, type Look, NONE } from "./engine.ts";
import { bytes, count, duration, seconds } from "./units.ts";

/** The height of a row, in pixels; the style sheet has the same. */
const ROW = 28;
/** Rows beyond those that can be seen. */
const SPARE = 4;
const [QUEUED, YOUNG, READ, EXPIRED] = [1, 2, 4, 8];
const DAY = 86_400_000;

export class Order {
  readonly #frame = element("#order-frame");
  readonly #body = element<HTMLTableSectionElement>("#order tbody");
  readonly #table = element<HTMLTableElement>("#order");
  readonly #summary = element("#order-summary");
  readonly #open: (position: number) => void;
  #engine: Engine | undefined;
  #look: Look | undefined;
  #marked = new Set<number>();
  /** How many items there are between the newest and the oldest that are listed. */
  #between = 0;
  readonly #above = make("tr", { ariaHidden: "true" });
  readonly #below = make("tr", { ariaHidden: "true" });
  readonly #shown: Row[] = [];

  /** `open` is called with the position of an item that is chosen. */
  constructor(open: (position: number) => void) {
    this.#open = open;
    this.#body.append(this.#above, this.#below);
    this.#frame.addEventListener("scroll", () => this.#rows());
  }

  /** Marks these items until the next command. */
  mark(positions: number[]): void {
    this.#marked = new Set(positions);
  }

  draw(engine: Engine, look: Look, items: number): void {
    this.#engine = engine;
    this.#look = look;
    this.#between = items - look.items.length / ITEM;
    const number = `${count(items)} ${items === 1 ? "item" : "items"}, newest first; `;
    this.#summary.replaceChildren(
      ...(items === 0 ? ["Nothing is kept yet."] : [number, ...this.#last(look), "."]),
    );
    this.#table.ariaRowCount = String(items + 1);
    this.#rows();
  }

  /** What is to be said of the last item. */
  #last(look: Look): (Node | string)[] {
    const [position = NONE, , , marks = 0] = look.items.subarray(-ITEM);
    if ((marks & QUEUED) !== 0) return ["newcomers wait at the end, in the queue"];
    return [make("code", { textContent: cut(this.#key(position)) }), " goes next"];
  }

  #key(position: number): string {
    return readable(this.#engine?.keyAt(position) ?? new Uint8Array());
  }

  /** Rows are kept and filled anew, so that what is clicked is there when the click ends. */
  #rows(): void {
    const look = this.#look;
    if (look === undefined) return;
    const all = look.items.length / ITEM + (this.#between > 0 ? 1 : 0);
    const fit = Math.ceil(this.#frame.clientHeight / ROW) + 2 * SPARE;
    const first = Math.max(0, Math.min(Math.floor(this.#frame.scrollTop / ROW) - SPARE, all - fit));
    const last = Math.min(all, first + fit);
    this.#above.style.height = `${first * ROW}px`;
    this.#below.style.height = `${(all - last) * ROW}px`;
    while (this.#shown.length < last - first) this.#shown.push(this.#newRow());
    for (const row of this.#shown.splice(last - first)) row.row.remove();
    this.#shown.forEach((row, at) => this.#fill(row, look, first + at));
  }

  #newRow(): Row {
    const name = make("button", { type: "button", className: "key" });
    const row = make("tr");
    name.addEventListener("click", () => this.#open(Number(row.dataset.position)));
    const [size, age, marks] = [make("td"), make("td"), make("td", { className: "marks" })];
    const [left, bar] = [make("span"), make("span", { className: "bar", ariaHidden: "true" })];
    const ttl = make("td", { className: "ttl" }, left, bar);
    row.append(make("td", {}, name), size, age, ttl, marks);
    this.#below.before(row);
    return { row, name, size, age, left, bar, marks };
  }

  /** Fills a row with an item; where items are missing, a row says how many. */
  #fill(row: Row, look: Look, at: number): void {
    const gap = this.#between > 0 ? Math.ceil(look.items.length / ITEM / 2) : NONE;
    row.row.classList.toggle("gap", at === gap);
    row.name.disabled = at === gap;
    row.row.ariaRowIndex = String(at < gap ? at + 2 : at + 1 + this.#between);
    if (at === gap) return this.#fillGap(row);
    const from = (at < gap ? at : at - 1) * ITEM;
    const numbers = look.items.subarray(from, from + ITEM);
    const [position = 0, value = 0, key = 0, marks = 0, age = 0, left = NONE, size = 0] = numbers;
    const name = this.#key(position);
    write(row.name, name);
    row.name.title = name;
    write(row.size, bytes(key + value));
    row.size.title = `in ${bytes(size)} of chunks`;
    write(row.age, seconds(age));
    write(row.left, ttl(left));
    row.bar.hidden = left === NONE || left === 0;
    row.bar.style.setProperty("--left", String(Math.min(1, left / 60_000)));
    write(row.marks, words(marks));
    row.row.classList.toggle("touched", this.#marked.has(position));
    row.row.classList.toggle("expired", (marks & EXPIRED) !== 0);
    row.row.dataset.position = String(position);
  }

  #fillGap(row: Row): void {
    write(row.name, `… ${count(this.#between)} more …`);
    for (const cell of [row.size, row.age, row.left, row.marks]) write(cell, "");
    row.bar.hidden = true;
    row.row.classList.remove("touched", "expired");
    row.row.dataset.position = String(NONE);
  }
}

/** A key in a sentence. */
function cut(key: string): string {
  return key.length > 40 ? `${key.slice(0, 39)}…` : key;
}

interface Row {
  row: HTMLTableRowElement;
  name: HTMLButtonElement;
  size: HTMLElement;
  age: HTMLElement;
  left: HTMLElement;
  bar: HTMLElement;
  marks: HTMLElement;
}

/** Changes only what is different: the rest need not be laid out again. */
function write(element: HTMLElement, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

/** What is left of an item's time. */
function ttl(left: number): string {
  if (left === NONE) return "–";
  if (left === 0) return "over";
  return left > 49 * DAY ? "over 49 d" : duration(left);
}

function words(marks: number): string {
  const words = [
    (marks & QUEUED) !== 0 ? "queued" : "",
    (marks & YOUNG) !== 0 ? "young" : "",
    (marks & READ) !== 0 ? "read" : "",
  ];
  return words.filter(Boolean).join(", ");
}
