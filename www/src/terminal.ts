// A client at work: what is typed goes to the engine line by line, and what it answers is shown.
// Whether a line is a command or a value is the protocol's business, so it is the engine that says
// when it waits for one.

import { lineBytes, readable } from "./bytes.ts";
import type { Connection, Engine } from "./engine.ts";

/** How many lines the conversation keeps, so that a page left open does not grow. */
const LOG_MAX = 500;

/** The elements a terminal works with. */
export interface TerminalElements {
  log: HTMLElement;
  form: HTMLFormElement;
  label: HTMLLabelElement;
  input: HTMLInputElement;
  hint: HTMLElement;
}

/** One client's conversation with the engine. */
export class Terminal {
  readonly #engine: Engine;
  readonly #elements: TerminalElements;
  readonly #changed: () => void;
  #connection: Connection;
  #history: string[] = [];
  /** Where Up and Down are in the history; its length means on a new line. */
  #recalled = 0;

  /** Connects to `engine`; `changed` is called after each line it has answered. */
  constructor(engine: Engine, elements: TerminalElements, changed: () => void) {
    this.#engine = engine;
    this.#elements = elements;
    this.#changed = changed;
    this.#connection = engine.connect();
    elements.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
    });
    elements.input.addEventListener("keydown", (event) => this.#recall(event));
    elements.input.addEventListener("paste", (event) => this.#paste(event));
  }

  /** Says these lines, as if they had been typed. */
  say(lines: string[]): void {
    for (const line of lines) this.#sayLine(line);
    const { log } = this.#elements;
    log.scrollTop = log.scrollHeight;
    log.scrollIntoView({ block: "nearest" });
    this.#changed();
  }

  #sayLine(line: string): void {
    if (!this.#connection.isOpen) {
      this.#connection.close();
      this.#connection = this.#engine.connect();
    }
    this.#show("said", "You", line);
    const reply = this.#connection.send(lineBytes(line));
    if (reply.length > 0) this.#show("heard", "Server", readable(reply));

    const { label, input, hint } = this.#elements;
    const waiting = this.#connection.isWaiting;
    label.textContent = waiting ? "Value" : "Command";
    input.placeholder = waiting ? "the value" : "";
    if (!this.#connection.isOpen) {
      hint.textContent = "The server closed the connection. The next command opens a new one.";
    } else {
      hint.textContent = waiting ? "The server waits for the rest of the value." : "";
    }
  }

  #submit(): void {
    const line = this.#elements.input.value;
    this.#elements.input.value = "";
    if (line !== "" && line !== this.#history.at(-1)) this.#history.push(line);
    if (this.#history.length > LOG_MAX) this.#history.shift();
    this.#recalled = this.#history.length;
    this.say([line]);
  }

  #recall(event: KeyboardEvent): void {
    const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    const recalled = this.#recalled + step;
    this.#recalled = Math.min(Math.max(recalled, 0), this.#history.length);
    this.#elements.input.value = this.#history[this.#recalled] ?? "";
  }

  /** An input element would join pasted lines into one, so they are said here instead. */
  #paste(event: ClipboardEvent): void {
    const lines = event.clipboardData?.getData("text").split(/\r?\n/) ?? [];
    if (lines.length < 2) return;
    event.preventDefault();
    const last = lines.pop() ?? "";
    const { input } = this.#elements;
    const first = input.value + (lines.shift() ?? "");
    input.value = last;
    this.say([first, ...lines]);
  }

  #show(kind: "said" | "heard", speaker: string, text: string): void {
    const who = document.createElement("span");
    who.className = "visually-hidden";
    who.textContent = `${speaker}: `;
    const what = document.createElement("code");
    what.textContent = text;
    const entry = document.createElement("p");
    entry.className = kind;
    entry.append(who, what);
    const { log } = this.#elements;
    log.append(entry);
    while (log.childElementCount > LOG_MAX) log.firstElementChild?.remove();
  }
}
