// The memory map: every page and every chunk, to scale, with what happens in them.

import { readable } from "./bytes.ts";
import { element, make, surface } from "./dom.ts";
import { isEmbedded } from "./embed.ts";
import { type Inside, ITEM, NONE, PAGE, type Snapshot } from "./snapshot.ts";
import { realTime } from "./frames.ts";
import { type Cell, Cells } from "./map/cells.ts";
import { type Mode, Palette } from "./map/colours.ts";
import { Events, type Kind } from "./map/events.ts";
import { Keyboard } from "./map/keyboard.ts";
import { chunkAt, fit, Layout, type Rect, SHAPES } from "./map/layout.ts";
import { Legend } from "./map/legend.ts";
import { Overview } from "./map/overview.ts";
import { chunksIn, ITEMS, paint, type Scene } from "./map/paint.ts";
import type { Change } from "./model.ts";
import { idOf, keyOf, type Selection } from "./selection.ts";
import { bytes, count, duration, seconds } from "./units.ts";

/** The margin for rings at the edge. */
const MARGIN = 4;
/** The height of what is above and below the map in an embedded page. */
const BESIDE = 150;
/** Real milliseconds between two drawings of events: 30 a second. */
const FRAME = 33;
/** How long another layout or colour takes to come, in milliseconds. */
const CROSSFADE = 220;
/** How long what a command used is marked, in milliseconds. */
const TOUCHED = 2000;
/** The most items that are marked at a time. */
const TOUCHED_MAX = 16;
/** The most pages that have to be drawn for every one, used or not. */
const WHOLE_MAX = 1500;

/** What is said about the cache of a snapshot. */
interface Stats {
  pages: number;
  pageSize: number;
  items: number;
}

/** An event whose chunks are found when the map is drawn next. */
interface Pending {
  kind: Kind;
  position: number;
}

export class MemoryMap {
  readonly #area = element("#map-area");
  readonly #map = element("#map");
  readonly #base = element<HTMLCanvasElement>("#map-base");
  readonly #top = element<HTMLCanvasElement>("#map-events");
  readonly #labels = element("#map-labels");
  readonly #legend = new Legend();
  readonly #overview = new Overview();
  readonly #events = new Events();
  readonly #selection: Selection;
  readonly #keyboard: Keyboard;
  readonly #open: (position: number) => void;
  #palette: Palette | undefined;
  #mode: Mode = "idle";
  #layout: Layout | undefined;
  /** The cache that is shown: asked for each time, because a replaced one is freed. */
  readonly #engine: () => Inside;
  #snapshot: Snapshot | undefined;
  #stats: Stats | undefined;
  #cells: Cells | undefined;
  #pending: Pending[] = [];
  #fading: { canvas: OffscreenCanvas; start: number } | undefined;
  #touched: { position: number; until: number }[] = [];
  #drawnAt = 0;
  #hasTop = false;
  /** Whether the chunks of the highlighted items have to be found again. */
  #isStale = true;
  #rings: { cells: Rect[]; isThin: boolean }[] = [];
  /** The visitor's items. */
  yours: () => string[] = () => [];
  /** The item that was evicted last, if that is not long ago. */
  set evicted(last: () => { id: string; text: string } | undefined) {
    this.#overview.evicted = last;
  }

  /** Whether events are left out: while time flies. */
  isQuiet = false;
  /** The height that the map may take, if its width does not tell. */
  height: number | undefined;
  /** What the legend says about memory instead of the chunk sizes. */
  note = "";
  /** What became of an item that is not there any more. */
  gone = "evicted";
  /** The place of an item in the eviction order, from 0 to 1, if its number does not tell. */
  place: ((item: number) => number) | undefined;

  /** `open` is called with the position of the item whose bytes are wanted. */
  constructor(engine: () => Inside, selection: Selection, open: (position: number) => void) {
    this.#engine = engine;
    this.#selection = selection;
    this.#open = open;
    this.#keyboard = new Keyboard(this.#map, {
      layout: () => this.#layout,
      chunks: (page) => this.#chunks(page),
      moved: (cell) => this.#say(cell),
      open: (cell) => this.#enter(cell),
    });
    selection.onChange(() => {
      this.#isStale = true;
    });
    const still = matchMedia("(prefers-reduced-motion: reduce)");
    const follow = () => {
      this.#events.isStill = still.matches;
    };
    still.addEventListener("change", follow);
    follow();
    this.#map.addEventListener("pointermove", (event) => {
      if (event.pointerType === "mouse") selection.hover(this.#idAt(event));
    });
    this.#map.addEventListener("pointerleave", () => selection.hover(undefined));
    this.#map.addEventListener("click", (event) => selection.choose(this.#idAt(event)));
    this.#map.addEventListener("dblclick", (event) => {
      const cell = this.#cellAt(event);
      if (cell !== undefined) this.#enter(cell);
    });
    for (const radio of document.querySelectorAll<HTMLInputElement>("input[name=colour]")) {
      radio.addEventListener("change", () => this.colourBy(radio.value as Mode));
    }
  }

  /** Colours the chunks by something else. */
  colourBy(mode: Mode): void {
    for (const radio of document.querySelectorAll<HTMLInputElement>("input[name=colour]")) {
      radio.checked = radio.value === mode;
    }
    if (mode === this.#mode) return;
    this.#fade();
    this.#mode = mode;
    this.#paint();
  }

  /** Draws in the colours of another theme. */
  recolour(): void {
    this.#palette = undefined;
  }

  /** Takes note of a change; `draw` shows it. */
  add(change: Change): void {
    for (const position of change.touched) {
      this.#touched.push({ position, until: realTime() + TOUCHED });
    }
    this.#touched = this.#touched.slice(-TOUCHED_MAX);
    if (this.isQuiet) return;
    for (const { outcome, position } of change.requests) {
      if (position !== NONE)
        this.#pending.push({ kind: outcome === "hit" ? "hit" : "store", position });
    }
    if (change.isCommand) {
      for (const position of change.touched) this.#pending.push({ kind: "hit", position });
    }
    for (const { reason, position } of change.removals) {
      const kind = reason.startsWith("expired") ? "expired" : "evicted";
      this.#pending.push({ kind, position });
    }
    this.#pending = this.#pending.slice(-200);
  }

  /** Shows that something happened to the item at a position. */
  event(kind: Kind, position: number): void {
    this.#pending.push({ kind, position });
    this.#pending = this.#pending.slice(-200);
  }

  /** Forgets everything about another cache. */
  clear(): void {
    this.#events.clear();
    this.#pending = [];
    this.#touched = [];
    this.#cells = undefined;
  }

  /** Whether something moves. */
  get isMoving(): boolean {
    return this.#events.count > 0 || this.#fading !== undefined || this.#touched.length > 0;
  }

  /** Draws the pages. */
  draw(snapshot: Snapshot, stats: Stats): void {
    const before = this.#cells;
    [this.#snapshot, this.#stats] = [snapshot, stats];
    this.#cells = new Cells(snapshot);
    const layout = this.#arrange(snapshot, stats);
    if (!layout.equals(this.#layout)) {
      if (this.#layout !== undefined) this.#fade();
      this.#layout = layout;
      this.#events.clear();
    }
    this.#paint();
    this.#begin(before);
    this.#isStale = true;
    this.#describe(snapshot, stats);
  }

  /** Draws what moves, at most 30 times a second. */
  frame(): void {
    const now = realTime();
    if (!this.#isStale && !this.isMoving) return;
    if (!this.#isStale && now - this.#drawnAt < FRAME) return;
    this.#drawnAt = now;
    const touched = this.#touched.length;
    this.#touched = this.#touched.filter(({ until }) => until > now);
    if (this.#isStale || touched !== this.#touched.length) this.#highlight();
    this.#drawTop(now);
  }

  get #across(): number {
    return this.#area.clientWidth - 2 * MARGIN;
  }

  /** The height that the map may take. */
  #down(): number {
    if (this.height !== undefined) return this.height;
    if (isEmbedded && matchMedia("(min-width: 760px)").matches)
      return Math.max(120, innerHeight - BESIDE);
    // A low window is a phone on its side, or a page that is enlarged: the prompt needs its place.
    if (!matchMedia("(min-width: 760px)").matches && innerHeight < 700) return 120;
    return this.#across >= 900 ? 484 : this.#across >= 560 ? 360 : 220;
  }

  /** All pages, or the few that have items, enlarged. */
  #arrange(snapshot: Snapshot, stats: Stats): Layout {
    const [across, down] = [this.#across, this.#down()];
    const used = snapshot.pages.length / PAGE;
    const withItems: number[] = [];
    for (let page = 0; page < used; page++) {
      if (snapshot.pages[page * PAGE] === ITEMS) withItems.push(page);
    }
    const whole = stats.pages <= WHOLE_MAX ? fit(stats.pages, across, down) : undefined;
    const shape = whole ?? fit(used, across, down) ?? SHAPES.at(-1);
    if (shape === undefined) throw new Error("no shape");
    const wide = across >= 560;
    const large = fit(withItems.length, wide ? Math.min(624, 0.7 * across) : across, down);
    const isFew = withItems.length > 0 && withItems.length <= 9;
    if (isFew && large !== undefined && large.width > shape.width) {
      return new Layout(large, wide ? Math.min(624, 0.7 * across) : across, withItems, true);
    }
    const pages = whole === undefined ? used : Math.max(used, stats.pages);
    return new Layout(
      shape,
      across,
      Array.from({ length: pages }, (_, page) => page),
      false,
    );
  }

  #scene(): Scene | undefined {
    const [snapshot, stats] = [this.#snapshot, this.#stats];
    if (snapshot === undefined || stats === undefined) return undefined;
    this.#palette ??= new Palette();
    return {
      snapshot,
      pageSize: stats.pageSize,
      mode: this.#mode,
      palette: this.#palette,
      keyAt: (position) => readable(this.#engine().keyAt(position)),
      usedAt: (position) => {
        const chunks = this.#engine().inspect(position)?.chunks ?? [];
        return chunks.reduce((sum, { overhead, key, value }) => sum + overhead + key + value, 0);
      },
      idAt: (position) => idOf(this.#engine().keyAt(position)),
      place: this.place,
    };
  }

  #paint(): void {
    const [layout, scene] = [this.#layout, this.#scene()];
    if (layout === undefined || scene === undefined) return;
    const [width, height] = [layout.width + 2 * MARGIN, layout.height + 2 * MARGIN];
    const context = surface(this.#base, width, height);
    context.translate(MARGIN, MARGIN);
    // What is below the map stays where it is, however many pages are drawn.
    const room = this.#across >= 560 ? this.#down() + 2 * MARGIN : 0;
    this.#area.style.minHeight = room === 0 ? "" : `${room}px`;
    paint(context, layout, scene);
    const isEmpty = scene.snapshot.items.length === 0;
    element("#map-empty").hidden = !isEmpty;
    this.#overview.draw(layout, scene, this.#stats?.pages ?? 0, this.#selection.current);
  }

  /** Keeps what is shown, to fade it out over what comes. */
  #fade(): void {
    if (this.#base.width === 0) return;
    const canvas = new OffscreenCanvas(this.#base.width, this.#base.height);
    canvas.getContext("2d")?.drawImage(this.#base, 0, 0);
    this.#fading = { canvas, start: this.#events.isStill ? -Infinity : realTime() };
  }

  /** Starts the events whose chunks can be found now: stores after, removals before the drawing. */
  #begin(before: Cells | undefined): void {
    const now = realTime();
    for (const { kind, position } of this.#pending) {
      const isGone = kind === "evicted" || kind === "expired";
      const cells = (isGone ? before : this.#cells)?.of(position) ?? [];
      this.#events.add(kind, this.#rects(cells), now);
    }
    this.#pending = [];
  }

  #chunks(page: number): number {
    const size = this.#snapshot?.pages[page * PAGE + 1] ?? 0;
    const isItems = this.#snapshot?.pages[page * PAGE] === ITEMS;
    return isItems ? chunksIn({ pageSize: this.#stats?.pageSize ?? 0 }, size) : 1;
  }

  #rects(cells: Cell[]): Rect[] {
    const rects = cells.map(({ page, chunk }) =>
      this.#layout?.chunk(page, chunk, this.#chunks(page)),
    );
    return rects.filter((rect) => rect !== undefined);
  }

  /** The chunks of an item, in their order. */
  #chunksOf(position: number): Cell[] {
    const chunks = this.#engine().inspect(position)?.chunks ?? [];
    return chunks.map(({ page, number }) => ({ page, chunk: number }));
  }

  /** Finds the chunks of the highlighted items, and labels them. */
  #highlight(): void {
    this.#isStale = false;
    const engine = this.#engine();
    const current = this.#selection.current;
    this.#rings = [];
    const labels: HTMLElement[] = [];
    const yours = new Set(this.yours());
    for (const id of yours) {
      if (id !== current) this.#ring(engine.locate(keyOf(id)), true);
    }
    const touched = new Set(this.#touched.map(({ position }) => position));
    const position = current === undefined ? undefined : engine.locate(keyOf(current));
    for (const other of touched) {
      if (other === position) continue;
      const isYours = yours.has(idOf(engine.keyAt(other)));
      const cells = this.#ring(other, true);
      if (isYours && touched.size === 1) this.#label(labels, other, cells);
    }
    this.#label(labels, position, this.#ring(position, false));
    this.#labels.replaceChildren(...labels);
    for (const label of labels) this.#place(label);
  }

  #ring(position: number | undefined, isThin: boolean): Rect[] {
    if (position === undefined) return [];
    const cells = this.#rects(this.#chunksOf(position));
    this.#rings.push({ cells, isThin });
    return cells;
  }

  #label(labels: HTMLElement[], position: number | undefined, cells: Rect[]): void {
    const first = cells[0];
    if (position === undefined || first === undefined) return;
    const item = this.#engine().inspect(position);
    if (item === undefined) return;
    const size = item.chunks.reduce((sum, { key, value }) => sum + key + value, 0);
    const chunks = item.chunkCount ?? item.chunks.length;
    const left = item.expiresAt === undefined ? undefined : item.expiresAt - this.#engine().now;
    const facts =
      chunks > 1
        ? `${bytes(size)} in ${chunks} chunks`
        : left === undefined
          ? bytes(size)
          : left <= 0
            ? "expired"
            : `expires in ${duration(left)}`;
    const label = make(
      "span",
      {
        className: "map-label",
        data: {
          x: String(first.x),
          y: String(first.y),
          w: String(first.width),
          h: String(first.height),
        },
      },
      make("b", { textContent: readable(item.key).slice(0, 40) }),
      make("i", { textContent: `  ${facts}` }),
    );
    labels.push(label);
  }

  /** Above its chunk, or below it, and never outside of the map. */
  #place(label: HTMLElement): void {
    const { x, y, w, h } = label.dataset;
    const [width, height] = [label.offsetWidth, label.offsetHeight];
    const across = this.#base.clientWidth;
    const left = Number(x) + MARGIN + Number(w) / 2 - width / 2;
    const above = Number(y) + MARGIN - height - 7;
    const top = above >= 0 ? above : Number(y) + MARGIN + Number(h) + 7;
    label.style.left = `${Math.max(0, Math.min(left, across - width))}px`;
    label.style.top = `${top}px`;
  }

  #drawTop(now: number): void {
    const [layout, palette] = [this.#layout, this.#palette];
    if (layout === undefined || palette === undefined) return;
    const isNeeded = this.isMoving || this.#rings.length > 0 || this.#keyboard.cell !== undefined;
    if (!isNeeded && !this.#hasTop) return;
    this.#hasTop = isNeeded;
    const size = [layout.width + 2 * MARGIN, layout.height + 2 * MARGIN] as const;
    const context = surface(this.#top, ...size);
    if (this.#fading !== undefined) {
      const done = (now - this.#fading.start) / CROSSFADE;
      if (done >= 1) this.#fading = undefined;
      else {
        const scale = window.devicePixelRatio || 1;
        const { canvas } = this.#fading;
        context.globalAlpha = 1 - done;
        context.drawImage(canvas, 0, 0, canvas.width / scale, canvas.height / scale);
        context.globalAlpha = 1;
      }
    }
    context.translate(MARGIN, MARGIN);
    this.#events.draw(context, palette, now);
    this.#drawRings(context, palette);
    const cursor = this.#keyboard.cell;
    if (cursor === undefined) return;
    const [rect] = this.#rects([cursor]);
    if (rect === undefined) return;
    context.strokeStyle = palette.ink;
    context.lineWidth = 2;
    context.strokeRect(rect.x - 2, rect.y - 2, rect.width + 4, rect.height + 4);
  }

  #drawRings(context: CanvasRenderingContext2D, palette: Palette): void {
    for (const { cells, isThin } of this.#rings) {
      context.strokeStyle = palette.you;
      context.lineWidth = 1.5;
      context.beginPath();
      for (const [at, { x, y, width, height }] of cells.entries()) {
        if (isThin) break;
        if (at === 0) context.moveTo(x + width / 2, y + height / 2);
        else context.lineTo(x + width / 2, y + height / 2);
      }
      context.stroke();
      for (const { x, y, width, height } of cells) {
        context.strokeStyle = palette.paper;
        context.lineWidth = isThin ? 1 : 1.5;
        context.strokeRect(x + 0.5, y + 0.5, width - 1, height - 1);
        context.strokeStyle = palette.you;
        context.lineWidth = isThin ? 1.5 : 2;
        context.strokeRect(x - 1, y - 1, width + 2, height + 2);
      }
    }
  }

  #describe(snapshot: Snapshot, stats: Stats): void {
    const idle = snapshot.items.at(-ITEM + 4) ?? 0;
    const sizes = new Set<number>();
    for (let at = 0; at < snapshot.pages.length; at += PAGE) {
      if (snapshot.pages[at] === ITEMS) sizes.add(snapshot.pages[at + 1] ?? 0);
    }
    const isLarge = (this.#layout?.shape.width ?? 0) >= 72 && this.#across >= 900;
    const inUse = isLarge ? [...sizes].sort((a, b) => a - b).slice(0, 5) : [];
    const { gone, note } = this;
    const { from, to } = this.#engine().words;
    this.#legend.draw(this.#mode, { from, to: to(seconds(idle)), gone, sizes: inUse, note });
    const text =
      `${count(stats.pages)} pages of ${bytes(stats.pageSize)}, each with chunks of one size. ` +
      `${count(stats.items)} items. The tables below have the same as text.`;
    const summary = element("#memory-summary");
    if (summary.textContent !== text) summary.textContent = text;
  }

  #cellAt(event: MouseEvent): Cell | undefined {
    const layout = this.#layout;
    const box = this.#base.getBoundingClientRect();
    const [x, y] = [event.clientX - box.x - MARGIN, event.clientY - box.y - MARGIN];
    const found = layout?.at(x, y);
    if (layout === undefined || found === undefined) return undefined;
    const chunk = chunkAt(layout.shape, found.x, found.y, this.#chunks(found.page));
    return { page: found.page, chunk };
  }

  #positionAt(cell: Cell | undefined): number | undefined {
    const item = cell === undefined ? -1 : (this.#cells?.at(cell) ?? -1);
    return item < 0 ? undefined : this.#snapshot?.items[item * ITEM];
  }

  #idAt(event: MouseEvent): string | undefined {
    return this.#idOf(this.#cellAt(event));
  }

  #idOf(cell: Cell | undefined): string | undefined {
    const position = this.#positionAt(cell);
    if (position === undefined) return undefined;
    const id = idOf(this.#engine().keyAt(position));
    return id === "" ? undefined : id;
  }

  #enter(cell: Cell): void {
    const position = this.#positionAt(cell);
    if (position !== undefined) this.#open(position);
  }

  /** Names the chunk under the keyboard's cursor. */
  #say(cell: Cell | undefined): void {
    this.#isStale = true;
    this.#selection.choose(this.#idOf(cell));
    const text = cell === undefined ? "" : this.#nameOf(cell);
    element("#map-cell").textContent = text;
    element("#map-live").textContent = text;
  }

  #nameOf(cell: Cell): string {
    const position = this.#positionAt(cell);
    const item = position === undefined ? undefined : this.#engine().inspect(position);
    if (item === undefined) {
      const use = this.#snapshot?.pages[cell.page * PAGE] ?? 0;
      const words = ["unused", "records", "index", "index", "free chunk"];
      const page = this.#snapshot?.pages[cell.page * PAGE + 6] ?? cell.page;
      return `page ${page}, ${words[use] ?? "unused"}`;
    }
    const size = item.chunks.reduce((sum, { key, value }) => sum + key + value, 0);
    const at = item.chunks.findIndex(
      ({ page, number }) => page === cell.page && number === cell.chunk,
    );
    const idle = Math.max(0, Math.floor(this.#engine().now / 1000) - item.lastUsed);
    const expires =
      item.expiresAt === undefined
        ? "never expires"
        : `expires in ${duration(Math.max(0, item.expiresAt - this.#engine().now))}`;
    const all = item.chunkCount;
    const chunk =
      all === undefined
        ? `chunk ${at + 1} of ${item.chunks.length}`
        : `${all} ${all === 1 ? "chunk" : "chunks"}`;
    return `${readable(item.key)}, ${size} bytes, idle ${seconds(idle)}, ${expires}, ${chunk}`;
  }
}
