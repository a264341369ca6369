// One cache of a race.

import { colour, make, surface } from "../dom.ts";
import { defaults, Engine, type Settings, type Stats } from "../engine.ts";
import { ITEM, PAGE } from "../snapshot.ts";
import { realTime } from "../frames.ts";
import { Cells } from "../map/cells.ts";
import type { Mode, Palette } from "../map/colours.ts";
import { Events } from "../map/events.ts";
import { fit, Layout } from "../map/layout.ts";
import { chunksIn, paint } from "../map/paint.ts";
import { keyOf } from "../selection.ts";
import { count } from "../units.ts";
import type { Course } from "./phases.ts";

/** Both caches have so much memory. */
export const MEMORY = 64 * 1024;
const MARGIN = 4;
const HEIGHT = 360;
const READ = 4;

export interface Policy {
  policy: Settings["policy"];
  name: string;
  text: string;
  line: string;
}

export const POLICIES: readonly Policy[] = [
  { policy: "lru", name: "LRU", text: "The least recently used goes.", line: "--faint" },
  {
    policy: "s3lru",
    name: "S3LRU",
    text: "Newcomers wait in a queue until they are read again.",
    line: "--s5",
  },
  {
    policy: "density",
    name: "Density",
    text: "Age times size decides, and newcomers count for more.",
    line: "--s5",
  },
];

export class Lane {
  readonly policy: Policy;
  readonly element: HTMLElement;
  readonly #canvas = make("canvas", { role: "img", ariaLabel: "Memory map" });
  readonly #read = make("dd");
  readonly #evicted = make("dd");
  readonly #ratio = make("dd");
  readonly #events = new Events();
  #engine: Engine;
  #cells: Cells | undefined;
  #gone: number[] = [];

  constructor(policy: Policy) {
    this.policy = policy;
    this.#engine = this.#create();
    const sign = make("i");
    sign.style.setProperty("--line", `var(${policy.line})`);
    const fact = (name: string, value: HTMLElement) =>
      make("div", {}, make("dt", { textContent: name }), value);
    this.element = make(
      "section",
      { className: "lane", ariaLabel: policy.name },
      make(
        "div",
        {},
        make(
          "div",
          {},
          make("h3", {}, sign, policy.name),
          make("p", { className: "quiet", textContent: policy.text }),
        ),
        make(
          "dl",
          {},
          fact("Read since stored", this.#read),
          fact("Evicted", this.#evicted),
          fact("Hit ratio so far", this.#ratio),
        ),
      ),
      this.#canvas,
    );
  }

  #create(): Engine {
    return Engine.create({ ...defaults(MEMORY), policy: this.policy.policy });
  }

  /** Begins once more, empty. */
  restart(): void {
    this.#engine.free();
    this.#engine = this.#create();
    this.#events.clear();
    this.#cells = undefined;
  }

  free(): void {
    this.#engine.free();
  }

  start(course: Course, phase: number): void {
    const { load } = course.phases[phase] ?? {};
    if (load !== undefined) this.#engine.startLoad(load, course.lines);
  }

  /** Runs so many requests, and returns how many were done. */
  run(requests: number): number {
    const done = this.#engine.runLoad(requests);
    this.#gone.push(...this.#engine.removals().map(({ position }) => position));
    this.#gone = this.#gone.slice(-16);
    this.#engine.feed();
    return done;
  }

  get stats(): Stats {
    return this.#engine.stats();
  }

  /** How many of the popular keys are there. */
  holds(popular: number): number {
    let held = 0;
    for (let key = 1; key <= popular; key++) {
      if (this.#engine.locate(keyOf(`key:${key}`)) !== undefined) held += 1;
    }
    return held;
  }

  draw(mode: Mode, palette: Palette, isQuiet: boolean): void {
    const across = this.element.clientWidth;
    const [stats, snapshot] = [this.#engine.stats(), this.#engine.snapshot(20_000)];
    const shape = fit(stats.pages, across, HEIGHT);
    if (shape === undefined || across <= 0) return;
    const pages = Array.from({ length: stats.pages }, (_, page) => page);
    const layout = new Layout(shape, across, pages, false);
    const context = surface(this.#canvas, layout.width + 2 * MARGIN, layout.height + 2 * MARGIN);
    this.#canvas.style.width = `${layout.width + 2 * MARGIN}px`;
    context.translate(MARGIN, MARGIN);
    const { pageSize } = stats;
    const none = () => "";
    const usedAt = () => 0;
    paint(context, layout, { snapshot, pageSize, mode, palette, keyAt: none, idAt: none, usedAt });
    const now = realTime();
    for (const position of isQuiet ? [] : this.#gone) {
      const rects = (this.#cells?.of(position) ?? []).map(({ page, chunk }) => {
        const size = snapshot.pages[page * PAGE + 1] ?? 0;
        return layout.chunk(page, chunk, chunksIn({ pageSize }, size));
      });
      this.#events.add(
        "evicted",
        rects.filter((rect) => rect !== undefined),
        now,
      );
    }
    this.#gone = [];
    this.#events.draw(context, palette, now);
    this.#cells = new Cells(snapshot);
    this.#figures(stats, snapshot.items);
  }

  #figures(stats: Stats, items: Uint32Array): void {
    let read = 0;
    for (let at = 3; at < items.length; at += ITEM) read += ((items[at] ?? 0) & READ) !== 0 ? 1 : 0;
    const all = items.length / ITEM;
    this.#read.textContent = all === 0 ? "–" : `${Math.round((100 * read) / all)} % of items`;
    this.#evicted.textContent = count(stats.evictions);
    this.#ratio.textContent =
      stats.gets === 0 ? "–" : `${((100 * stats.hits) / stats.gets).toFixed(1)} %`;
    this.#canvas.ariaLabel = `Memory map of ${this.policy.name}: ${count(all)} items`;
  }
}

/** The colour of a lane’s line. */
export function lineOf({ line }: Policy): string {
  return colour(line);
}
