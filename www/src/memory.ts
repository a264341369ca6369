// The memory, drawn from the engine: every page by slab size, every chunk in it.

import { colour, element, make, surface } from "./dom.ts";
import { chunkOf, ITEM, type Look, PAGE, type Stats } from "./engine.ts";
import { bytes, count, percent } from "./units.ts";

/** How high all pages together may be drawn, in pixels. */
const HEIGHT_MAX = 300;
/** How a page can be drawn, the largest first. */
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
/** How long a touched item is marked, in milliseconds. */
const MARKED = 1500;
const [UNUSED, RECORDS, ITEMS] = [0, 1, 4];
/** So many unused pages are still drawn. */
const UNUSED_MAX = 1500;

interface Shape {
  width: number;
  height: number;
  gap: number;
}

/** The pages of one slab size, or those that hold no items. */
interface Group {
  kind: "items" | "index" | "unused";
  size: number;
  pages: number[];
}

interface Figures {
  used: number;
  free: number;
  expired: number;
  waste: number;
  untouched: number;
}

/** What is drawn, and where, so that a click finds it. */
interface Drawn {
  canvas: HTMLCanvasElement;
  group: Group;
  shape: Shape;
  columns: number;
}

export class MemoryMap {
  readonly #place = element("#memory-map");
  readonly #summary = element("#memory-summary");
  readonly #open: (position: number) => void;
  #rows = new Map<string, { row: HTMLElement; text: HTMLElement; canvas: HTMLCanvasElement }>();
  #drawn: Drawn[] = [];
  #look: Look | undefined;
  #marked = new Map<number, number>();
  /** The item whose chunks are joined. */
  chosen: number | undefined;

  /** `open` is called with the position of an item that is clicked. */
  constructor(open: (position: number) => void) {
    this.#open = open;
  }

  /** Marks these items for a while. */
  mark(positions: number[], now: number): void {
    for (const position of positions) this.#marked.set(position, now + MARKED);
  }

  /** Whether a mark is fading, so that there is something new to draw. */
  get isFading(): boolean {
    return this.#marked.size > 0;
  }

  draw(look: Look, stats: Stats, now: number): void {
    this.#look = look;
    for (const [position, until] of this.#marked) {
      if (until <= now) this.#marked.delete(position);
    }
    const groups = grouped(look.pages, stats.pages);
    const rows = groups.map((group) => this.#row(group, look, stats));
    const keep = new Set(rows);
    for (const child of [...this.#place.children]) {
      if (!keep.has(child as HTMLElement)) child.remove();
    }
    rows.forEach((row, at) => {
      if (this.#place.children[at] !== row)
        this.#place.insertBefore(row, this.#place.children[at] ?? null);
    });
    this.#drawPages(groups, look, stats, now);
    this.#summary.textContent =
      `${count(stats.pages)} pages of ${bytes(stats.pageSize)} each, ` +
      "given to one size of chunk at a time.";
  }

  /** The line above the pages of a group, made once. */
  #row(group: Group, look: Look, stats: Stats): HTMLElement {
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
    row.text.textContent = summary(group, look, stats);
    return row.row;
  }

  #drawPages(groups: Group[], look: Look, stats: Stats, now: number): void {
    const across = this.#place.clientWidth;
    const heightOf = (shape: Shape, group: Group) =>
      Math.ceil(drawn(group).length / columnsOf(shape, across)) * (shape.height + shape.gap);
    const height = (shape: Shape) => groups.reduce((sum, group) => sum + heightOf(shape, group), 0);
    const fits = SHAPES.find((shape) => height(shape) <= HEIGHT_MAX);
    const shape = fits ?? { width: 2, height: 2, gap: 0 };
    const brush = new Brush(look, stats, shape);
    this.#drawn = groups.map((group) => {
      const { canvas } = this.#rows.get(`${group.kind} ${group.size}`) ?? {};
      if (canvas === undefined) throw new Error("a group without a row");
      const columns = columnsOf(shape, across);
      brush.on(surface(canvas, across, heightOf(shape, group)));
      drawn(group).forEach((page, at) => {
        const x = (at % columns) * (shape.width + shape.gap);
        const y = Math.floor(at / columns) * (shape.height + shape.gap);
        brush.page(page, x, y, (position) => this.#isMarked(position, now));
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
    const look = this.#look;
    if (drawn === undefined || look === undefined || drawn.group.kind !== "items") return;
    const { shape } = drawn;
    const [pitch, high] = [shape.width + shape.gap, shape.height + shape.gap];
    const column = Math.floor(event.offsetX / pitch);
    const row = Math.floor(event.offsetY / high);
    const page = drawn.group.pages[row * drawn.columns + column];
    if (page === undefined || column >= drawn.columns) return;
    const grid = gridOf(look.pages, page, shape);
    const x = Math.floor((event.offsetX - column * pitch) / grid.width);
    const y = Math.floor((event.offsetY - row * high) / grid.height);
    const cell = look.cells[(look.pages[page * PAGE + 4] ?? 0) + y * grid.columns + x] ?? 0;
    const begun = look.pages[page * PAGE + 2] ?? 0;
    const { item } = chunkOf(cell);
    if (item >= 0 && x < grid.columns && y * grid.columns + x < begun) {
      this.#open(look.items[item * ITEM] ?? 0);
    }
  }
}

/** Draws pages of one size. */
class Brush {
  readonly #look: Look;
  readonly #shape: Shape;
  readonly #pageSize: number;
  #context!: CanvasRenderingContext2D;
  readonly #ink = {
    page: colour("--page"),
    free: colour("--free"),
    used: colour("--used"),
    more: colour("--used-more"),
    waste: colour("--waste"),
    expired: colour("--expired"),
    index: colour("--index"),
    mark: colour("--mark"),
    text: colour("--ink"),
  };

  constructor(look: Look, stats: Stats, shape: Shape) {
    this.#look = look;
    this.#shape = shape;
    this.#pageSize = stats.pageSize;
  }

  on(context: CanvasRenderingContext2D): void {
    this.#context = context;
  }

  page(page: number, x: number, y: number, marked: (position: number) => number): void {
    const [{ width, height }, context] = [this.#shape, this.#context];
    const [kind = 0, size = 0, begun = 0, used = 0] = this.#look.pages.subarray(page * PAGE);
    if (kind === UNUSED && width > 4) {
      context.strokeStyle = this.#ink.free;
      context.lineWidth = 1;
      context.strokeRect(x + 0.5, y + 0.5, width - 1, height - 1);
      return;
    }
    const isEmpty = kind === ITEMS || kind === UNUSED;
    context.fillStyle = isEmpty ? this.#ink.page : this.#ink.index;
    context.fillRect(x, y, width, height);
    if (kind !== ITEMS) return;
    const grid = gridOf(this.#look.pages, page, this.#shape);
    if (this.#look.cells.length === 0 || grid.width < 3 || grid.height < 3) {
      // Too many to tell apart: how full the page is.
      context.fillStyle = this.#ink.used;
      context.fillRect(x, y, (width * used * size) / this.#pageSize, height);
      return;
    }
    for (let chunk = 0; chunk < begun; chunk++) {
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
    const { cells, items, pages } = this.#look;
    const { item, isMore, filled } = chunkOf(cells[(pages[page * PAGE + 4] ?? 0) + chunk] ?? 0);
    const context = this.#context;
    if (item < 0) {
      context.fillStyle = this.#ink.free;
      context.fillRect(x, y, width, height);
      return;
    }
    context.fillStyle = this.#ink.waste;
    context.fillRect(x, y, width, height);
    const hasExpired = ((items[item * ITEM + 3] ?? 0) & 8) !== 0;
    const kind = hasExpired ? "expired" : isMore ? "more" : "used";
    context.fillStyle = this.#ink[kind];
    context.fillRect(x, y, filled * width, height);
    const mark = marked(items[item * ITEM] ?? 0);
    if (mark === 0) return;
    context.globalAlpha = Math.min(1, mark);
    context.strokeStyle = mark === 2 ? this.#ink.text : this.#ink.mark;
    context.lineWidth = 2;
    context.strokeRect(x + 1, y + 1, Math.max(1, width - 2), Math.max(1, height - 2));
    context.globalAlpha = 1;
  }
}

/** The pages by what they are for: slab sizes first and in their order, unused ones last. */
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

/** How the chunks of a page lie in its rectangle: as square as they can. */
function gridOf(pages: Uint32Array, page: number, { width, height }: Shape) {
  const size = pages[page * PAGE + 1] ?? 0;
  const chunks = Math.max(1, Math.floor(pageSizeOf / Math.max(1, size)));
  const rows = Math.max(1, Math.min(height / 4, Math.round(Math.sqrt(chunks / 4))));
  const columns = Math.ceil(chunks / rows);
  return { columns, width: width / columns, height: height / rows };
}

/** Of the cache that is drawn; set with each drawing. */
let pageSizeOf = 4096;

function columnsOf({ width, gap }: Shape, across: number): number {
  return Math.max(1, Math.floor((across + gap) / (width + gap)));
}

function summary(group: Group, look: Look, stats: Stats): string {
  pageSizeOf = stats.pageSize;
  const pages = `${count(group.pages.length)} ${group.pages.length === 1 ? "page" : "pages"}`;
  if (group.kind === "unused") return pages;
  if (group.kind === "index") {
    const records = group.pages.filter((page) => look.pages[page * PAGE] === RECORDS).length;
    return `${pages}, ${count(records)} of them records`;
  }
  const chunks = group.pages.length * Math.floor(stats.pageSize / group.size);
  const used = group.pages.reduce((sum, page) => sum + (look.pages[page * PAGE + 3] ?? 0), 0);
  const parts = [pages, `${count(used)} of ${count(chunks)} chunks used`];
  const figures = figuresOf(group, look);
  if (figures !== undefined && figures.used > 0) {
    parts.push(`${percent(figures.waste, figures.used)} of them waste`);
    if (figures.expired > 0) parts.push(`${count(figures.expired)} expired`);
  }
  return parts.join(" · ");
}

/** In chunks; nothing if there are too many items to tell. */
function figuresOf(group: Group, look: Look): Figures | undefined {
  if (look.cells.length === 0) return undefined;
  const figures = { used: 0, free: 0, expired: 0, waste: 0, untouched: 0 };
  for (const page of group.pages) {
    const [, , begun = 0, , first = 0] = look.pages.subarray(page * PAGE, page * PAGE + 5);
    for (let at = first; at < first + begun; at++) {
      const { item, filled } = chunkOf(look.cells[at] ?? 0);
      if (item < 0) {
        figures.free += 1;
        continue;
      }
      figures.used += 1;
      figures.waste += 1 - filled;
      if (((look.items[item * ITEM + 3] ?? 0) & 8) !== 0) figures.expired += 1;
    }
  }
  return figures;
}
