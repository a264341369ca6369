// What is asked for in a race: phases of a load, the same for both caches.

import type { Load } from "../engine.ts";

export interface Phase {
  name: string;
  load: Load;
  requests: number;
}

export interface Course {
  name: string;
  /** What happens, for the title. */
  text: string;
  phases: Phase[];
  /** The number of popular keys that are counted, from `key:1` on. */
  popular: number;
  /** The text of a file with a key per line, instead of phases. */
  lines?: Uint8Array;
}

/** The popular keys, and the number of them. */
const POPULAR = 400;

function load(fields: Partial<Load>): Load {
  const sizes = { sizeMin: 60, sizeMax: 90 };
  const plain = {
    keys: POPULAR,
    skew: 0,
    reads: 100,
    ttl: 0,
    rate: 1000,
    seed: 1,
    first: 0,
    scan: 0,
  };
  return { ...plain, ...sizes, ...fields };
}

const popular = (seed: number) => load({ keys: POPULAR, skew: 80, seed });
const scan = (seed: number) =>
  load({ keys: 3000, scan: 1, first: 1_000_000 * seed, skew: 0, seed });

export const COURSES: readonly Course[] = [
  {
    name: "A scan, twice",
    text: "A scan of keys that nobody asks for again passes twice.",
    popular: POPULAR,
    phases: [
      { name: `Warm-up: ${POPULAR} popular keys`, load: popular(1), requests: 8000 },
      { name: "Scan", load: scan(2), requests: 3000 },
      { name: "Popular keys again", load: popular(3), requests: 5000 },
      { name: "Scan", load: scan(4), requests: 3000 },
      { name: "Popular keys again", load: popular(5), requests: 6000 },
    ],
  },
  {
    name: "Sizes shift",
    text: "Half-way through, the values become six times as large.",
    popular: POPULAR,
    phases: [
      { name: "Small values", load: popular(1), requests: 9000 },
      {
        name: "Large values",
        load: load({ keys: POPULAR, skew: 80, sizeMin: 360, sizeMax: 540, first: 10_000, seed: 2 }),
        requests: 9000,
      },
      { name: "Small values again", load: popular(3), requests: 7000 },
    ],
  },
  {
    name: "A flash crowd",
    text: "All at once everybody asks for other keys, then comes back.",
    popular: POPULAR,
    phases: [
      { name: `Warm-up: ${POPULAR} popular keys`, load: popular(1), requests: 8000 },
      {
        name: "The crowd",
        load: load({ keys: 120, skew: 120, first: 500_000, seed: 2 }),
        requests: 6000,
      },
      { name: "Back to normal", load: popular(3), requests: 8000 },
    ],
  },
];

/** A race over the keys of a file. */
export function fileCourse(name: string, lines: Uint8Array): Course {
  const requests = lines.filter((byte) => byte === 10).length + 1;
  return {
    name,
    text: `The keys of ${name}, in its order.`,
    popular: 0,
    lines,
    phases: [{ name, load: load({ rate: 1000 }), requests }],
  };
}

export function requestsOf(course: Course): number {
  return course.phases.reduce((sum, { requests }) => sum + requests, 0);
}
