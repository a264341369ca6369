// A load on the cache, and on a second one beside it if the visitor wants to compare.

import { element, make } from "./dom.ts";
import {
  breathe,
  defaultLoad,
  defaults,
  Engine,
  type Load,
  type Settings,
  watch,
} from "./engine.ts";
import { Progress } from "./progress.ts";
import { sizesOf } from "./settings.ts";
import { Slicer } from "./slices.ts";
import type { Stage } from "./stage.ts";
import { bytes, sentence } from "./units.ts";

/** The largest file of keys, in bytes. */
const FILE_MAX = 64 << 20;
/** How often it is told where a load is, in milliseconds. */
const TOLD_EVERY = 50;
/** What is offered to whoever wants to see a cache at work: it fills, evicts and expires. */
const BUSY = { keys: 5000, ttl: 60, rate: 300 };

/** A load that is under way. */
interface Run {
  operations: number;
  done: number;
  slicer: Slicer;
  /** When it was last told where it is. */
  told: number;
  /** Operations for each second that the clock lets pass; if not given, as fast as it can. */
  rate: number | undefined;
}

export class Workload {
  readonly #stage: Stage;
  readonly #settings: () => Settings;
  readonly #form = element<HTMLFormElement>("#load-form");
  readonly #status = element("#load-status");
  readonly #button = element<HTMLButtonElement>("#load-run");
  readonly #live = element<HTMLInputElement>("#live");
  readonly #compare = element<HTMLInputElement>("#compare");
  readonly #other = element<HTMLFieldSetElement>("#other");
  readonly #progress = new Progress();
  #rival: Engine | undefined;
  #run: Run | undefined;
  #lines: Uint8Array | undefined;
  readonly #runClock: () => void;

  /** `settings` says what the cache of the stage is made from, `runClock` lets time pass. */
  constructor(stage: Stage, settings: () => Settings, runClock: () => void) {
    this.#stage = stage;
    this.#settings = settings;
    this.#runClock = runClock;
    this.#fill(defaultLoad());
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      if (this.#run === undefined) void this.#begin();
      else this.#end(this.#run);
    });
    this.#compare.addEventListener("change", () => this.#offer());
    const memory = element<HTMLInputElement>("#other-memory");
    memory.addEventListener("input", () => {
      // The sizes that fit follow from the memory.
      const sizes = defaults(Math.round(Number(memory.value) * 1024)).slabSizes;
      element<HTMLInputElement>("#other-sizes").value = sizes.join(", ");
    });
    element("#measure").addEventListener("click", () => void this.#measure());
    this.#takeFiles();
    stage.onReplaced(() => {
      if (this.#run !== undefined) this.#stop();
      this.#progress.clear();
    });
  }

  /** Draws the charts in the colours of another theme. */
  redraw(): void {
    this.#progress.redraw();
  }

  /** Runs this load, as a scenario says. */
  async play(load: Load, operations: number, isNew: boolean): Promise<void> {
    if (this.#run !== undefined) this.#end(this.#run);
    this.#fill(load);
    const isAlone = this.#rival === undefined;
    this.#dropRival();
    if (isNew) this.#stage.startLoad(load);
    if (isNew || !isAlone) this.#progress.begin(this.#engines());
    if (operations > 0) await this.#go(operations);
  }

  /** Begins a load that goes with the clock, for whoever wants to see a cache at work. */
  showBusy(): void {
    this.#fill({ ...defaultLoad(), ...BUSY });
    this.#named(undefined, "");
    this.#live.checked = true;
    this.#compare.checked = false;
    this.#offer();
    void this.#begin();
  }

  #number(name: string): HTMLInputElement {
    return element<HTMLInputElement>(`#load-${name}`);
  }

  #fill(load: Load): void {
    for (const [name, value] of Object.entries({ ...load, skew: load.skew / 100 })) {
      this.#number(name).value = String(value);
    }
  }

  #load(): Load {
    const names = Object.keys(defaultLoad());
    const numbers = names.map((name) => [name, Number(this.#number(name).value)]);
    const load = Object.fromEntries(numbers) as Load;
    return { ...load, skew: Math.round(load.skew * 100) };
  }

  async #begin(): Promise<void> {
    const operations = Number(this.#number("operations").value);
    const load = this.#load();
    try {
      this.#dropRival();
      this.#stage.startLoad(load, this.#lines);
      if (this.#compare.checked) {
        this.#rival = Engine.create(this.#otherSettings());
        this.#rival.startLoad(load, this.#lines);
      }
    } catch (error) {
      this.#status.textContent = sentence(error);
      return;
    }
    this.#progress.begin(this.#engines());
    await this.#go(operations, this.#live.checked ? load.rate : undefined);
  }

  #dropRival(): void {
    this.#rival?.free();
    this.#rival = undefined;
  }

  #engines(): Engine[] {
    return this.#rival === undefined ? [this.#stage.engine] : [this.#stage.engine, this.#rival];
  }

  /** Slice by slice, so that the page stays awake; with a rate as time passes. */
  async #go(operations: number, rate?: number): Promise<void> {
    const run: Run = { operations, done: 0, slicer: new Slicer(watch), told: 0, rate };
    this.#run = run;
    this.#progress.plan(
      rate === undefined ? operations / 200 : Math.max(rate / 2, operations / 1000),
    );
    this.#button.textContent = "Stop";
    if (rate !== undefined) return this.#goWithTime(run, rate);
    while (this.#run === run) {
      this.#slice(run, operations);
      await breathe();
    }
  }

  /** So many operations in each second that the clock lets pass. */
  #goWithTime(run: Run, rate: number): void {
    let due = 0;
    this.#stage.pacer = (millis) => {
      // What cannot be done in time is forgotten, or it would pile up.
      due = Math.min(due + (millis * rate) / 1000, Math.max(1, rate));
      due -= this.#slice(run, Math.floor(due));
    };
    this.#runClock();
  }

  /** Does a slice of up to so many operations, and says how many these were. */
  #slice(run: Run, operations: number): number {
    const wanted = Math.min(operations, run.operations - run.done);
    const before = run.done;
    const work = (pieces: number) => this.#operate(run, pieces);
    const { isOver } = run.slicer.slice(wanted, work);
    if (isOver || run.done === run.operations) this.#end(run);
    else if (run.rate !== undefined || watch() - run.told >= TOLD_EVERY) {
      this.#tell(run, run.operations);
    }
    return run.done - before;
  }

  #operate(run: Run, operations: number): number {
    const end = run.done + operations;
    let isOver = false;
    while (run.done < end && !isOver) {
      const batch = Math.min(end - run.done, this.#progress.next);
      const ran = this.#stage.runLoad(batch);
      this.#rival?.runLoad(batch);
      run.done += ran;
      isOver = ran < batch;
      this.#progress.did(ran, isOver || run.done === run.operations);
    }
    return operations - (end - run.done);
  }

  /** The load is at its end, or the visitor has had enough of it. */
  #end(run: Run): void {
    this.#stop();
    this.#tell(run, run.done);
    this.#status.dataset.longest = run.slicer.longest.toFixed(1);
  }

  #stop(): void {
    this.#run = undefined;
    this.#stage.pacer = undefined;
    this.#button.textContent = "Run";
  }

  #tell(run: Run, of: number): void {
    run.told = watch();
    this.#progress.tell(run.done, of, run.rate === undefined ? run.slicer.spent : undefined);
  }

  /** The other cache's settings, at first those of this one with another policy. */
  #offer(): void {
    this.#other.hidden = !this.#compare.checked;
    this.#other.disabled = !this.#compare.checked;
    const own = this.#settings();
    element<HTMLInputElement>("#other-memory").value = String(own.memory / 1024);
    element<HTMLInputElement>("#other-sizes").value = own.slabSizes.join(", ");
    element<HTMLSelectElement>("#other-policy").value = own.policy === "lru" ? "s3lru" : "lru";
  }

  #otherSettings(): Settings {
    const memory = Math.round(Number(element<HTMLInputElement>("#other-memory").value) * 1024);
    const sizes = sizesOf(element<HTMLInputElement>("#other-sizes").value);
    const policy = element<HTMLSelectElement>("#other-policy").value as Settings["policy"];
    return { ...defaults(memory), slabSizes: sizes, policy, maxItems: this.#settings().maxItems };
  }

  /** A file with a key per line can be chosen, or dropped anywhere on the load. */
  #takeFiles(): void {
    const place = element("#load");
    const input = element<HTMLInputElement>("#load-file");
    input.addEventListener("change", () => void this.#take(input.files?.[0]));
    place.addEventListener("dragover", (event) => event.preventDefault());
    place.addEventListener("drop", (event) => {
      event.preventDefault();
      void this.#take(event.dataTransfer?.files[0]);
    });
    element("#load-generated").addEventListener("click", () => {
      input.value = "";
      this.#named(undefined, "");
    });
  }

  async #take(file: File | undefined): Promise<void> {
    if (file === undefined) return;
    if (file.size > FILE_MAX) {
      this.#status.textContent = `${file.name} is too large: ${bytes(FILE_MAX)} at most.`;
      return;
    }
    const lines = new Uint8Array(await file.arrayBuffer());
    this.#named(lines, `Keys come from ${file.name}, ${bytes(file.size)}, in its order.`);
    this.#number("operations").value = String(lines.filter((byte) => byte === 10).length + 1);
  }

  #named(lines: Uint8Array | undefined, text: string): void {
    this.#lines = lines;
    element("#load-source").textContent = text;
    element("#load-generated").hidden = lines === undefined;
  }

  /** How many gets per second the engine does in this page. */
  async #measure(): Promise<void> {
    const output = element("#measured");
    output.textContent = "measuring…";
    await breathe();
    const rate = await measure();
    output.replaceChildren(
      make("strong", { textContent: `${(rate / 1e6).toFixed(2)} million` }),
      " gets per second, in this page, with one thread.",
    );
    output.dataset.rate = String(Math.round(rate));
  }
}

/** Gets of 100,000 keys with 64 bytes each, all of them hits, in slices. */
async function measure(): Promise<number> {
  const [keys, gets] = [100_000, 1_000_000];
  const engine = Engine.create(defaults(32 << 20));
  const run = async (operations: number, load: Partial<Load>) => {
    const alike = { keys, skew: 0, sizeMin: 64, sizeMax: 64, rate: 1_000_000 };
    engine.startLoad({ ...defaultLoad(), ...alike, ...load });
    const slicer = new Slicer(watch);
    for (let done = 0; done < operations; await breathe()) {
      done += slicer.slice(operations - done, (pieces) => engine.runLoad(pieces)).done;
    }
    return slicer.spent;
  };
  await run(5 * keys, { reads: 0 });
  const spent = await run(gets, { reads: 100 });
  engine.free();
  return (1000 * gets) / spent;
}
