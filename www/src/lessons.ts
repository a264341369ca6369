// The lessons: scenarios with text, which the visitor walks through and may leave at any point.

import { readable } from "./bytes.ts";
import { element, make, prose } from "./dom.ts";
import { parse, type Settings } from "./engine.ts";
import { type Part, parts, type Player, written } from "./scenario.ts";

const files = import.meta.glob<string>("./lessons/*.txt", {
  query: "?raw",
  import: "default",
  eager: true,
});
const LESSONS = Object.keys(files)
  .sort()
  .map((name) => files[name] ?? "");

/** The title of a lesson, without reading all of it. */
function titleOf(text: string): string {
  return /^title (.*)$/m.exec(text)?.[1] ?? "";
}

export class Lessons {
  readonly #player: Player;
  readonly #begun: (settings: Settings) => void;
  readonly #pick = element<HTMLSelectElement>("#lesson-pick");
  readonly #card = element("#lesson-card");
  readonly #text = element("#lesson-text");
  readonly #steps = element("#lesson-steps");
  readonly #progress = element("#lesson-progress");
  readonly #next = element<HTMLButtonElement>("#lesson-next");
  #parts: Part[] = [];
  #at = 0;
  /** Whether all of it was done. */
  #isOver = false;

  /** `begun` is called when a lesson has put its own cache on the stage. */
  constructor(player: Player, begun: (settings: Settings) => void) {
    this.#player = player;
    this.#begun = begun;
    const options = LESSONS.map((text, at) =>
      make("option", { value: String(at), textContent: `${at + 1}. ${titleOf(text)}` }),
    );
    this.#pick.append(...options);
    element("#lesson-start").addEventListener("click", () => this.start(Number(this.#pick.value)));
    element("#lesson-again").addEventListener("click", () => this.start(Number(this.#pick.value)));
    element("#lesson-close").addEventListener("click", () => {
      this.#card.hidden = true;
      element("#lessons > .quiet").hidden = false;
      element("#lesson-start").focus();
    });
    this.#next.addEventListener("click", () => void this.#go());
  }

  /** Begins a lesson with an empty cache of its own. */
  start(lesson: number): void {
    const text = LESSONS[lesson];
    if (text === undefined) return;
    const scenario = parse(text);
    this.#player.begin(scenario);
    this.#begun(scenario.settings);
    this.#parts = parts(scenario.steps);
    this.#at = 0;
    this.#isOver = false;
    this.#pick.value = String(lesson);
    this.#card.hidden = false;
    element("#lessons > .quiet").hidden = true;
    this.#show();
    this.#next.focus({ preventScroll: true });
  }

  /** Does what the text proposes, then shows the next one. */
  async #go(): Promise<void> {
    const part = this.#parts[this.#at];
    if (part === undefined || this.#isOver) {
      this.start((Number(this.#pick.value) + 1) % LESSONS.length);
      return;
    }
    this.#next.disabled = true;
    await this.#player.perform(part.steps);
    this.#next.disabled = false;
    if (this.#at < this.#parts.length - 1) this.#at += 1;
    else this.#isOver = true;
    this.#show();
    this.#next.focus({ preventScroll: true });
  }

  #show(): void {
    const part = this.#parts[this.#at];
    const isLast = this.#at === this.#parts.length - 1;
    if (isLast && part?.steps.length === 0) this.#isOver = true;
    this.#text.replaceChildren(...prose(part?.note ?? ""));
    const lines = this.#isOver ? [] : (part?.steps ?? []).map((step) => written(step, readable));
    this.#steps.replaceChildren(
      ...lines.filter(Boolean).map((line) => make("li", {}, make("code", { textContent: line }))),
    );
    this.#steps.hidden = lines.length === 0;
    const step = `${this.#at + 1} of ${this.#parts.length}`;
    this.#progress.textContent = this.#isOver ? "done" : step;
    this.#next.textContent = this.#isOver ? "Next lesson" : lines.length > 0 ? "Do it" : "Go on";
    this.#card.dataset.over = this.#isOver ? "yes" : "no";
  }
}
