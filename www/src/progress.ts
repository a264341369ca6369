// The progress of a load: charts of one or two caches, and the same figures as text.

import { Chart, short } from "./chart.ts";
import { element } from "./dom.ts";
import type { Engine, Stats } from "./engine.ts";
import { bytes, count, percent } from "./units.ts";

export class Progress {
  readonly #status = element("#load-status");
  readonly #charts = {
    hits: new Chart("chart-hits", (value) => `${Math.round(value)} %`, { top: 100, isFixed: true }),
    memory: new Chart("chart-memory", bytes, { top: 1 << 18 }),
    evictions: new Chart("chart-evictions", short, { top: 1000 }),
  };
  /** The caches, and their counters at the start of the load and at the last point. */
  #engines: Engine[] = [];
  #atStart: Stats[] = [];
  #atLastPoint: Stats[] = [];
  #done = 0;
  #every = 1;

  /** A load starts on these caches. */
  start(engines: Engine[]): void {
    for (const chart of Object.values(this.#charts)) chart.clear();
    this.#engines = engines;
    this.#atStart = engines.map((engine) => engine.stats());
    this.#atLastPoint = this.#atStart;
    this.#done = 0;
  }

  /** Clears everything, for a new cache. */
  clear(): void {
    this.start([]);
    for (const chart of Object.values(this.#charts)) chart.draw([]);
    this.#status.textContent = "";
  }

  /** Sets the number of operations between two points of the charts. */
  plan(every: number): void {
    this.#every = Math.max(1, Math.round(every));
  }

  /** The number of operations until the next point. */
  get next(): number {
    return this.#every - (this.#done % this.#every);
  }

  /** Counts operations; at the end of the load, the charts get a last point. */
  count(operations: number, isEnd: boolean): void {
    this.#done += operations;
    if (this.#done % this.#every === 0 || (isEnd && operations > 0)) this.#point();
  }

  /** Adds a point: what has happened since the last one. */
  #point(): void {
    const now = this.#engines.map((engine) => engine.stats());
    const since = (at: number, part: (stats: Stats) => number, before: Stats[]) => {
      const [later, earlier] = [now[at], before[at]];
      return later === undefined || earlier === undefined ? 0 : part(later) - part(earlier);
    };
    const ratio = now.map((_, at) => {
      const gets = since(at, (stats) => stats.gets, this.#atLastPoint);
      return gets === 0 ? 0 : (100 * since(at, (stats) => stats.hits, this.#atLastPoint)) / gets;
    });
    const { hits, memory, evictions } = this.#charts;
    hits.add(this.#done, ratio);
    memory.add(
      this.#done,
      now.map((stats) => stats.bytes),
    );
    evictions.add(
      this.#done,
      now.map((_, at) => since(at, (stats) => stats.evictions, this.#atStart)),
    );
    this.#atLastPoint = now;
  }

  /** Reports the progress of a load of this many operations; `spent` is in milliseconds. */
  report(done: number, of: number, spent: number | undefined): void {
    const stats = this.#engines.map((engine) => engine.stats());
    const both = (text: (now: Stats, start: Stats) => string) =>
      stats.map((now, at) => text(now, this.#atStart[at] ?? now));
    this.#status.textContent = this.#words(done, of, spent, stats.length);
    if (element("#panel-compare").hidden) return;
    const { hits, memory, evictions } = this.#charts;
    const part = (now: Stats, start: Stats) =>
      percent(now.hits - start.hits, now.gets - start.gets);
    const read = (now: Stats, start: Stats) =>
      now.gets === start.gets ? "no reads" : `${part(now, start)} of reads hit`;
    hits.draw(both(read));
    memory.draw(both((now) => `${bytes(now.bytes)} in ${count(now.items)} items`));
    evictions.draw(both((now, start) => `${count(now.evictions - start.evictions)} evicted`));
  }

  #words(done: number, of: number, spent: number | undefined, caches: number): string {
    const rate =
      spent === undefined || spent === 0
        ? ""
        : `, ${short((1000 * done * caches) / spent)} per second`;
    if (of === Infinity) return `${count(done)} operations${rate}.`;
    const isDone = done >= of;
    return isDone
      ? `${count(done)} operations done${rate}.`
      : `${count(done)} of ${count(of)} operations${rate}.`;
  }

  /** Draws the charts in the colours of another theme. */
  redraw(): void {
    for (const chart of Object.values(this.#charts)) chart.redraw();
  }
}
