// Wires the parts of the page, and draws what has changed.

import "uplot/dist/uPlot.min.css";

import { Clock } from "./clock.ts";
import { element } from "./dom.ts";
import {
  defaults,
  eachFrame,
  Engine,
  parse,
  type Settings,
  start as load,
  watch,
} from "./engine.ts";
import { ItemView } from "./item.ts";
import { Leavers } from "./leavers.ts";
import { Lessons } from "./lessons.ts";
import { MemoryMap } from "./memory.ts";
import { Order } from "./order.ts";
import { Player } from "./scenario.ts";
import { SettingsDialog } from "./settings.ts";
import { Share } from "./share.ts";
import { Stage } from "./stage.ts";
import { Terminal } from "./terminal.ts";
import { themes } from "./theme.ts";
import { bytes, count, percent } from "./units.ts";
import { Wheel } from "./wheel.ts";
import { Wire } from "./wire.ts";
import { Workload } from "./workload.ts";

/** A cache that is small enough to be seen whole. */
const MEMORY = 256 * 1024;
/** Up to so many items are drawn one by one. */
const ITEMS_MAX = 20_000;
/** How often the page is drawn while nothing but time changes, and at most, in milliseconds. */
const DRAW_INTERVAL = 250;
const DRAW_INTERVAL_MIN = 30;
/** The state is summed up only while that takes no time. */
const DIGEST_ITEMS_MAX = 5000;

/** Makes the page, and returns what replays a link. */
async function start(): Promise<Share> {
  await load();
  const settings: Settings = defaults(MEMORY);
  const stage = new Stage(Engine.create(settings));
  const wire = new Wire();
  const terminal = new Terminal(stage, wire);
  const clock = new Clock(stage);
  const dialog = new SettingsDialog(stage, settings);
  const workload = new Workload(
    stage,
    () => dialog.current,
    () => clock.run(true),
  );
  const player = new Player(stage, terminal, workload);
  const views = new Views(stage, clock);

  new Lessons(player, (own) => {
    dialog.current = own;
    clock.run(false);
  });
  const share = new Share(stage, async (text) => {
    const scenario = parse(text);
    player.begin(scenario);
    dialog.current = scenario.settings;
    clock.run(false);
    await player.perform(scenario.steps);
    terminal.note(`Replayed. The state’s digest is ${stage.engine.digest()}.`);
  });

  themes(() => {
    views.changed();
    workload.redraw();
  });
  for (const button of document.querySelectorAll<HTMLButtonElement>("button[data-say]")) {
    const lines = (button.dataset.say ?? "").split("\n");
    button.addEventListener("click", () => terminal.say(0, lines));
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
  eachFrame((elapsed) => {
    clock.frame(elapsed);
    terminal.frame();
    views.frame();
  });
  views.draw();
  if (!matchMedia("(pointer: coarse)").matches) element("#line").focus({ preventScroll: true });
  return share;
}

/** Everything that shows the inside of the cache. */
class Views {
  readonly #stage: Stage;
  readonly #clock: Clock;
  readonly #item = new ItemView(() => this.#choose(undefined));
  readonly #memory = new MemoryMap((position) => this.#choose(position));
  readonly #order = new Order((position) => this.#choose(position));
  readonly #wheel = new Wheel();
  readonly #leavers = new Leavers();
  #drawn = 0;
  #isChanged = true;

  constructor(stage: Stage, clock: Clock) {
    this.#stage = stage;
    this.#clock = clock;
    stage.onHappening(({ touched, removals }) => {
      if (touched.length > 0) {
        this.#memory.mark(touched, watch());
        this.#order.mark(touched);
      }
      this.#leavers.add(removals);
      if (touched.length + removals.length > 0 || !clock.isRunning) this.#isChanged = true;
    });
    stage.onReplaced(() => {
      this.#memory.chosen = undefined;
      this.#leavers.clear();
      this.#isChanged = true;
    });
    addEventListener("resize", () => this.changed());
  }

  changed(): void {
    this.#isChanged = true;
  }

  /** Draws if there is a reason to, and not too often. */
  frame(): void {
    const since = watch() - this.#drawn;
    const isDue = this.#isChanged || this.#memory.isFading || this.#clock.isRunning;
    const wait = this.#isChanged || this.#memory.isFading ? DRAW_INTERVAL_MIN : DRAW_INTERVAL;
    if (isDue && since >= wait) this.draw();
  }

  draw(): void {
    this.#isChanged = false;
    const { engine } = this.#stage;
    const began = watch();
    const [stats, look] = [engine.stats(), engine.look(ITEMS_MAX)];
    this.#clock.draw();
    this.#memory.draw(look, stats, began);
    this.#order.draw(engine, look, stats.items);
    this.#wheel.draw(engine.wheel(), look);
    this.#leavers.draw(stats.evictions, stats.expired);
    write("#fact-items", count(stats.items));
    write("#fact-memory", `${bytes(stats.bytes + stats.indexBytes)} of ${bytes(stats.limit)}`);
    write("#fact-hits", percent(stats.hits, stats.gets));
    const isQuiet = !this.#clock.isRunning && stats.items <= DIGEST_ITEMS_MAX;
    element("#facts div:last-child").hidden = !isQuiet;
    if (isQuiet) write("#fact-digest", engine.digest());
    this.#drawn = watch();
  }

  #choose(position: number | undefined): void {
    const isThere = position !== undefined && this.#item.open(this.#stage.engine, position);
    this.#memory.chosen = isThere ? position : undefined;
    this.#isChanged = true;
  }
}

function write(selector: string, text: string): void {
  const place = element(selector);
  if (place.textContent !== text) place.textContent = text;
}

try {
  const share = await start();
  document.body.dataset.ready = String(Math.round(watch()));
  void share.visit();
} catch (error) {
  element("#notice").textContent =
    "The engine could not start: this page needs a browser with WebAssembly, and a web server.";
  throw error;
}
if ("serviceWorker" in navigator && import.meta.env.PROD) {
  void navigator.serviceWorker.register("./worker.js").catch(() => {
    // Without it the page works as long as its host can be reached.
  });
}
