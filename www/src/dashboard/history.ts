// What the server’s counters were, since the page was opened: the server keeps no history.

/** What is kept of an answer. Counters go up, levels go up and down. */
export interface Sample {
  /** The server’s time, in milliseconds. */
  at: number;
  hits: number;
  gets: number;
  requests: number;
  evictions: number;
  bytes: number;
  items: number;
  connections: number;
}
export type Counter = "hits" | "gets" | "requests" | "evictions";
export type Level = "bytes" | "items" | "connections";

/** A value, so many milliseconds before the last sample. */
export interface Point {
  age: number;
  value: number;
}

/** The ranges of the charts, in milliseconds. */
export const RANGES = [15 * 60_000, 3_600_000, 24 * 3_600_000] as const;
/** The points of a chart. */
const POINTS = 450;
/** The time over which a rate is shown as a figure, in milliseconds. */
const RECENT = 10_000;

export class History {
  readonly #ranges = RANGES.map((span) => ({ step: span / POINTS, samples: [] as Sample[] }));
  #recent: Sample[] = [];

  /** Takes note of an answer. Forgets everything if the server was restarted. */
  add(sample: Sample): void {
    const before = this.#recent.at(-1);
    if (before !== undefined && isRestart(before, sample)) this.#clear();
    this.#recent.push(sample);
    this.#recent = this.#recent.filter(({ at }, place, all) => {
      const next = all[place + 1];
      return next === undefined || next.at > sample.at - RECENT || at > sample.at - RECENT;
    });
    for (const { step, samples } of this.#ranges) {
      const last = samples.at(-1);
      if (last !== undefined && sample.at - last.at < step) continue;
      samples.push(sample);
      if (samples.length > POINTS + 1) samples.shift();
    }
  }

  #clear(): void {
    this.#recent = [];
    for (const range of this.#ranges) range.samples = [];
  }

  /** A counter’s growth per second, over the last seconds; `undefined` before the second answer. */
  rate(counter: Counter): number | undefined {
    const [first, last] = [this.#recent[0], this.#recent.at(-1)];
    return first === undefined || last === undefined ? undefined : growth(first, last, counter);
  }

  /** Hits of gets over the last seconds; `undefined` if nothing was asked for. */
  ratio(): number | undefined {
    const [first, last] = [this.#recent[0], this.#recent.at(-1)];
    return first === undefined || last === undefined ? undefined : ratio(first, last);
  }

  /** A level over the time of a range. */
  levels(range: number, level: Level): Point[] {
    return this.#samples(range).map((sample, _, all) => ({
      age: (all.at(-1)?.at ?? 0) - sample.at,
      value: sample[level],
    }));
  }

  /** A counter’s growth per second over the time of a range. */
  rates(range: number, counter: Counter): Point[] {
    return this.#pairs(range, (before, after) => growth(before, after, counter));
  }

  ratios(range: number): Point[] {
    return this.#pairs(range, ratio);
  }

  #samples(range: number): Sample[] {
    return this.#ranges[range]?.samples ?? [];
  }

  #pairs(range: number, value: (before: Sample, after: Sample) => number | undefined): Point[] {
    const samples = this.#samples(range);
    const end = samples.at(-1)?.at ?? 0;
    return samples.flatMap((after, place) => {
      const before = samples[place - 1];
      const found = before === undefined ? undefined : value(before, after);
      return found === undefined ? [] : [{ age: end - after.at, value: found }];
    });
  }
}

function isRestart(before: Sample, after: Sample): boolean {
  return after.at < before.at || after.requests < before.requests;
}

function growth(before: Sample, after: Sample, counter: Counter): number | undefined {
  const millis = after.at - before.at;
  return millis <= 0 ? undefined : (1000 * (after[counter] - before[counter])) / millis;
}

function ratio(before: Sample, after: Sample): number | undefined {
  const gets = after.gets - before.gets;
  return gets <= 0 ? undefined : (after.hits - before.hits) / gets;
}
