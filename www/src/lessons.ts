// The lessons: scenarios with text. A step does its commands in a small cache of its own, then says
// what they did. Whatever the visitor does in between, the next step begins where the lesson was.

import { element, make, prose } from "./dom.ts";
import { parse, type Settings } from "./engine.ts";
import type { Answer, Model } from "./model.ts";
import { type Part, parts, type Player } from "./scenario.ts";
import { TURNS, Turn } from "./turns.ts";

const files = import.meta.glob<string>("./lessons/*.txt", {
  query: "?raw",
  import: "default",
  eager: true,
});

interface Lesson {
  /** Its address: `lru`. */
  slug: string;
  title: string;
  text: string;
}

const LESSONS: readonly Lesson[] = Object.keys(files)
  .sort()
  .map((name) => {
    const text = files[name] ?? "";
    const slug = /\/\d+-(.*)\.txt$/.exec(name)?.[1] ?? name;
    return { slug, title: /^title (.*)$/m.exec(text)?.[1] ?? slug, text };
  });

const STORED = "dynamidb-lessons";

/** What the lessons need of the page. */
export interface Stage {
  /** A lesson has replaced the cache. */
  started: (settings: Settings) => void;
  /** The lesson was closed. */
  closed: () => void;
  /** The place that a step speaks of: the key of an item, or the name of a tab. */
  show: (key: string | undefined, tab: string | undefined) => void;
}

export class Lessons {
  readonly #model: Model;
  readonly #player: Player;
  readonly #stage: Stage;
  readonly #section = element("#lesson");
  readonly #text = element("#lesson-text");
  readonly #turnBox = element("#lesson-turn");
  readonly #next = element<HTMLButtonElement>("#lesson-next");
  readonly #back = element<HTMLButtonElement>("#lesson-back");
  readonly #show = element<HTMLButtonElement>("#lesson-show");
  readonly #done = stored();
  #lesson: Lesson | undefined;
  #parts: Part[] = [];
  #at = 0;
  #turn: Turn | undefined;
  /** The digest after the lesson's own commands. */
  #digest = "";
  #isBusy = false;

  constructor(model: Model, player: Player, stage: Stage) {
    this.#model = model;
    this.#player = player;
    this.#stage = stage;
    for (const list of ["#lesson-list", "#lessons-all"]) {
      element(list).append(...LESSONS.map((lesson, at) => this.#link(lesson, at, list)));
    }
    element("#lesson-close").addEventListener("click", () => this.close());
    this.#next.addEventListener("click", () => void this.#advance());
    this.#back.addEventListener("click", () => void this.#go(this.#at - 1));
    this.#show.addEventListener("click", () => this.#showMe());
    const dialog = element<HTMLDialogElement>("#lessons");
    element("#lessons-open").addEventListener("click", () => dialog.showModal());
    dialog.addEventListener("click", (event) => {
      if ((event.target as Element).closest("a") !== null) dialog.close();
    });
    this.#mark();
  }

  get isOpen(): boolean {
    return this.#lesson !== undefined;
  }

  /** Opens the lesson of an address such as `lesson=lru.4`; false if it is another address. */
  visit(hash: string): boolean {
    const found = /^lesson=([a-z-]+)(?:\.(\d+))?$/.exec(hash);
    const lesson = LESSONS.find(({ slug }) => slug === found?.[1]);
    if (found === null || lesson === undefined) return false;
    void this.#open(lesson, Number(found[2] ?? 1) - 1);
    return true;
  }

  /** The first lesson. */
  first(): void {
    location.hash = `lesson=${LESSONS[0]?.slug ?? ""}`;
  }

  /** Begins the open lesson once more. */
  restart(): void {
    if (this.#lesson !== undefined) void this.#open(this.#lesson, 0);
  }

  /** Leaves the lesson; `isQuiet`: something else takes its place. */
  close(isQuiet = false): void {
    if (this.#lesson === undefined) return;
    this.#lesson = undefined;
    this.#section.hidden = true;
    delete document.body.dataset.lesson;
    if (location.hash.startsWith("#lesson=")) {
      history.replaceState(null, "", location.pathname + location.search);
    }
    this.#mark();
    if (!isQuiet) this.#stage.closed();
  }

  /** Takes note of what a visitor's command did. */
  notice(answer: Answer): void {
    if (this.#lesson === undefined || this.#isBusy || this.#turn === undefined) return;
    this.#turn.notice(this.#model.engine, answer);
    this.#drawTurn();
  }

  #link({ slug, title }: Lesson, at: number, list: string): HTMLElement {
    const href = `#lesson=${slug}`;
    const number = make("span", { textContent: String(at + 1) });
    const isLong = list === "#lessons-all";
    const link = make("a", { href, data: { slug } }, number, ...(isLong ? [title] : []));
    if (!isLong) [link.title, link.ariaLabel] = [title, `${at + 1}: ${title}`];
    return make("li", {}, link);
  }

  async #open(lesson: Lesson, at: number): Promise<void> {
    if (this.#isBusy) return;
    this.#lesson = lesson;
    this.#section.hidden = false;
    document.body.dataset.lesson = lesson.slug;
    this.#mark();
    await this.#go(at);
  }

  /** Goes to a step: from where the lesson is if nothing else has happened, else from its start. */
  async #go(to: number): Promise<void> {
    const lesson = this.#lesson;
    if (lesson === undefined || this.#isBusy) return;
    this.#isBusy = true;
    this.#next.disabled = true;
    const scenario = parse(lesson.text);
    const all = parts(scenario.steps);
    const last = Math.max(0, Math.min(to, all.length - 1));
    const isNext = last === this.#at + 1 && this.#parts.length > 0 && this.#isUntouched(lesson);
    if (isNext) scenario.engine.free();
    else {
      this.#parts = all;
      this.#player.start(scenario);
      this.#stage.started(scenario.settings);
    }
    for (let at = isNext ? last : 0; at <= last; at++) {
      if (this.#lesson !== lesson) break;
      await this.#player.perform(this.#parts[at]?.steps ?? []);
    }
    this.#at = last;
    this.#isBusy = false;
    this.#next.disabled = false;
    if (this.#lesson !== lesson) return;
    this.#digest = `${lesson.slug} ${this.#model.engine.digest()}`;
    this.#draw(lesson);
  }

  /** Whether the cache is as the lesson left it. */
  #isUntouched(lesson: Lesson): boolean {
    return !this.#model.isPast && this.#digest === `${lesson.slug} ${this.#model.engine.digest()}`;
  }

  async #advance(): Promise<void> {
    if (this.#at < this.#parts.length - 1) return this.#go(this.#at + 1);
    const next = LESSONS[LESSONS.findIndex(({ slug }) => slug === this.#lesson?.slug) + 1];
    if (next === undefined) this.close();
    else location.hash = `lesson=${next.slug}`;
  }

  #draw(lesson: Lesson): void {
    const number = LESSONS.indexOf(lesson);
    const [at, all] = [this.#at, this.#parts.length];
    const isLast = at === all - 1;
    history.replaceState(null, "", `#lesson=${lesson.slug}${at === 0 ? "" : `.${at + 1}`}`);
    element("#lesson-progress").replaceChildren(
      `Lesson ${number + 1} of ${LESSONS.length}`,
      make("code", { textContent: location.hash }),
    );
    element("#lesson-title").textContent = lesson.title;
    const bars = Array.from({ length: all }, (_, step) =>
      make("i", { className: step < at ? "done" : step === at ? "now" : "" }),
    );
    const words = make("span", { textContent: `step ${at + 1} of ${all}` });
    element("#lesson-bars").replaceChildren(...bars, words);
    this.#drawText();
    const turn = TURNS[lesson.slug];
    this.#turn = turn !== undefined && isLast ? new Turn(turn, this.#model.engine) : undefined;
    this.#drawTurn();
    this.#back.disabled = at === 0;
    const isEnd = isLast && number === LESSONS.length - 1;
    this.#next.firstChild?.replaceWith(isLast ? (isEnd ? "Close" : "Next lesson") : "Next");
    if (isLast) this.#finish(lesson);
    element("#talk").scrollTop = 0;
  }

  /** The text of the step. `{map:key}` and `{tab:name}` are numbered badges that show a place. */
  #drawText(): void {
    const note = this.#parts[this.#at]?.note ?? "";
    let number = 0;
    let [key, tab]: (string | undefined)[] = [];
    for (const badge of document.querySelectorAll("#tabs .badge")) badge.remove();
    const nodes = note.split(/(\{(?:map|tab):[^}]+\})/).flatMap((piece): (Node | string)[] => {
      const found = /^\{(map|tab):(.+)\}$/.exec(piece);
      if (found === null) return prose(piece);
      number += 1;
      const badge = make("b", { className: "badge", textContent: String(number) });
      const [, kind, name = ""] = found;
      if (kind === "map") key ??= name;
      else {
        tab ??= name;
        document.querySelector(`#tab-${name}`)?.prepend(badge.cloneNode(true));
      }
      return [badge];
    });
    const text = make("p", {}, ...nodes);
    this.#text.replaceChildren(text);
    this.#stage.show(key, tab);
  }

  #drawTurn(): void {
    const turn = this.#turn;
    this.#turnBox.hidden = turn === undefined;
    this.#show.hidden = turn === undefined;
    if (turn === undefined) return;
    element("#lesson-turn p").replaceChildren(...prose(turn.text));
    element("#lesson-turn ul").replaceChildren(
      ...turn.goals.map(({ text, isDone }) =>
        make(
          "li",
          { className: isDone ? "done" : "" },
          make(
            "span",
            {},
            ...prose(text),
            make("span", {
              className: "visually-hidden",
              textContent: isDone ? " (done)" : " (to do)",
            }),
          ),
        ),
      ),
    );
    this.#show.disabled = turn.goals.every(({ isDone }) => isDone);
  }

  /** Does what the visitor is asked to do. */
  #showMe(): void {
    const turn = this.#turn;
    if (turn !== undefined) this.#player.type(turn.show);
  }

  #finish({ slug }: Lesson): void {
    this.#done.add(slug);
    try {
      localStorage.setItem(STORED, JSON.stringify([...this.#done]));
    } catch {
      // Without storage, the marks last as long as the page.
    }
    this.#mark();
  }

  #mark(): void {
    for (const link of document.querySelectorAll<HTMLElement>("[data-slug]")) {
      const { slug = "" } = link.dataset;
      if (this.#lesson?.slug === slug) link.ariaCurrent = "true";
      else link.ariaCurrent = null;
      link.dataset.state = this.#done.has(slug) ? "done" : "";
    }
  }
}

function stored(): Set<string> {
  try {
    const all: unknown = JSON.parse(localStorage.getItem(STORED) ?? "[]");
    return new Set(Array.isArray(all) ? all.filter((slug) => typeof slug === "string") : []);
  } catch {
    return new Set();
  }
}
