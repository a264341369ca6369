// Connects the parts of the page, and draws the changes.

import "uplot/dist/uPlot.min.css";

import { Clock } from "./clock.ts";
import { element } from "./dom.ts";
import {
  defaults,
  Engine,
  onFrame,
  parse,
  realTime,
  type Settings,
  start as load,
} from "./engine.ts";
import { ItemView } from "./item.ts";
import { Lessons } from "./lessons.ts";
import { MemoryMap } from "./memory.ts";
import { Model } from "./model.ts";
import { Order } from "./order.ts";
import { Removals } from "./removals.ts";
import { Player } from "./scenario.ts";
import { SettingsDialog } from "./settings.ts";
import { Share } from "./share.ts";
import { Terminal } from "./terminal.ts";
import { themes } from "./theme.ts";
import { bytes, count, percent } from "./units.ts";
import { Wheel } from "./wheel.ts";
import { Wire } from "./wire.ts";
import { Workload } from "./workload.ts";

/** The memory of the first cache: small enough to be drawn completely. */
const MEMORY = 256 * 1024;
/** The most items that are drawn individually. */
const ITEMS_MAX = 20_000;
/** Milliseconds between drawings while only the time changes, and the minimum. */
const DRAW_INTERVAL = 250;
const DRAW_INTERVAL_MIN = 30;
/** The most items for which the digest is shown: it takes time to compute. */
const DIGEST_ITEMS_MAX = 5000;

/** Sets up the page, and returns its share dialog, which replays links. */
async function start(): Promise<Share> {
  await load();
  const settings: Settings = defaults(MEMORY);
  const model = new Model(Engine.create(settings));
  const wire = new Wire();
  const terminal = new Terminal(model, wire);
  const clock = new Clock(model);
  const dialog = new SettingsDialog(model, settings);
  const workload = new Workload(
    model,
    () => dialog.current,
    () => clock.run(true),
  );
  const player = new Player(model, terminal, workload);
  const views = new Views(model, clock);

  new Lessons(player, (settings) => {
    dialog.current = settings;
    clock.run(false);
  });
  const share = new Share(model, async (text) => {
    const scenario = parse(text);
    player.start(scenario);
    dialog.current = scenario.settings;
    clock.run(false);
    await player.perform(scenario.steps);
    terminal.note(`Replayed. The state’s digest is ${model.engine.digest()}.`);
  });

  themes(() => {
    views.changed();
    workload.redraw();
  });
  for (const button of document.querySelectorAll<HTMLButtonElement>("button[data-command]")) {
    const lines = (button.dataset.command ?? "").split("\n");
    button.addEventListener("click", () => terminal.sendLines(0, lines));
  }
  element("#busy").addEventListener("click", () => {
    dialog.reset();
    workload.showBusy();
    const memory = element("#memory");
    if (memory.getBoundingClientRect().top > innerHeight / 2) memory.scrollIntoView();
  });
  for (const button of document.querySelectorAll("dialog [data-close]")) {
    button.addEventListener("click", () => button.closest("dialog")?.close());
  }
  for (const control of document.querySelectorAll("[data-starting]")) {
    control.removeAttribute("disabled");
  }
  onFrame((elapsed) => {
    clock.frame(elapsed);
    terminal.frame();
    views.frame();
  });
  views.draw();
  if (!matchMedia("(pointer: coarse)").matches) element("#line").focus({ preventScroll: true });
  return share;
}

/** The views of the cache's internals. */
class Views {
  readonly #model: Model;
  readonly #clock: Clock;
  readonly #item = new ItemView(() => this.#choose(undefined));
  readonly #memory = new MemoryMap((position) => this.#choose(position));
  readonly #order = new Order((position) => this.#choose(position));
  readonly #wheel = new Wheel();
  readonly #removals = new Removals();
  #drawn = 0;
  #isChanged = true;

  constructor(model: Model, clock: Clock) {
    this.#model = model;
    this.#clock = clock;
    model.onChange(({ touched, removals }) => {
      if (touched.length > 0) {
        this.#memory.mark(touched, realTime());
        this.#order.mark(touched);
      }
      this.#removals.add(removals);
      if (touched.length + removals.length > 0 || !clock.isRunning) this.#isChanged = true;
    });
    model.onReplace(() => {
      this.#memory.chosen = undefined;
      this.#removals.clear();
      this.#isChanged = true;
    });
    addEventListener("resize", () => this.changed());
  }

  changed(): void {
    this.#isChanged = true;
  }

  /** Draws if something has changed, and not too often. */
  frame(): void {
    const since = realTime() - this.#drawn;
    const isDue = this.#isChanged || this.#memory.isFading || this.#clock.isRunning;
    const wait = this.#isChanged || this.#memory.isFading ? DRAW_INTERVAL_MIN : DRAW_INTERVAL;
    if (isDue && since >= wait) this.draw();
  }

  draw(): void {
    this.#isChanged = false;
    const { engine } = this.#model;
    const now = realTime();
    const [stats, snapshot] = [engine.stats(), engine.snapshot(ITEMS_MAX)];
    this.#clock.draw();
    this.#memory.draw(snapshot, stats, now);
    this.#order.draw(engine, snapshot, stats.items);
    this.#wheel.draw(engine.wheel(), snapshot);
    this.#removals.draw(stats.evictions, stats.expired);
    write("#stat-items", count(stats.items));
    write("#stat-memory", `${bytes(stats.bytes + stats.indexBytes)} of ${bytes(stats.limit)}`);
    write("#stat-hits", percent(stats.hits, stats.gets));
    const hasDigest = !this.#clock.isRunning && stats.items <= DIGEST_ITEMS_MAX;
    element("#stats div:last-child").hidden = !hasDigest;
    if (hasDigest) write("#stat-digest", engine.digest());
    this.#drawn = realTime();
  }

  #choose(position: number | undefined): void {
    const isThere = position !== undefined && this.#item.open(this.#model.engine, position);
    this.#memory.chosen = isThere ? position : undefined;
    this.#isChanged = true;
  }
}

function write(selector: string, text: string): void {
  const target = element(selector);
  if (target.textContent !== text) target.textContent = text;
}

try {
  const share = await start();
  document.body.dataset.ready = String(Math.round(realTime()));
  void share.visit();
} catch (error) {
  element("#notice").textContent =
    "The engine could not start: this page needs a browser with WebAssembly, and a web server.";
  throw error;
}
if ("serviceWorker" in navigator && import.meta.env.PROD) {
  void navigator.serviceWorker.register("./worker.js").catch(() => {
    // Without it, the page works while its host is reachable.
  });
}
