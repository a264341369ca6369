// How a load goes on: charts of what one cache does, or two beside each other, and the same told in
// sentences.

import { Chart, short } from "./charts.ts";
import { element } from "./dom.ts";
import type { Engine, Stats } from "./engine.ts";
import { bytes, count, percent } from "./units.ts";

/** What lies between two marks of memory, in bytes. */
const POWERS = Array.from({ length: 32 }, (_, at) => 2 ** at);

export class Progress {
  readonly #status = element("#load-status");
  readonly #charts = {
    hits: new Chart("chart-hits", (value) => `${Math.round(value)} %`, { top: 100, isFixed: true }),
    memory: new Chart("chart-memory", bytes, { top: 1 << 18, steps: POWERS }),
    evictions: new Chart("chart-evictions", short, { top: 1000 }),
  };
  /** The caches, and what they had counted when the load began and at the last point. */
  #engines: Engine[] = [];
  #began: Stats[] = [];
  #before: Stats[] = [];
  #done = 0;
  #every = 1;

  /** A load begins on these caches. */
  begin(engines: Engine[]): void {
    for (const chart of Object.values(this.#charts)) chart.clear();
    this.#engines = engines;
    this.#began = engines.map((engine) => engine.stats());
    this.#before = this.#began;
    this.#done = 0;
  }

  /** There is another cache, on which nothing was run yet. */
  clear(): void {
    this.begin([]);
    for (const chart of Object.values(this.#charts)) chart.draw([]);
    this.#status.textContent = "";
  }

  /** The charts get a point after so many operations each. */
  plan(every: number): void {
    this.#every = Math.max(1, Math.round(every));
  }

  /** After how many operations the charts want their next point. */
  get next(): number {
    return this.#every - (this.#done % this.#every);
  }

  /** So many operations were done; at the `end`, the charts get a point in any case. */
  did(operations: number, isEnd: boolean): void {
    this.#done += operations;
    if (this.#done % this.#every === 0 || (isEnd && operations > 0)) this.#point();
  }

  /** What has happened since the last point. */
  #point(): void {
    const now = this.#engines.map((engine) => engine.stats());
    const since = (at: number, part: (stats: Stats) => number, before: Stats[]) => {
      const [later, earlier] = [now[at], before[at]];
      return later === undefined || earlier === undefined ? 0 : part(later) - part(earlier);
    };
    const ratio = now.map((_, at) => {
      const gets = since(at, (stats) => stats.gets, this.#before);
      return gets === 0 ? 0 : (100 * since(at, (stats) => stats.hits, this.#before)) / gets;
    });
    const { hits, memory, evictions } = this.#charts;
    hits.add(this.#done, ratio);
    memory.add(
      this.#done,
      now.map((stats) => stats.bytes),
    );
    evictions.add(
      this.#done,
      now.map((_, at) => since(at, (stats) => stats.evictions, this.#began)),
    );
    this.#before = now;
  }

  /** Says where a load of this many operations is; `spent` is its real time in milliseconds. */
  tell(done: number, of: number, spent: number | undefined): void {
    const stats = this.#engines.map((engine) => engine.stats());
    const both = (text: (now: Stats, began: Stats) => string) =>
      stats.map((now, at) => text(now, this.#began[at] ?? now));
    const { hits, memory, evictions } = this.#charts;
    const part = (now: Stats, began: Stats) =>
      percent(now.hits - began.hits, now.gets - began.gets);
    const read = (now: Stats, began: Stats) =>
      now.gets === began.gets ? "nothing was read" : `${part(now, began)} of all reads hit`;
    hits.draw(both(read));
    memory.draw(both((now) => `${bytes(now.bytes)} in ${count(now.items)} items`));
    evictions.draw(both((now, began) => `${count(now.evictions - began.evictions)} evicted`));
    const rate =
      spent === undefined || spent === 0
        ? ""
        : `, ${short((1000 * done * stats.length) / spent)} per second`;
    const state =
      done < of ? `${count(done)} of ${count(of)} operations` : `${count(done)} operations done`;
    this.#status.textContent = `${state}${rate}.`;
  }

  /** Draws the charts in the colours of another theme. */
  redraw(): void {
    for (const chart of Object.values(this.#charts)) chart.redraw();
  }
}
