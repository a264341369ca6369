// The colours of the map in the current theme, ready for a canvas.

import { colour } from "../dom.ts";

/** What the colour of a chunk tells. */
export type Mode = "idle" | "expires" | "waste" | "read";

/** The steps of a scale: enough that neighbours look alike. */
const STEPS = 48;
/** How strongly the newest items stand out. */
const STRENGTH = 1.35;
/** The time that the scale of expiry covers, in milliseconds. */
export const EXPIRES_MAX = 60_000;

export class Palette {
  readonly paper = colour("--paper");
  readonly bed = colour("--bed");
  readonly ink = colour("--ink");
  readonly quiet = colour("--quiet");
  readonly rule = colour("--rule");
  readonly rule2 = colour("--rule2");
  readonly you = colour("--you");
  readonly wash = colour("--wash");
  readonly gone = colour("--gone");
  readonly time = colour("--t3");
  readonly never = colour("--never");
  readonly index = colour("--index");
  readonly isDark: boolean;
  readonly #stops = Array.from({ length: 7 }, (_, at) => colour(`--s${at}`));
  readonly #idle = ramp(this.#stops);
  readonly #expires = ramp(Array.from({ length: 6 }, (_, at) => colour(`--t${at}`)));

  constructor() {
    this.isDark = luminance(this.paper) < 0.5;
  }

  /** A stop of the blue scale, from 0 (idle) to 6 (just used). */
  stop(at: number): string {
    return this.#stops[at] ?? this.ink;
  }

  /** By the place in the eviction order: 0 is just used, 1 is next to go. */
  idle(place: number): string {
    return this.#idle[Math.round(strength(place) * (STEPS - 1))] ?? this.ink;
  }

  /** The stop that an item with a label has, and the colour of its text. */
  labelled(place: number): { fill: string; text: string } {
    const stop = Math.round(strength(place) * 6);
    const isDeep = this.isDark ? stop >= 3 : stop >= 4;
    const light = this.isDark ? this.paper : "#fff";
    return { fill: this.stop(stop), text: isDeep ? light : this.ink };
  }

  /** By the milliseconds until it expires. */
  expires(remaining: number): string {
    const soon = 1 - Math.min(1, remaining / EXPIRES_MAX);
    return this.#expires[Math.round(soon * (STEPS - 1))] ?? this.ink;
  }
}

export function strength(place: number): number {
  return (1 - Math.min(1, Math.max(0, place))) ** STRENGTH;
}

/** The channels of a computed colour. */
function channels(colour: string): number[] {
  return (colour.match(/[\d.]+/g) ?? []).slice(0, 3).map(Number);
}

function luminance(colour: string): number {
  const [red = 0, green = 0, blue = 0] = channels(colour);
  return (0.21 * red + 0.72 * green + 0.07 * blue) / 255;
}

/** The colours between the stops. */
function ramp(stops: string[]): string[] {
  return Array.from({ length: STEPS }, (_, step) => {
    const at = (step / (STEPS - 1)) * (stops.length - 1);
    const from = channels(stops[Math.floor(at)] ?? "");
    const to = channels(stops[Math.ceil(at)] ?? "");
    const mixed = from.map((value, channel) =>
      Math.round(value + ((to[channel] ?? value) - value) * (at % 1)),
    );
    return `rgb(${mixed.join(" ")})`;
  });
}
