// How long requests took, from the counts of a histogram.

import type { Latency } from "./api.ts";

/** A range of times, in microseconds, and how many requests took so long. */
export interface Bar {
  from: number;
  to: number;
  count: number;
}

/** The classes of requests together, or one of them. */
export function combined(latency: Record<string, Latency>, name: string): Latency {
  const parts = name === "all" ? Object.values(latency) : [latency[name]];
  const known = parts.filter((part) => part !== undefined);
  const bounds = known[0]?.le_us ?? [];
  const count = Array.from({ length: bounds.length + 1 }, (_, at) =>
    known.reduce((sum, part) => sum + (part.count[at] ?? 0), 0),
  );
  return { le_us: bounds, count };
}

/** What was counted since an earlier moment; everything if the server was restarted since. */
export function difference(now: Latency, before: Latency | undefined): Latency {
  const count = now.count.map((count, at) => count - (before?.count[at] ?? 0));
  return count.some((count) => count < 0) ? now : { le_us: now.le_us, count };
}

/** One bar for each bound; what took longer than the last one has a bar of twice its time. */
export function barsOf({ le_us, count }: Latency): Bar[] {
  return count.map((count, at) => {
    const from = le_us[at - 1] ?? 0;
    return { from, to: le_us[at] ?? 2 * from, count };
  });
}

/** The time within which this part of the requests was answered; nothing if there were none. */
export function percentile(bars: Bar[], part: number): number | undefined {
  const all = bars.reduce((sum, { count }) => sum + count, 0);
  let left = all * part;
  for (const { from, to, count } of bars) {
    if (count > 0 && left <= count) {
      // Bounds grow by a factor, so the times between two of them are taken to do so as well.
      const start = Math.max(from, to / 2);
      return start * (to / start) ** (left / count);
    }
    left -= count;
  }
  return undefined;
}

/** Microseconds with two digits: `41 µs`, `1.2 ms`, `2.5 s`. */
export function time(micros: number): string {
  const [value, unit] =
    micros < 1000 ? [micros, "µs"] : micros < 1e6 ? [micros / 1000, "ms"] : [micros / 1e6, "s"];
  return `${value < 10 ? Number(value.toPrecision(2)) : Math.round(value)} ${unit}`;
}
