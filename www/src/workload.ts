// A load on the cache, and on a second one beside it if the visitor wants to compare.

import { Chart, short } from "./charts.ts";
import { element, make } from "./dom.ts";
import {
  breathe,
  defaultLoad,
  defaults,
  Engine,
  type Load,
  type Settings,
  type Stats,
  watch,
} from "./engine.ts";
import type { Stage } from "./stage.ts";
import { bytes, count, percent } from "./units.ts";

/** Real milliseconds that a slice of the load takes; then the page draws. */
const SLICE = 8;
/** Operations between two looks at the watch. */
const BATCH = 250;
/** Points of a chart. */
const POINTS = 200;
/** What lies between two marks of memory, in bytes. */
const POWERS = Array.from({ length: 32 }, (_, at) => 2 ** at);
/** The largest file of keys, in bytes. */
const FILE_MAX = 64 << 20;
const NUMBERS: (keyof Load)[] = [
  "keys",
  "skew",
  "sizeMin",
  "sizeMax",
  "reads",
  "ttl",
  "rate",
  "seed",
];

export class Workload {
  readonly #stage: Stage;
  readonly #settings: () => Settings;
  readonly #form = element<HTMLFormElement>("#load-form");
  readonly #status = element("#load-status");
  readonly #button = element<HTMLButtonElement>("#load-run");
  readonly #compare = element<HTMLInputElement>("#compare");
  readonly #other = element("#other");
  readonly #charts = {
    hits: new Chart("chart-hits", (value) => `${Math.round(value)} %`, 100),
    memory: new Chart("chart-memory", bytes, 1 << 18, POWERS),
    evictions: new Chart("chart-evictions", short, 1000),
  };
  #rival: Engine | undefined;
  /** What the engines had counted at the last point, and when the load began. */
  #before: Stats[] = [];
  #began: Stats[] = [];
  #isRunning = false;
  #lines: Uint8Array | undefined;

  /** `settings` says what the cache of the stage is made from. */
  constructor(stage: Stage, settings: () => Settings) {
    this.#stage = stage;
    this.#settings = settings;
    const load = defaultLoad();
    for (const name of NUMBERS) this.#number(name).value = String(load[name]);
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      if (this.#isRunning) this.stop();
      else void this.#run();
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
    stage.onReplaced(() => this.stop());
  }

  /** Ends the load after the slice that is under way. */
  stop(): void {
    this.#isRunning = false;
  }

  /** Draws the charts in the colours of another theme. */
  redraw(): void {
    for (const chart of Object.values(this.#charts)) chart.redraw();
  }

  /** Runs this load, as a scenario says. */
  async play(load: Load, operations: number, isNew: boolean): Promise<void> {
    for (const name of NUMBERS) this.#number(name).value = String(load[name]);
    this.#dropRival();
    if (isNew) {
      this.#stage.startLoad(load);
      this.#begin();
    }
    if (operations > 0) await this.#go(operations);
  }

  #number(name: string): HTMLInputElement {
    return element<HTMLInputElement>(`#load-${name}`);
  }

  #load(): Load {
    const entries = NUMBERS.map((name) => [name, Number(this.#number(name).value)]);
    return Object.fromEntries(entries) as Load;
  }

  async #run(): Promise<void> {
    const operations = Number(this.#number("operations").value);
    try {
      this.#dropRival();
      const load = this.#load();
      this.#stage.startLoad(load, this.#lines);
      if (this.#compare.checked) {
        this.#rival = Engine.create(this.#otherSettings());
        this.#rival.startLoad(load, this.#lines);
      }
    } catch (error) {
      this.#status.textContent = sentence(error);
      return;
    }
    this.#begin();
    await this.#go(operations);
  }

  #dropRival(): void {
    this.#rival?.free();
    this.#rival = undefined;
  }

  #begin(): void {
    for (const chart of Object.values(this.#charts)) chart.clear();
    this.#before = this.#engines().map((engine) => engine.stats());
    this.#began = this.#before;
  }

  #engines(): Engine[] {
    return this.#rival === undefined ? [this.#stage.engine] : [this.#stage.engine, this.#rival];
  }

  /** Slice by slice, so that the page stays awake. */
  async #go(operations: number): Promise<void> {
    this.#setRunning(true);
    const point = Math.max(1, Math.round(operations / POINTS));
    let [done, spent, isOver] = [0, 0, false];
    while (this.#isRunning && !isOver && done < operations) {
      const began = watch();
      do {
        const batch = Math.min(BATCH, operations - done, point - (done % point));
        const ran = this.#stage.runLoad(batch);
        this.#rival?.runLoad(batch);
        isOver = ran < batch;
        done += ran;
        if (done % point === 0 || isOver || done === operations) this.#point(done);
      } while (watch() - began < SLICE && !isOver && done < operations);
      spent += watch() - began;
      this.#tell(done, operations, spent);
      await breathe();
    }
    this.#setRunning(false);
    this.#tell(done, done, spent);
  }

  #setRunning(on: boolean): void {
    this.#isRunning = on;
    this.#button.textContent = on ? "Stop" : "Run";
  }

  /** Adds a point to each chart: what has happened since the last one. */
  #point(done: number): void {
    const now = this.#engines().map((engine) => engine.stats());
    const ratio = now.map((stats, at) => {
      const before = this.#before[at] ?? stats;
      const gets = stats.gets - before.gets;
      return gets === 0 ? 0 : (100 * (stats.hits - before.hits)) / gets;
    });
    this.#charts.hits.add(done, ratio);
    this.#charts.memory.add(
      done,
      now.map((stats) => stats.bytes),
    );
    const evicted = now.map((stats, at) => stats.evictions - (this.#began[at] ?? stats).evictions);
    this.#charts.evictions.add(done, evicted);
    this.#before = now;
  }

  #tell(done: number, of: number, spent: number): void {
    const stats = this.#engines().map((engine) => engine.stats());
    const both = (text: (stats: Stats, began: Stats) => string) => {
      const [first = "", second] = stats.map((now, at) => text(now, this.#began[at] ?? now));
      return second === undefined ? first : `This cache: ${first}. The other: ${second}`;
    };
    const { hits, memory, evictions } = this.#charts;
    const ratio = (now: Stats, began: Stats) =>
      percent(now.hits - began.hits, now.gets - began.gets);
    hits.draw(`${both((now, began) => `${ratio(now, began)} of all reads hit`)}.`);
    memory.draw(`${both((now) => `${bytes(now.bytes)} in ${count(now.items)} items`)}.`);
    evictions.draw(`${both((now, began) => `${count(now.evictions - began.evictions)} evicted`)}.`);
    const caches = stats.length;
    const rate =
      spent > 0 ? `, ${short((1000 * done * caches) / spent)} operations per second` : "";
    const state =
      done < of ? `${count(done)} of ${count(of)} operations` : `${count(done)} operations done`;
    this.#status.textContent = `${state}${rate}.`;
  }

  /** The other cache's settings, at first those of this one with another policy. */
  #offer(): void {
    this.#other.hidden = !this.#compare.checked;
    const own = this.#settings();
    element<HTMLInputElement>("#other-memory").value = String(own.memory / 1024);
    element<HTMLInputElement>("#other-sizes").value = own.slabSizes.join(", ");
    element<HTMLSelectElement>("#other-policy").value = own.policy === "lru" ? "s3lru" : "lru";
  }

  #otherSettings(): Settings {
    const memory = Math.round(Number(element<HTMLInputElement>("#other-memory").value) * 1024);
    const sizes = element<HTMLInputElement>("#other-sizes").value.split(",").map(Number);
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
  const load = { ...defaultLoad(), keys, skew: 0, sizeMin: 64, sizeMax: 64, rate: 1_000_000 };
  engine.startLoad({ ...load, reads: 0 });
  for (let done = 0; done < 5 * keys; done += 5000) {
    engine.runLoad(5000);
    if (done % 20_000 === 0) await breathe();
  }
  engine.startLoad({ ...load, reads: 100 });
  let spent = 0;
  for (let done = 0; done < gets; done += 5000) {
    const began = watch();
    engine.runLoad(5000);
    spent += watch() - began;
    await breathe();
  }
  engine.free();
  return (1000 * gets) / spent;
}

/** The message of an error, as a sentence. */
export function sentence(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.charAt(0).toUpperCase() + text.slice(1).replace(/\.?$/, ".");
}
