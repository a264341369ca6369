// Work in slices, so that the page stays awake, whatever one piece of the work costs.

/** Milliseconds that a slice may take before the page draws and takes input. */
export const SLICE = 8;
/** Milliseconds between two looks at the watch, as near as the pieces before tell. */
const BATCH = 1;
/** The most pieces between two looks, for a watch that is coarse or stands still. */
const PIECES_MAX = 4096;

/** Does up to so many pieces, and says how many: fewer if there are no more. */
export type Work = (pieces: number) => number;

export class Slicer {
  readonly #watch: () => number;
  /** How many pieces are done between two looks at the watch. */
  #pieces = 1;
  /** The longest slice so far, in milliseconds, and all of them together. */
  longest = 0;
  spent = 0;

  /** `watch` tells the real time in milliseconds. */
  constructor(watch: () => number) {
    this.#watch = watch;
  }

  /** Does one slice of up to `wanted` pieces, and says how many: fewer if the time was over. */
  slice(wanted: number, work: Work): { done: number; isOver: boolean } {
    const began = this.#watch();
    let [done, isOver, before] = [0, false, began];
    while (done < wanted && !isOver && before - began < SLICE) {
      const batch = Math.min(this.#pieces, wanted - done);
      const ran = work(batch);
      const now = this.#watch();
      this.#adapt(batch, now - before);
      isOver = ran < batch;
      done += ran;
      before = now;
    }
    this.longest = Math.max(this.longest, before - began);
    this.spent += before - began;
    return { done, isOver };
  }

  #adapt(batch: number, took: number): void {
    if (took > BATCH) this.#pieces = Math.max(1, Math.floor((batch * BATCH) / took));
    else if (took < BATCH / 2) this.#pieces = Math.min(2 * this.#pieces, PIECES_MAX);
  }
}
