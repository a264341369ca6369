// Two policies race: the same requests, the same memory, side by side. The whole race is run at
// once for its chart; then it is shown from the start, and can be moved to any request.

import { element, make } from "../dom.ts";
import { realTime } from "../frames.ts";
import { type Mode, Palette } from "../map/colours.ts";
import { bytes, count } from "../units.ts";
import { RaceChart, type Curves } from "./chart.ts";
import { Lane, MEMORY, POLICIES, type Policy } from "./lane.ts";
import { type Course, COURSES, fileCourse, requestsOf } from "./phases.ts";

/** Requests a second at ×1. */
const RATE = 300;
/** The points of the chart. */
const POINTS = 200;
const FRAME = 33;
const FILE_MAX = 64 << 20;

export class Race {
  readonly #element = element("#race");
  readonly #closed: () => void;
  /** The LRU, and the one that it is compared with. */
  #policies = POLICIES.slice(0, 2);
  #lanes: Lane[] = [];
  #chart: RaceChart | undefined;
  #course: Course = COURSES[0] ?? fileCourse("", new Uint8Array());
  #all = 0;
  /** The requests that were done, the phase, and those done in it. */
  #at = 0;
  #phase = 0;
  #inPhase = 0;
  #rest = 0;
  #curves: Curves = { every: 1, ratios: [] };
  #mode: Mode = "read";
  #palette: Palette | undefined;
  #isRunning = false;
  #speed = 10;
  #drawn = 0;
  #isStale = true;

  /** `closed` is called when the visitor goes back to one cache. */
  constructor(closed: () => void) {
    this.#closed = closed;
    addEventListener("resize", () => this.redraw());
  }

  get isOpen(): boolean {
    return !this.#element.hidden;
  }

  open(): void {
    if (this.isOpen) return;
    document.body.dataset.view = "race";
    this.#element.hidden = false;
    this.#lanes = this.#policies.map((policy) => new Lane(policy));
    this.#build();
    this.#begin(this.#course);
    element("#race h2").focus();
  }

  close(): void {
    if (!this.isOpen) return;
    delete document.body.dataset.view;
    this.#element.hidden = true;
    this.#element.replaceChildren();
    for (const lane of this.#lanes) lane.free();
    this.#lanes = [];
    this.#isRunning = false;
    this.#closed();
  }

  /** Draws in the colours of another theme, or in another size. */
  redraw(): void {
    this.#palette = undefined;
    this.#isStale = true;
  }

  playOrPause(): void {
    if (this.#at >= this.#all) this.#seek(0);
    this.#run(!this.#isRunning);
  }

  /** Goes back or forward by so many requests. */
  step(requests: number): void {
    this.#seek(Math.min(this.#all, Math.max(0, this.#at + requests)));
  }

  frame(elapsed: number): void {
    if (!this.isOpen) return;
    if (this.#isRunning) {
      this.#rest += (Math.min(elapsed, 100) * RATE * this.#speed) / 1000;
      const due = Math.floor(this.#rest);
      this.#rest -= due;
      if (due > 0) this.#advance(due);
      if (this.#at >= this.#all) this.#run(false);
      this.#isStale = true;
    }
    if (this.#isStale && realTime() - this.#drawn >= FRAME) this.#draw();
  }

  /** Sets the course, and runs it once for the chart. */
  #begin(course: Course): void {
    this.#course = course;
    this.#all = requestsOf(course);
    this.#restart();
    const every = Math.max(1, Math.round(this.#all / POINTS));
    const ratios: number[][] = this.#lanes.map(() => []);
    let before = this.#lanes.map((lane) => lane.stats);
    while (this.#at < this.#all) {
      if (this.#advance(every) === 0) break;
      const now = this.#lanes.map((lane) => lane.stats);
      now.forEach((stats, lane) => {
        const then = before[lane] ?? stats;
        const gets = Math.max(1, stats.gets - then.gets);
        ratios[lane]?.push((stats.hits - then.hits) / gets);
      });
      before = now;
    }
    // A file may have fewer keys than lines.
    this.#all = this.#at;
    this.#curves = { every, ratios };
    this.#atTheEnd(before.map(({ hits, gets }) => (100 * hits) / Math.max(1, gets)));
    this.#restart();
    const same = `The same ${count(this.#all)} requests, the same ${bytes(MEMORY)}.`;
    const title = `${same} ${course.text}`;
    element("#race-text").textContent = title;
    const isStill = matchMedia("(prefers-reduced-motion: reduce)").matches;
    this.#run(!isStill);
  }

  #restart(): void {
    for (const lane of this.#lanes) {
      lane.restart();
      lane.start(this.#course, 0);
    }
    [this.#at, this.#phase, this.#inPhase, this.#rest] = [0, 0, 0, 0];
    this.#isStale = true;
  }

  /** Runs so many requests in both caches, and returns how many were done. */
  #advance(requests: number): number {
    let left = Math.min(requests, this.#all - this.#at);
    const start = this.#at;
    while (left > 0) {
      const phase = this.#course.phases[this.#phase];
      if (phase === undefined) break;
      const now = Math.min(left, phase.requests - this.#inPhase);
      const [done = 0] = this.#lanes.map((lane) => lane.run(now));
      this.#at += done;
      this.#inPhase += done;
      left -= done;
      if (done < now) break;
      if (this.#inPhase < phase.requests) continue;
      this.#phase += 1;
      this.#inPhase = 0;
      for (const lane of this.#lanes) lane.start(this.#course, this.#phase);
    }
    return this.#at - start;
  }

  /** Shows the race at another request: both caches run to it from the start. */
  #seek(request: number): void {
    if (request < this.#at) this.#restart();
    this.#advance(request - this.#at);
    this.#isStale = true;
  }

  #run(on: boolean): void {
    this.#isRunning = on;
    const button = element("#race-run");
    button.ariaLabel = on ? "Pause" : "Play";
    element("#race-run use").setAttribute("href", on ? "#icon-pause" : "#icon-play");
  }

  #draw(): void {
    this.#drawn = realTime();
    this.#isStale = false;
    this.#palette ??= new Palette();
    for (const lane of this.#lanes) lane.draw(this.#mode, this.#palette, this.#speed === 100);
    this.#chart?.draw(this.#course, this.#all, this.#at, this.#curves, this.#policies);
    element("#race-count").textContent = count(this.#at);
    element("#race-of").textContent = `of ${count(this.#all)} requests`;
    element("#race-says").textContent = this.#words();
  }

  #words(): string {
    const { popular, phases } = this.#course;
    const phase = phases[Math.min(this.#phase, phases.length - 1)];
    if (popular === 0 || phase === undefined) return "";
    const [first = 0, second = 0] = this.#lanes.map((lane) => lane.holds(popular));
    const [one, other] = this.#policies;
    const where =
      this.#at >= this.#all
        ? "At the end"
        : `${count(this.#inPhase)} requests into “${phase.name.split(":")[0]}”`;
    const held = `${one?.name} holds ${first} of the ${popular} popular keys`;
    return `${where}, ${held}, ${other?.name} ${second}.`;
  }

  #atTheEnd(ratios: number[]): void {
    const [first = 0, second = 0] = ratios;
    const more = second - first;
    const sign = more >= 0 ? "+" : "−";
    const lines = this.#policies.map(({ name, line }, lane) => {
      const text = make("b", { textContent: `${name} ${(ratios[lane] ?? 0).toFixed(1)} %` });
      text.style.color = line === "--faint" ? "var(--quiet)" : "var(--s5)";
      return text;
    }).reverse();
    element("#race-end").replaceChildren(
      make("span", { className: "quiet", textContent: "At the end" }),
      ...lines,
      make("span", { textContent: `${sign}${Math.abs(more).toFixed(1)} % hits` }),
      make("p", { id: "race-phases", textContent: "One load and one seed: no general result." }),
    );
  }

  #build(): void {
    const canvas = make("canvas", {
      id: "race-chart",
      role: "img",
      ariaLabel: "Hit ratio of both caches",
    });
    this.#chart = new RaceChart(canvas, (request) => this.#seek(request));
    const courses = make("select", { id: "race-course", ariaLabel: "What happens" });
    courses.append(
      ...COURSES.map(({ name }, at) => make("option", { value: String(at), textContent: name })),
      make("option", { value: "file", textContent: "Your own file of keys…" }),
    );
    const file = make("input", {
      type: "file",
      accept: ".txt,.csv,.log,text/plain",
      hidden: true,
      ariaLabel: "File of keys",
    });
    courses.addEventListener("change", () => {
      const course = COURSES[Number(courses.value)];
      if (course === undefined) file.click();
      else this.#begin(course);
    });
    file.addEventListener("change", () => void this.#take(file.files?.[0]));
    const back = make("button", {
      type: "button",
      id: "race-close",
      textContent: "Back to one cache",
    });
    back.addEventListener("click", () => this.close());
    const run = make("button", { type: "button", id: "race-run", className: "primary" }, icon());
    run.addEventListener("click", () => this.playOrPause());
    this.#element.replaceChildren(
      make(
        "div",
        { className: "race-head" },
        make(
          "div",
          {},
          make("h2", { textContent: "Race two policies", tabIndex: -1 }),
          make("p", { id: "race-text", className: "quiet" }),
        ),
        make("div", { className: "row" }, this.#colours(), this.#others(), courses, file, back),
      ),
      make("div", { className: "lanes" }, ...this.#lanes.map((lane) => lane.element)),
      make("div", { id: "race-key" }, ...key(), make("p", { id: "race-says" })),
      make(
        "div",
        { className: "race-foot" },
        make(
          "div",
          {},
          run,
          make("span", { id: "race-count" }),
          make("span", { id: "race-of", className: "quiet" }),
          this.#speeds(),
        ),
        make("div", {}, canvas),
        make("div", { id: "race-end" }),
      ),
    );
  }

  /** The policies that the LRU can be compared with. */
  #others(): HTMLElement {
    const others = POLICIES.slice(1).map(({ policy, name }): [string, string] => [policy, name]);
    const chosen = this.#policies[1]?.policy ?? "";
    return choice("race-policy", "Compare with", others, chosen, (chosen) => {
      const isShown = ({ policy }: Policy) => policy === "lru" || policy === chosen;
      this.#policies = POLICIES.filter(isShown);
      for (const lane of this.#lanes) lane.free();
      this.#lanes = this.#policies.map((policy) => new Lane(policy));
      element("#race .lanes").replaceChildren(...this.#lanes.map((lane) => lane.element));
      this.#begin(this.#course);
    });
  }

  #colours(): HTMLElement {
    const modes: [Mode, string][] = [
      ["idle", "Idle"],
      ["waste", "Size and waste"],
      ["read", "Read since stored"],
    ];
    return choice("race-colour", "Colour by", modes, this.#mode, (mode) => {
      this.#mode = mode;
      this.#isStale = true;
    });
  }

  #speeds(): HTMLElement {
    const speeds: [string, string][] = [
      ["1", "×1"],
      ["10", "×10"],
      ["100", "×100"],
    ];
    return choice("race-speed", "Speed", speeds, String(this.#speed), (speed) => {
      this.#speed = Number(speed);
    });
  }

  async #take(file: File | undefined): Promise<void> {
    if (file === undefined) return;
    if (file.size > FILE_MAX) {
      element("#race-text").textContent = `${file.name} is too large: ${bytes(FILE_MAX)} at most.`;
      return;
    }
    this.#begin(fileCourse(file.name, new Uint8Array(await file.arrayBuffer())));
  }
}

/** Radio buttons that look like one control. */
function choice<T extends string>(
  name: string,
  legend: string,
  options: [T, string][],
  checked: T,
  chosen: (value: T) => void,
): HTMLElement {
  const labels = options.map(([value, text]) => {
    const radio = make("input", { type: "radio", name, value, checked: value === checked });
    radio.addEventListener("change", () => chosen(value));
    return make("label", {}, radio, make("span", { textContent: text }));
  });
  const title = make("legend", { className: "visually-hidden", textContent: legend });
  return make("fieldset", { className: "choice" }, title, ...labels);
}

function key(): HTMLElement[] {
  const entry = (colour: string, text: string) => {
    const sign = make("i");
    sign.style.background = colour;
    return make("span", {}, sign, text);
  };
  const gone = make("i");
  gone.style.border = "1px solid var(--gone)";
  gone.style.background =
    "linear-gradient(to top right, transparent 45%, var(--gone) 46% 54%, transparent 55%)";
  return [
    entry("var(--s5)", "read since it was stored"),
    entry("var(--s0)", "never read: scanned once, or new"),
    make("span", {}, gone, "evicted"),
  ];
}

function icon(): SVGSVGElement {
  const namespace = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(namespace, "svg");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(namespace, "use");
  use.setAttribute("href", "#icon-play");
  svg.append(use);
  return svg;
}
