// Loads in one word each.

import { defaultLoad, type Load } from "./engine.ts";

export interface Preset {
  name: string;
  title: string;
  load: Partial<Load>;
}

/** In real time; the first one is that of the first visit. */
export const PRESETS: readonly Preset[] = [
  {
    name: "Popular keys",
    title: "5,000 keys, a few of them much more popular than the rest, 300 requests a second",
    load: { keys: 5000, ttl: 60, rate: 300 },
  },
  {
    name: "All keys alike",
    title: "5,000 keys, each as often as the others",
    load: { keys: 5000, skew: 0, ttl: 60, rate: 300 },
  },
  {
    name: "Sessions",
    title: "Values that live 20 seconds at most, a third of the requests store",
    load: { keys: 600, skew: 60, sizeMin: 80, sizeMax: 400, reads: 66, ttl: 20, rate: 300 },
  },
  {
    name: "Pages",
    title: "Large values, each in several chunks",
    load: { keys: 800, sizeMin: 700, sizeMax: 6000, ttl: 60, rate: 120 },
  },
  {
    name: "Counters",
    title: "Small values that are stored all the time",
    load: { keys: 3000, skew: 90, sizeMin: 4, sizeMax: 24, reads: 40, ttl: 0, rate: 400 },
  },
  {
    name: "A scan",
    title: "100,000 keys, one after the other, that nobody asks for again",
    load: { keys: 100_000, scan: 1, first: 1_000_000, ttl: 0, rate: 300 },
  },
];

export function loadOf(preset: Preset | undefined): Load {
  return { ...defaultLoad(), ...preset?.load };
}
