// The lessons: scenarios with text, which the visitor runs step by step.

import { readable } from "./bytes.ts";
import { element, make, prose } from "./dom.ts";
import { parse, type Settings } from "./engine.ts";
import { description, type Part, parts, type Player } from "./scenario.ts";

const files = import.meta.glob<string>("./lessons/*.txt", {
  query: "?raw",
  import: "default",
  eager: true,
});
const LESSONS = Object.keys(files)
  .sort()
  .map((name) => files[name] ?? "");

/** The title of a lesson, without parsing it. */
function titleOf(text: string): string {
  return /^title (.*)$/m.exec(text)?.[1] ?? "";
}

export class Lessons {
  readonly #player: Player;
  readonly #started: (settings: Settings) => void;
  readonly #pick = element<HTMLSelectElement>("#lesson-pick");
  readonly #card = element("#lesson-card");
  readonly #text = element("#lesson-text");
  readonly #steps = element("#lesson-steps");
  readonly #progress = element("#lesson-progress");
  readonly #next = element<HTMLButtonElement>("#lesson-next");
  #parts: Part[] = [];
  #at = 0;
  /** Whether all steps were done. */
  #isDone = false;

  /** `started` is called when a lesson has replaced the cache. */
  constructor(player: Player, started: (settings: Settings) => void) {
    this.#player = player;
    this.#started = started;
    const options = LESSONS.map((text, at) =>
      make("option", { value: String(at), textContent: `${at + 1}. ${titleOf(text)}` }),
    );
    this.#pick.append(...options);
    for (const button of ["#lesson-start", "#lesson-restart"]) {
      element(button).addEventListener("click", () => this.start(Number(this.#pick.value)));
    }
    element("#lesson-close").addEventListener("click", () => {
      this.#card.hidden = true;
      element("#lessons > .quiet").hidden = false;
      element("#lesson-start").focus();
    });
    this.#next.addEventListener("click", () => void this.#advance());
  }

  /** Starts a lesson with a new, empty cache. */
  start(lesson: number): void {
    const text = LESSONS[lesson];
    if (text === undefined) return;
    const scenario = parse(text);
    this.#player.start(scenario);
    this.#started(scenario.settings);
    this.#parts = parts(scenario.steps);
    this.#at = 0;
    this.#isDone = false;
    this.#pick.value = String(lesson);
    this.#card.hidden = false;
    element("#lessons > .quiet").hidden = true;
    this.#show();
    this.#next.focus({ preventScroll: true });
  }

  /** Does the steps of this part, then shows the next one. */
  async #advance(): Promise<void> {
    const part = this.#parts[this.#at];
    if (part === undefined || this.#isDone) {
      this.start((Number(this.#pick.value) + 1) % LESSONS.length);
      return;
    }
    this.#next.disabled = true;
    await this.#player.perform(part.steps);
    this.#next.disabled = false;
    if (this.#at < this.#parts.length - 1) this.#at += 1;
    else this.#isDone = true;
    this.#show();
    this.#next.focus({ preventScroll: true });
  }

  #show(): void {
    const part = this.#parts[this.#at];
    const isLast = this.#at === this.#parts.length - 1;
    if (isLast && part?.steps.length === 0) this.#isDone = true;
    this.#text.replaceChildren(...prose(part?.note ?? ""));
    const steps = this.#isDone ? [] : (part?.steps ?? []);
    const lines = steps.map((step) => description(step, readable));
    this.#steps.replaceChildren(
      ...lines.filter(Boolean).map((line) => make("li", {}, make("code", { textContent: line }))),
    );
    this.#steps.hidden = lines.length === 0;
    const step = `${this.#at + 1} of ${this.#parts.length}`;
    this.#progress.textContent = this.#isDone ? "done" : step;
    const next = lines.length > 0 ? "Run step" : "Continue";
    this.#next.textContent = this.#isDone ? "Next lesson" : next;
    this.#card.dataset.done = this.#isDone ? "yes" : "no";
  }
}
