// The memory map: every page, by slab size, and every chunk in it.

import { colour, element, make, surface } from "./dom.ts";
import { decodeChunk, ITEM, PAGE, type Snapshot, type Stats } from "./engine.ts";
import { bytes, count, percent } from "./units.ts";

/** The maximum height of the map, in pixels. */
const HEIGHT_MAX = 300;
/** The sizes in which pages can be drawn, the largest first. */
const SHAPES: readonly Shape[] = [
  { width: 128, height: 32, gap: 4 },
  { width: 96, height: 24, gap: 4 },
  { width: 64, height: 16, gap: 4 },
  { width: 48, height: 12, gap: 4 },
  { width: 32, height: 8, gap: 3 },
  { width: 24, height: 6, gap: 3 },
  { width: 16, height: 4, gap: 2 },
  { width: 8, height: 4, gap: 2 },
  { width: 4, height: 4, gap: 1 },
  { width: 2, height: 2, gap: 1 },
];
/** How long a used item is marked, in milliseconds. */
const MARKED = 1500;
const [UNUSED, RECORDS, ITEMS] = [0, 1, 4];
/** The most unused pages that are drawn. */
const UNUSED_MAX = 1500;

interface Shape {
  width: number;
  height: number;
  gap: number;
}

/** The pages of one slab size, of the index, or unused ones. */
interface Group {
  kind: "items" | "index" | "unused";
  size: number;
  pages: number[];
}

interface Figures {
  used: number;
  free: number;
  expired: number;
  wasted: number;
}

/** A drawn group, for finding the chunk under a click. */
interface Drawn {
  canvas: HTMLCanvasElement;
  group: Group;
  shape: Shape;
  columns: number;
}

export class MemoryMap {
  readonly #container = element("#memory-map");
  readonly #summary = element("#memory-summary");
  readonly #open: (position: number) => void;
  #rows = new Map<string, { row: HTMLElement; text: HTMLElement; canvas: HTMLCanvasElement }>();
  #drawn: Drawn[] = [];
  #snapshot: Snapshot | undefined;
  #marked = new Map<number, number>();
  /** The position of the item that is open in the dialog. */
  chosen: number | undefined;

  /** `open` is called with the position of an item that is clicked. */
  constructor(open: (position: number) => void) {
    this.#open = open;
  }

  /** Marks these items for a while. */
  mark(positions: number[], now: number): void {
    for (const position of positions) this.#marked.set(position, now + MARKED);
  }

  /** Whether a mark is fading, and has to be drawn again. */
  get isFading(): boolean {
    return this.#marked.size > 0;
  }

  draw(snapshot: Snapshot, stats: Stats, now: number): void {
    this.#snapshot = snapshot;
    for (const [position, until] of this.#marked) {
      if (until <= now) this.#marked.delete(position);
    }
    const groups = grouped(snapshot.pages, stats.pages);
    const rows = groups.map((group) => this.#row(group, snapshot, stats));
    const keep = new Set(rows);
    for (const child of [...this.#container.children]) {
      if (!keep.has(child as HTMLElement)) child.remove();
    }
    rows.forEach((row, at) => {
      if (this.#container.children[at] !== row)
        this.#container.insertBefore(row, this.#container.children[at] ?? null);
    });
    this.#drawPages(groups, snapshot, stats, now);
    this.#summary.textContent =
      `${count(stats.pages)} pages of ${bytes(stats.pageSize)} each, ` +
      "each with chunks of one slab size at a time.";
  }

  /** The row of a group, with its title and figures; made once. */
  #row(group: Group, snapshot: Snapshot, stats: Stats): HTMLElement {
    const key = `${group.kind} ${group.size}`;
    let row = this.#rows.get(key);
    if (row === undefined) {
      const titles = {
        items: `${count(group.size)} B`,
        index: "Index and records",
        unused: "Unused",
      };
      const text = make("span", { className: "figures" });
      const canvas = make("canvas", { ariaHidden: "true" });
      canvas.addEventListener("click", (event) => this.#click(event, canvas));
      const made = make(
        "div",
        { className: "slab" },
        make("h3", {}, titles[group.kind], text),
        canvas,
      );
      row = { row: made, text, canvas };
      this.#rows.set(key, row);
    }
    row.text.textContent = summary(group, snapshot, stats);
    return row.row;
  }

  #drawPages(groups: Group[], snapshot: Snapshot, stats: Stats, now: number): void {
    const across = this.#container.clientWidth;
    const heightOf = (shape: Shape, group: Group) =>
      Math.ceil(drawn(group).length / columnsOf(shape, across)) * (shape.height + shape.gap);
    const height = (shape: Shape) => groups.reduce((sum, group) => sum + heightOf(shape, group), 0);
    const fits = SHAPES.find((shape) => height(shape) <= HEIGHT_MAX);
    const shape = fits ?? { width: 2, height: 2, gap: 0 };
    const renderer = new PageRenderer(snapshot, stats, shape);
    this.#drawn = groups.map((group) => {
      const { canvas } = this.#rows.get(`${group.kind} ${group.size}`) ?? {};
      if (canvas === undefined) throw new Error("a group without a row");
      const columns = columnsOf(shape, across);
      renderer.on(surface(canvas, across, heightOf(shape, group)));
      drawn(group).forEach((page, at) => {
        const x = (at % columns) * (shape.width + shape.gap);
        const y = Math.floor(at / columns) * (shape.height + shape.gap);
        renderer.page(page, x, y, (position) => this.#isMarked(position, now));
      });
      return { canvas, group, shape, columns };
    });
  }

  #isMarked(position: number, now: number): number {
    if (position === this.chosen) return 2;
    const until = this.#marked.get(position);
    return until === undefined ? 0 : Math.min(1, (until - now) / MARKED);
  }

  #click(event: MouseEvent, canvas: HTMLCanvasElement): void {
    const drawn = this.#drawn.find((one) => one.canvas === canvas);
    const snapshot = this.#snapshot;
    if (drawn === undefined || snapshot === undefined || drawn.group.kind !== "items") return;
    const { shape } = drawn;
    const [pitch, high] = [shape.width + shape.gap, shape.height + shape.gap];
    const column = Math.floor(event.offsetX / pitch);
    const row = Math.floor(event.offsetY / high);
    const page = drawn.group.pages[row * drawn.columns + column];
    if (page === undefined || column >= drawn.columns) return;
    const grid = gridOf(snapshot.pages, page, shape);
    const x = Math.floor((event.offsetX - column * pitch) / grid.width);
    const y = Math.floor((event.offsetY - row * high) / grid.height);
    const [, , highWater = 0, , first = 0] = snapshot.pages.subarray(page * PAGE);
    const chunk = y * grid.columns + x;
    const { item } = decodeChunk(snapshot.chunks[first + chunk] ?? 0);
    if (item >= 0 && x < grid.columns && chunk < highWater) {
      this.#open(snapshot.items[item * ITEM] ?? 0);
    }
  }
}

/** Draws pages. */
class PageRenderer {
  readonly #snapshot: Snapshot;
  readonly #shape: Shape;
  readonly #pageSize: number;
  #context!: CanvasRenderingContext2D;
  readonly #colours = {
    page: colour("--page"),
    free: colour("--free"),
    used: colour("--used"),
    continuation: colour("--used-more"),
    waste: colour("--waste"),
    expired: colour("--expired"),
    index: colour("--index"),
    mark: colour("--mark"),
    text: colour("--ink"),
  };

  constructor(snapshot: Snapshot, stats: Stats, shape: Shape) {
    this.#snapshot = snapshot;
    this.#shape = shape;
    this.#pageSize = stats.pageSize;
  }

  on(context: CanvasRenderingContext2D): void {
    this.#context = context;
  }

  page(page: number, x: number, y: number, marked: (position: number) => number): void {
    const [{ width, height }, context] = [this.#shape, this.#context];
    const record = this.#snapshot.pages.subarray(page * PAGE);
    const [kind = 0, size = 0, highWater = 0, used = 0] = record;
    if (kind === UNUSED && width > 4) {
      context.strokeStyle = this.#colours.free;
      context.lineWidth = 1;
      context.strokeRect(x + 0.5, y + 0.5, width - 1, height - 1);
      return;
    }
    const isEmpty = kind === ITEMS || kind === UNUSED;
    context.fillStyle = isEmpty ? this.#colours.page : this.#colours.index;
    context.fillRect(x, y, width, height);
    if (kind !== ITEMS) return;
    const grid = gridOf(this.#snapshot.pages, page, this.#shape);
    if (this.#snapshot.chunks.length === 0 || grid.width < 3 || grid.height < 3) {
      // The chunks are too small to draw: show how full the page is.
      context.fillStyle = this.#colours.used;
      context.fillRect(x, y, (width * used * size) / this.#pageSize, height);
      return;
    }
    for (let chunk = 0; chunk < highWater; chunk++) {
      const left = x + (chunk % grid.columns) * grid.width;
      const top = y + Math.floor(chunk / grid.columns) * grid.height;
      this.#chunk(page, chunk, left, top, grid.width - 1, grid.height - 1, marked);
    }
  }

  #chunk(
    page: number,
    chunk: number,
    x: number,
    y: number,
    width: number,
    height: number,
    marked: (position: number) => number,
  ): void {
    const { chunks, items, pages } = this.#snapshot;
    const number = chunks[(pages[page * PAGE + 4] ?? 0) + chunk] ?? 0;
    const { item, isContinuation, filled } = decodeChunk(number);
    const context = this.#context;
    if (item < 0) {
      context.fillStyle = this.#colours.free;
      context.fillRect(x, y, width, height);
      return;
    }
    context.fillStyle = this.#colours.waste;
    context.fillRect(x, y, width, height);
    const hasExpired = ((items[item * ITEM + 3] ?? 0) & 8) !== 0;
    const kind = hasExpired ? "expired" : isContinuation ? "continuation" : "used";
    context.fillStyle = this.#colours[kind];
    context.fillRect(x, y, filled * width, height);
    const mark = marked(items[item * ITEM] ?? 0);
    if (mark === 0) return;
    context.globalAlpha = Math.min(1, mark);
    context.strokeStyle = mark === 2 ? this.#colours.text : this.#colours.mark;
    context.lineWidth = 2;
    context.strokeRect(x + 1, y + 1, Math.max(1, width - 2), Math.max(1, height - 2));
    context.globalAlpha = 1;
  }
}

/** The pages by use: slab sizes first and in ascending order, unused ones last. */
function grouped(pages: Uint32Array, all: number): Group[] {
  const groups = new Map<string, Group>();
  for (let page = 0; page < all; page++) {
    const [use = UNUSED, chunk = 0] = pages.subarray(page * PAGE, page * PAGE + 2);
    const kind = use === ITEMS ? "items" : use === UNUSED ? "unused" : "index";
    const size = use === ITEMS ? chunk : 0;
    const key = `${kind} ${size}`;
    const group = groups.get(key) ?? { kind, size, pages: [] };
    group.pages.push(page);
    groups.set(key, group);
  }
  const rank = ({ kind, size }: Group) => ({ items: size, index: 1e9, unused: 1e9 + 1 })[kind];
  return [...groups.values()].sort((a, b) => rank(a) - rank(b));
}

/** The pages of a group that are drawn. */
function drawn({ kind, pages }: Group): number[] {
  return kind === "unused" && pages.length > UNUSED_MAX ? [] : pages;
}

/** How the chunks of a page are laid out in its rectangle: as square as possible. */
function gridOf(pages: Uint32Array, page: number, { width, height }: Shape) {
  const size = pages[page * PAGE + 1] ?? 0;
  const chunks = Math.max(1, Math.floor(pageSizeOf / Math.max(1, size)));
  const rows = Math.max(1, Math.min(height / 4, Math.round(Math.sqrt(chunks / 4))));
  const columns = Math.ceil(chunks / rows);
  return { columns, width: width / columns, height: height / rows };
}

/** The page size of the cache; set with each drawing. */
let pageSizeOf = 4096;

function columnsOf({ width, gap }: Shape, across: number): number {
  return Math.max(1, Math.floor((across + gap) / (width + gap)));
}

function summary(group: Group, snapshot: Snapshot, stats: Stats): string {
  pageSizeOf = stats.pageSize;
  const pages = `${count(group.pages.length)} ${group.pages.length === 1 ? "page" : "pages"}`;
  if (group.kind === "unused") return pages;
  if (group.kind === "index") {
    const records = group.pages.filter((page) => snapshot.pages[page * PAGE] === RECORDS).length;
    return `${pages}, ${count(records)} of them records`;
  }
  const chunks = group.pages.length * Math.floor(stats.pageSize / group.size);
  const used = group.pages.reduce((sum, page) => sum + (snapshot.pages[page * PAGE + 3] ?? 0), 0);
  const parts = [pages, `${count(used)} of ${count(chunks)} chunks used`];
  const figures = figuresOf(group, snapshot);
  if (figures !== undefined && figures.used > 0) {
    parts.push(`${percent(figures.wasted, figures.used)} wasted`);
    if (figures.expired > 0) parts.push(`${count(figures.expired)} expired`);
  }
  return parts.join(" · ");
}

/** In chunks; `undefined` if the snapshot has no chunks. */
function figuresOf(group: Group, snapshot: Snapshot): Figures | undefined {
  if (snapshot.chunks.length === 0) return undefined;
  const figures = { used: 0, free: 0, expired: 0, wasted: 0 };
  for (const page of group.pages) {
    const [, , highWater = 0, , first = 0] = snapshot.pages.subarray(page * PAGE, page * PAGE + 5);
    for (let at = first; at < first + highWater; at++) {
      const { item, filled } = decodeChunk(snapshot.chunks[at] ?? 0);
      if (item < 0) {
        figures.free += 1;
        continue;
      }
      figures.used += 1;
      figures.wasted += 1 - filled;
      if (((snapshot.items[item * ITEM + 3] ?? 0) & 8) !== 0) figures.expired += 1;
    }
  }
  return figures;
}
