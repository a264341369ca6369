// Runs loads on the cache, and on a second cache to compare with.

import { element, make } from "./dom.ts";
import { defaultLoad, defaults, Engine, type Load, type Settings } from "./engine.ts";
import { realTime, yieldToBrowser } from "./frames.ts";
import type { Model } from "./model.ts";
import { loadOf, PRESETS } from "./presets.ts";
import { Progress } from "./progress.ts";
import { sizesOf } from "./settings.ts";
import { Slicer } from "./slices.ts";
import { bytes, sentence } from "./units.ts";

/** The largest file of keys, in bytes. */
const FILE_MAX = 64 << 20;
/** Milliseconds between two progress reports of a load. */
const REPORT_INTERVAL = 250;

/** The operations between two samples of what is done at once. */
const WARM_STEP = 75;

/** A load in progress. */
interface Run {
  /** The number of operations; infinite for a load that goes on until it is stopped. */
  operations: number;
  done: number;
  slicer: Slicer;
  /** When its progress was last reported. */
  reported: number;
  /** Operations per second of the page's clock; `undefined` at full speed. */
  rate: number | undefined;
}

export class Workload {
  readonly #model: Model;
  readonly #settings: () => Settings;
  readonly #form = element<HTMLFormElement>("#load-form");
  readonly #status = element("#load-status");
  readonly #button = element<HTMLButtonElement>("#load-run");
  readonly #stopButton = element<HTMLButtonElement>("#load-stop");
  readonly #realTime = element<HTMLInputElement>("#real-time");
  readonly #compare = element<HTMLInputElement>("#compare");
  readonly #second = element<HTMLFieldSetElement>("#second");
  readonly #progress = new Progress();
  readonly #presets: HTMLButtonElement[];
  #secondEngine: Engine | undefined;
  #run: Run | undefined;
  #lines: Uint8Array | undefined;
  readonly #runClock: () => void;

  /** `settings` returns the settings of the current cache, `runClock` starts the clock. */
  constructor(model: Model, settings: () => Settings, runClock: () => void) {
    this.#model = model;
    this.#settings = settings;
    this.#runClock = runClock;
    this.#fill(defaultLoad());
    this.#presets = PRESETS.map((preset, at) => {
      const button = make("button", {
        type: "button",
        textContent: preset.name,
        title: preset.title,
      });
      button.ariaPressed = "false";
      button.addEventListener("click", () => this.showPreset(at));
      return button;
    });
    element("#presets").append(...this.#presets);
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      if (this.#run?.operations === Infinity) this.#end(this.#run);
      if (this.#run === undefined) void this.#start();
      else this.#end(this.#run);
    });
    this.#stopButton.addEventListener("click", () => {
      if (this.#run !== undefined) this.#end(this.#run);
    });
    this.#compare.addEventListener("change", () => this.#showSecond());
    const memory = element<HTMLInputElement>("#second-memory");
    memory.addEventListener("input", () => {
      // The default slab sizes depend on the memory.
      const sizes = defaults(Math.round(Number(memory.value) * 1024)).slabSizes;
      element<HTMLInputElement>("#second-sizes").value = sizes.join(", ");
    });
    element("#measure").addEventListener("click", () => void this.#measure());
    this.#takeFiles();
    model.onReplace(() => {
      this.#stop();
      this.#freeSecond();
      this.#progress.clear();
    });
  }

  /** Draws the charts again: the theme or the size has changed. */
  redraw(): void {
    this.#progress.redraw();
  }

  /** Whether a load is running in real time. */
  get isLive(): boolean {
    return this.#run?.rate !== undefined;
  }

  /** Goes on with another engine: time went on from an earlier moment. */
  follow(): void {
    this.#freeSecond();
    this.#progress.start(this.#engines());
  }

  /** Runs this load for a scenario. */
  async play(load: Load, operations: number, isNew: boolean): Promise<void> {
    if (this.#run !== undefined) this.#end(this.#run);
    const isAlone = this.#secondEngine === undefined;
    this.#freeSecond();
    if (isNew) this.#model.startLoad(load);
    if (isNew || !isAlone) this.#progress.start(this.#engines());
    if (operations > 0) await this.#runLoad(operations);
  }

  /** Runs a load of one word in real time, until it is stopped; so many operations at once. */
  showPreset(at: number, operations = 0): void {
    const preset = PRESETS[at];
    if (preset === undefined) return;
    if (this.#run !== undefined) this.#end(this.#run);
    this.#freeSecond();
    const load = loadOf(preset);
    this.#model.startLoad(load);
    this.#progress.start(this.#engines());
    this.#presets.forEach((button, other) => {
      button.ariaPressed = String(other === at);
    });
    for (let done = 0; done < operations; done += WARM_STEP) {
      this.#model.runLoad(Math.min(WARM_STEP, operations - done));
    }
    void this.#runLoad(Infinity, load.rate);
  }

  #number(name: string): HTMLInputElement {
    return element<HTMLInputElement>(`#load-${name}`);
  }

  #fill(load: Load): void {
    for (const [name, value] of Object.entries({ ...load, skew: load.skew / 100 })) {
      if (name === "scan") this.#number(name).checked = value === 1;
      else this.#number(name).value = String(value);
    }
  }

  #load(): Load {
    const number = (name: string) =>
      name === "scan" ? Number(this.#number(name).checked) : Number(this.#number(name).value);
    const names = Object.keys(defaultLoad());
    const load = Object.fromEntries(names.map((name) => [name, number(name)])) as unknown as Load;
    return { ...load, skew: Math.round(load.skew * 100) };
  }

  async #start(): Promise<void> {
    const operations = Number(this.#number("operations").value);
    const load = this.#load();
    try {
      this.#freeSecond();
      const second = this.#compare.checked ? Engine.create(this.#secondSettings()) : undefined;
      // A comparison is fair only if both caches begin empty.
      if (second !== undefined) this.#model.replace(Engine.create(this.#settings()));
      this.#secondEngine = second;
      this.#model.startLoad(load, this.#lines);
      this.#secondEngine?.startLoad(load, this.#lines);
    } catch (error) {
      this.#freeSecond();
      this.#status.textContent = sentence(error);
      return;
    }
    this.#progress.start(this.#engines());
    await this.#runLoad(operations, this.#realTime.checked ? load.rate : undefined);
  }

  #freeSecond(): void {
    this.#secondEngine?.free();
    this.#secondEngine = undefined;
  }

  #engines(): Engine[] {
    const { engine } = this.#model;
    return this.#secondEngine === undefined ? [engine] : [engine, this.#secondEngine];
  }

  /** Runs in slices, so that the page stays responsive; with a rate, in real time. */
  async #runLoad(operations: number, rate?: number): Promise<void> {
    const run: Run = { operations, done: 0, slicer: new Slicer(realTime), reported: 0, rate };
    this.#run = run;
    this.#progress.plan(
      rate === undefined
        ? operations / 200
        : operations === Infinity
          ? rate / 2
          : Math.max(rate / 2, operations / 1000),
    );
    this.#button.textContent = operations === Infinity ? "Run" : "Stop";
    this.#stopButton.hidden = false;
    if (rate !== undefined) return this.#runInRealTime(run, rate);
    while (this.#run === run) {
      this.#slice(run, operations);
      await yieldToBrowser();
    }
  }

  /** Does `rate` operations per second of the page's clock. */
  #runInRealTime(run: Run, rate: number): void {
    let due = 0;
    this.#model.pacer = (millis) => {
      // Operations that cannot be done in time are dropped, or they would pile up.
      due = Math.min(due + (millis * rate) / 1000, Math.max(1, rate));
      due -= this.#slice(run, Math.floor(due));
    };
    this.#runClock();
  }

  /** Does a slice of up to this number of operations, and returns how many it did. */
  #slice(run: Run, operations: number): number {
    const wanted = Math.min(operations, run.operations - run.done);
    const before = run.done;
    const work = (pieces: number) => this.#operate(run, pieces);
    const { isDone } = run.slicer.slice(wanted, work);
    if (isDone || run.done === run.operations) this.#end(run);
    else if (realTime() - run.reported >= REPORT_INTERVAL) {
      this.#report(run, run.operations);
    }
    return run.done - before;
  }

  #operate(run: Run, operations: number): number {
    const end = run.done + operations;
    let isDone = false;
    while (run.done < end && !isDone) {
      const batch = Math.min(end - run.done, this.#progress.next);
      const ran = this.#model.runLoad(batch);
      this.#secondEngine?.runLoad(batch);
      run.done += ran;
      isDone = ran < batch;
      this.#progress.count(ran, isDone || run.done === run.operations);
    }
    return operations - (end - run.done);
  }

  /** Ends the load: it is done, or the visitor has stopped it. */
  #end(run: Run): void {
    this.#stop();
    this.#report(run, run.done);
    this.#status.dataset.longest = run.slicer.longest.toFixed(1);
  }

  #stop(): void {
    this.#run = undefined;
    this.#model.pacer = undefined;
    this.#button.textContent = "Run";
    this.#stopButton.hidden = true;
    for (const button of this.#presets) button.ariaPressed = "false";
  }

  #report(run: Run, of: number): void {
    run.reported = realTime();
    this.#progress.report(run.done, of, run.rate === undefined ? run.slicer.spent : undefined);
  }

  /** Offers settings for the second cache: those of this one with the other policy. */
  #showSecond(): void {
    this.#second.hidden = !this.#compare.checked;
    this.#second.disabled = !this.#compare.checked;
    const settings = this.#settings();
    element<HTMLInputElement>("#second-memory").value = String(settings.memory / 1024);
    element<HTMLInputElement>("#second-sizes").value = settings.slabSizes.join(", ");
    const policy = settings.policy === "lru" ? "s3lru" : "lru";
    element<HTMLSelectElement>("#second-policy").value = policy;
  }

  #secondSettings(): Settings {
    const memory = Math.round(Number(element<HTMLInputElement>("#second-memory").value) * 1024);
    const sizes = sizesOf(element<HTMLInputElement>("#second-sizes").value);
    const policy = element<HTMLSelectElement>("#second-policy").value as Settings["policy"];
    return { ...defaults(memory), slabSizes: sizes, policy, maxItems: this.#settings().maxItems };
  }

  /** Accepts a file with a key per line, chosen or dropped anywhere on the section. */
  #takeFiles(): void {
    const section = element("#load");
    const input = element<HTMLInputElement>("#load-file");
    input.addEventListener("change", () => void this.#take(input.files?.[0]));
    section.addEventListener("dragover", (event) => event.preventDefault());
    section.addEventListener("drop", (event) => {
      event.preventDefault();
      void this.#take(event.dataTransfer?.files[0]);
    });
    element("#load-generated").addEventListener("click", () => {
      input.value = "";
      this.#useFile(undefined, "");
    });
  }

  async #take(file: File | undefined): Promise<void> {
    if (file === undefined) return;
    if (file.size > FILE_MAX) {
      this.#status.textContent = `${file.name} is too large: ${bytes(FILE_MAX)} at most.`;
      return;
    }
    const lines = new Uint8Array(await file.arrayBuffer());
    this.#useFile(lines, `Keys from ${file.name}, ${bytes(file.size)}, in the file’s order.`);
    this.#number("operations").value = String(lines.filter((byte) => byte === 10).length + 1);
  }

  #useFile(lines: Uint8Array | undefined, text: string): void {
    this.#lines = lines;
    element("#load-source").textContent = text;
    element("#load-generated").hidden = lines === undefined;
  }

  /** Measures the gets per second of the engine in this page. */
  async #measure(): Promise<void> {
    const output = element("#measured");
    output.textContent = "measuring…";
    await yieldToBrowser();
    const rate = await measure();
    output.replaceChildren(
      make("strong", { textContent: `${(rate / 1e6).toFixed(2)} million` }),
      " gets per second in this page, with one thread.",
    );
    output.dataset.rate = String(Math.round(rate));
  }
}

/** Gets of 100,000 keys with values of 64 bytes, all of them hits, in slices. */
async function measure(): Promise<number> {
  const [keys, gets] = [100_000, 1_000_000];
  const engine = Engine.create(defaults(32 << 20));
  const run = async (operations: number, load: Partial<Load>) => {
    const uniform = { keys, skew: 0, sizeMin: 64, sizeMax: 64, rate: 1_000_000 };
    engine.startLoad({ ...defaultLoad(), ...uniform, ...load });
    const slicer = new Slicer(realTime);
    for (let done = 0; done < operations; await yieldToBrowser()) {
      done += slicer.slice(operations - done, (pieces) => engine.runLoad(pieces)).done;
    }
    return slicer.spent;
  };
  await run(5 * keys, { reads: 0 });
  const spent = await run(gets, { reads: 100 });
  engine.free();
  return (1000 * gets) / spent;
}
