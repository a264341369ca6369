// What the cache has learned about its use: which keys are hot, and whether its memory is enough.

import { curve } from "./curve.ts";
import { element, write } from "./dom.ts";
import type { Engine } from "./engine.ts";
import { realTime } from "./frames.ts";
import { hotKeys } from "./hot-keys.ts";
import { bytes, sentence } from "./units.ts";

/** Real milliseconds between two drawings: what is shown changes slowly. */
const PERIOD = 1000;

export class Insight {
  readonly #panel = element("#panel-hot");
  readonly #keys = element("#hot-keys");
  readonly #plot = element("#enough .plot");
  readonly #canvas = element<HTMLCanvasElement>("#enough canvas");
  #drawnAt = -PERIOD;

  /** Draws again soon: the panel was opened, or another cache is shown. */
  refresh(): void {
    this.#drawnAt = -PERIOD;
  }

  /** Draws if it is time to; `limit` is the memory of the cache. True if it did. */
  draw(engine: Engine, limit: number): boolean {
    if (this.#panel.hidden || realTime() - this.#drawnAt < PERIOD) return false;
    this.#drawnAt = realTime();
    hotKeys(this.#keys, engine.hotKeys());
    const predictions = engine.predictions();
    // A number and its unit stay on one line.
    write(element("#enough p"), sentence(engine.advice()).replaceAll(" %", "\u00a0%"));
    this.#plot.hidden = predictions.length === 0;
    curve(this.#canvas, predictions, bytes(limit), (factor) => bytes(Math.round(factor * limit)));
    return true;
  }
}
