// Does work in slices, so that the page stays responsive, whatever a piece of the work costs.

/** The time of a slice in milliseconds, after which the page draws and handles input. */
export const SLICE = 8;
/** The time between two readings of the clock in milliseconds, estimated from earlier pieces. */
const BATCH = 1;
/** The most pieces between two readings, for a clock that is coarse or stands still. */
const PIECES_MAX = 4096;

/** Does up to this number of pieces, and returns how many: fewer at the end of the work. */
export type Work = (pieces: number) => number;

export class Slicer {
  readonly #clock: () => number;
  /** The number of pieces between two readings of the clock. */
  #pieces = 1;
  /** The time of the longest slice and of all slices, in milliseconds. */
  longest = 0;
  spent = 0;

  /** `clock` returns the real time in milliseconds. */
  constructor(clock: () => number) {
    this.#clock = clock;
  }

  /** Does a slice of up to `wanted` pieces, and returns how many: fewer at the end of its time. */
  slice(wanted: number, work: Work): { done: number; isDone: boolean } {
    const start = this.#clock();
    let [done, isDone, before] = [0, false, start];
    while (done < wanted && !isDone && before - start < SLICE) {
      const batch = Math.min(this.#pieces, wanted - done);
      const ran = work(batch);
      const now = this.#clock();
      this.#adapt(batch, now - before);
      isDone = ran < batch;
      done += ran;
      before = now;
    }
    this.longest = Math.max(this.longest, before - start);
    this.spent += before - start;
    return { done, isDone };
  }

  #adapt(batch: number, took: number): void {
    if (took > BATCH) this.#pieces = Math.max(1, Math.floor((batch * BATCH) / took));
    else if (took < BATCH / 2) this.#pieces = Math.min(2 * this.#pieces, PIECES_MAX);
  }
}
