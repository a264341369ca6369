// The keys that are asked for most, as a table.

import { readable } from "./bytes.ts";
import { idOf } from "./selection.ts";
import { type Column, say, show } from "./table.ts";
import { count, percent, seconds } from "./units.ts";

/** The keys that were asked for most in the last time, the hottest first. */
export interface HotKeys {
  seconds: number;
  /** How many requests were sampled. */
  sampled: number;
  /** Each with its share of the requests, by how much that may be too large, and what is done. */
  keys: HotKey[];
}

export interface HotKey {
  key: Uint8Array;
  share: number;
  error: number;
  kind: string;
}

/** By how much the share is usually wrong at most: the sketch’s error, and that of the sample. */
function deviation({ share, error }: HotKey, sampled: number): number {
  return error + 2 * Math.sqrt((share * (1 - share)) / Math.max(1, sampled));
}

/** Fills a panel. `rate` is the number of requests a second of a share, if it is to be shown. */
export function hotKeys(
  panel: HTMLElement,
  hot: HotKeys,
  rate?: (share: number) => string,
): void {
  if (hot.keys.length === 0) {
    return say(panel, "No hot keys", "No key was asked for often in the last minute.");
  }
  const most = Math.max(...hot.keys.map(({ share }) => share));
  const rates: Column<HotKey>[] =
    rate === undefined ? [] : [{ title: "Per s", cell: ({ share }) => rate(share) }];
  show(
    panel,
    `Most asked for in the last ${seconds(hot.seconds)}, ${count(hot.sampled)} requests sampled`,
    [
      { title: "Key", cell: ({ key }) => readable(key), isText: true },
      ...rates,
      { title: "", cell: ({ share }) => share / most },
      { title: "Share", cell: ({ share }) => percent(share, 1) },
      { title: "±", cell: (key) => percent(deviation(key, hot.sampled), 1) },
      { title: "Kind", cell: ({ kind }) => kind, isText: true },
    ],
    hot.keys,
    ({ key }) => idOf(key),
  );
}
