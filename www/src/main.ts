// Connects the parts of the page, and draws the changes.

import { Calculator } from "./calculator.ts";
import { Clock } from "./clock.ts";
import { element } from "./dom.ts";
import { embed, isEmbedded } from "./embed.ts";
import { defaults, Engine, parse, type Settings, start as load } from "./engine.ts";
import { onFrame, realTime } from "./frames.ts";
import { History } from "./history.ts";
import { keys } from "./keys.ts";
import { Lessons } from "./lessons.ts";
import type { Mode } from "./map/colours.ts";
import { Model } from "./model.ts";
import { Race } from "./race/race.ts";
import { Player } from "./scenario.ts";
import { idOf, keyOf, Selection } from "./selection.ts";
import { SettingsDialog } from "./settings.ts";
import { Share } from "./share.ts";
import { Tabs } from "./tabs.ts";
import { Terminal } from "./terminal.ts";
import { themes } from "./theme.ts";
import { Track } from "./track.ts";
import { count, sentence, stopwatch } from "./units.ts";
import { Views } from "./views.ts";
import { Wire } from "./wire.ts";
import { readable } from "./bytes.ts";
import { Workload } from "./workload.ts";

/** The memory of the first cache: small enough to be drawn completely. */
const MEMORY = 256 * 1024;
/** The operations that the busy cache has behind it when the page opens: 48 seconds of them. */
const WARM = 14_400;

/** The tabs below the map. On a phone the terminal is one of them. */
const TABS = ["terminal", "order", "wire", "removals", "wheel", "hot", "compare"] as const;
type TabName = (typeof TABS)[number];

/** Real milliseconds between two drawings while a scenario is replayed. */
const PLAYING = 250;

const narrow = matchMedia("(max-width: 759.9px)");

/** Sets up the page, and returns its share dialog, which replays links. */
async function start(): Promise<Share> {
  embed();
  await load();
  const settings: Settings = defaults(MEMORY);
  const model = new Model(Engine.create(settings));
  const selection = new Selection();
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
  const time = new TimeTravel(model, clock, terminal, workload);
  const views = new Views(model, clock, time.track, selection, wire);
  time.cut = (age) => views.removals.cut(age);
  const tabs = new Tabs<TabName>(TABS, () => {
    views.removals.refresh();
    views.insight.refresh();
    views.changed();
    wire.draw();
    selection.mark();
    workload.redraw();
  });
  const fitTabs = () => {
    if (isNarrow()) tabs.open("terminal");
    else tabs.open(tabs.current === "terminal" ? "order" : tabs.current);
  };
  narrow.addEventListener("change", fitTabs);
  fitTabs();

  const lessons = new Lessons(model, player, {
    started: (settings) => {
      dialog.current = settings;
      clock.run(false);
      clock.resetSpeed();
      views.map.colourBy("idle");
    },
    closed: () => busy(),
    show: (key, tab) => {
      selection.choose(key);
      tabs.open(isNarrow() ? "terminal" : ((tab ?? "order") as TabName));
    },
  });
  const race = new Race(() => {
    leave("#race");
    clock.run(true);
    views.changed();
  });
  const share = new Share(model, async (text) => {
    const scenario = parse(text);
    lessons.close(true);
    player.start(scenario);
    dialog.current = scenario.settings;
    clock.run(false);
    joined();
    await player.perform(scenario.steps);
    const digest = model.engine.digest();
    const isOther = scenario.digest !== undefined && scenario.digest !== digest;
    const why = `, not ${scenario.digest}: the engine has changed since this link was made`;
    terminal.note(`Replayed. The state’s digest is ${digest}${isOther ? why : ""}.`);
  });
  const calculator = new Calculator(() => leave("#calculator"));
  let isSnapshot = false;
  model.onReplace(() => {
    isSnapshot = false;
  });
  share.openSnapshot = async (bytes, name) => {
    const engine = await Engine.open(bytes);
    race.close();
    lessons.close(true);
    calculator.close();
    model.replace(engine);
    isSnapshot = true;
    clock.run(false);
    joined();
    tabs.open("order");
    const { items, evictions } = engine.stats();
    const lost = evictions > 0 ? ` ${count(evictions)} older ones did not fit.` : "";
    terminal.note(`${name}: ${count(items)} items, as they were at the save.${lost}`);
  };
  share.isElsewhere = (hash) => {
    if (hash === "calculator") {
      race.close();
      lessons.close();
      if (isNarrow()) tabs.open("terminal");
      calculator.open();
      return true;
    }
    calculator.close();
    if (hash === "race") {
      lessons.close();
      clock.run(false);
      race.open();
      return true;
    }
    race.close();
    return lessons.visit(hash);
  };

  /** Shows the busy cache of the first visit. */
  function busy(): void {
    dialog.current = settings;
    model.replace(Engine.create(settings));
    document.body.dataset.state = "intro";
    clock.resetSpeed();
    views.map.isQuiet = true;
    workload.showPreset(0, WARM);
    const isStill = matchMedia("(prefers-reduced-motion: reduce)").matches;
    clock.run(!isStill);
  }

  /** The visitor has joined in: the opening words make room. */
  function joined(): void {
    // Not if it is so already: a change of the body’s attributes costs the style of all.
    if (document.body.dataset.state !== "busy") document.body.dataset.state = "busy";
  }

  terminal.onCommand = (text, answer) => {
    joined();
    const last = answer.keys.at(-1);
    const reply = new TextDecoder().decode(answer.reply.subarray(0, 8));
    if (/^(STORED|HD)/.test(reply) && !lessons.isOpen) views.yours.add(answer.keys);
    time.track.mark(model.engine.age, text, last === undefined ? undefined : idOf(last));
    lessons.notice(answer);
    if (!player.isPlaying && isNarrow()) tabs.open("terminal");
  };
  terminal.onHangUp = () => lessons.notice({ reply: new Uint8Array(), keys: [], removals: [] });
  terminal.lastKey = () => {
    const id = views.yours.ids.at(-1);
    const key = id === undefined ? undefined : readable(keyOf(id));
    return key === undefined || key.length > 40 || key.includes("\\x") ? undefined : key;
  };
  terminal.isCached = (key) => model.engine.locate(keyOf(key)) !== undefined;
  terminal.maySend = () => {
    if (!isSnapshot) return time.may(() => terminal.submit());
    terminal.note("A snapshot is only read. “Start over” gives a cache of your own.");
    return false;
  };
  dialog.onApply = () => {
    lessons.close(true);
    joined();
    clock.resetSpeed();
  };
  element("#reset").addEventListener("click", () => {
    race.close();
    if (lessons.isOpen) return lessons.restart();
    joined();
    clock.resetSpeed();
    model.replace(Engine.create(dialog.current));
    clock.run(true);
    element("#line").focus();
  });
  for (const button of document.querySelectorAll<HTMLButtonElement>("button[data-command]")) {
    const lines = (button.dataset.command ?? "").split("\n");
    button.addEventListener("click", () => terminal.sendExample(lines));
  }
  element("#race-open").addEventListener("click", () => {
    location.hash = "race";
  });
  element("#first-lesson").addEventListener("click", () => lessons.first());

  themes(() => {
    views.map.recolour();
    time.track.redraw();
    views.insight.refresh();
    views.changed();
    workload.redraw();
    race.redraw();
  });
  menu();
  const modes: Mode[] = ["idle", "expires", "waste"];
  const names = TABS.slice(1);
  element("#colour-by").addEventListener("click", (event) => {
    if (!isNarrow()) return;
    event.preventDefault();
    const checked = document.querySelector<HTMLInputElement>("input[name=colour]:checked");
    views.map.colourBy(modes[(modes.indexOf(checked?.value as Mode) + 1) % modes.length] ?? "idle");
  });
  keys({
    prompt: () => element("#line").focus(),
    escape: () => {
      const { activeElement } = document;
      if (activeElement?.id === "line") (activeElement as HTMLElement).blur();
      else if (selection.chosen !== undefined) selection.choose(undefined);
      else if (race.isOpen) race.close();
      else if (calculator.isOpen) calculator.close();
      else lessons.close();
    },
    playOrPause: () => (race.isOpen ? race.playOrPause() : element("#clock-run").click()),
    step: (millis) => (race.isOpen ? race.step(millis / 10) : time.track.step(millis)),
    live: () => time.live(),
    nextExpiry: () => clock.toNextExpiry(),
    colour: (at) => views.map.colourBy(modes[at] ?? "idle"),
    tab: (at) => {
      if (!isEmbedded) tabs.open(names[at - 1] ?? "order");
    },
    client: (client) => terminal.choose(client),
  });
  for (const button of document.querySelectorAll("dialog [data-close]")) {
    button.addEventListener("click", () => button.closest("dialog")?.close());
  }
  for (const control of document.querySelectorAll("[data-starting]")) {
    control.removeAttribute("disabled");
  }
  busy();
  let drawn = 0;
  onFrame((elapsed) => {
    race.frame(elapsed);
    if (race.isOpen) return;
    // A long scenario is done sooner if it is not drawn all the time.
    drawn += elapsed;
    if (player.isPlaying && drawn < PLAYING) return;
    drawn = 0;
    clock.frame(elapsed);
    terminal.frame();
    views.frame();
  });
  views.draw();
  terminal.frame();
  // An embedded page does not take the focus from the one around it.
  if (!isEmbedded && !matchMedia("(pointer: coarse)").matches)
    element("#line").focus({ preventScroll: true });
  return share;
}

/** Goes back in time, and asks before anything is done there. */
class TimeTravel {
  readonly #model: Model;
  readonly #clock: Clock;
  readonly #terminal: Terminal;
  readonly #workload: Workload;
  readonly #history: History;
  readonly track = new Track((age) => this.#seek(age));
  #then: () => void = () => {};
  /** Called to forget what came after a moment. */
  cut: (age: number) => void = () => {};

  constructor(model: Model, clock: Clock, terminal: Terminal, workload: Workload) {
    [this.#model, this.#clock, this.#terminal, this.#workload] = [model, clock, terminal, workload];
    this.#history = new History(model);
    this.track.isBusy = () => model.isPast && !this.#history.isThere;
    clock.mayRun = () => this.may(() => clock.run(true));
    element("#clock-live").addEventListener("click", () => this.live());
    element("#ahead-live").addEventListener("click", () => this.live());
    element("#ahead-on").addEventListener("click", () => this.#goOn());
    model.onShow(() => this.#show());
    model.onReplace(() => this.#show());
  }

  /** Whether time may go on; if not, asks first and does `then` if it may. */
  may(then: () => void): boolean {
    if (!this.#model.isPast) return true;
    this.#then = then;
    const at = stopwatch(this.#model.shown.age);
    element("#ahead-text").textContent =
      `This is the cache at ${at}. If you go on from here, what came after never was.`;
    element("#ahead").hidden = false;
    element("#ahead-on").focus();
    return false;
  }

  live(): void {
    if (this.#model.isPast) this.#history.live();
  }

  #seek(age: number): void {
    try {
      if (age >= this.#model.engine.age) return this.live();
      this.#clock.run(false);
      if (this.#history.seek(age)) return;
      element("#clock-status").textContent =
        "This session cannot be rewound: a load used a file, or it is too long.";
    } catch (error) {
      element("#clock-status").textContent = sentence(error);
    }
  }

  #goOn(): void {
    const { age } = this.#model.shown;
    this.#history.adopt();
    this.track.cut(age);
    this.cut(age);
    this.#terminal.cut(age);
    this.#workload.follow();
    this.#then();
  }

  #show(): void {
    const { isPast } = this.#model;
    element("#clock-live").hidden = !isPast;
    document.body.dataset.time = isPast ? "past" : "live";
    if (!isPast) element("#ahead").hidden = true;
  }
}

/** Forgets the address of what was closed. */
function leave(hash: string): void {
  if (location.hash === hash) history.replaceState(null, "", location.pathname + location.search);
}

function isNarrow(): boolean {
  return narrow.matches;
}

/** The menu of a phone. */
function menu(): void {
  const [button, nav] = [element("#menu-open"), element("#page-nav")];
  const open = (isOpen: boolean) => {
    button.ariaExpanded = String(isOpen);
    if (isOpen) nav.dataset.open = "";
    else delete nav.dataset.open;
  };
  button.addEventListener("click", () => open(button.ariaExpanded !== "true"));
  document.addEventListener("click", (event) => {
    if (!button.contains(event.target as Node)) open(false);
  });
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
