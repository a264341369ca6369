// Two clients at work. What is typed goes to the engine line by line, and what it answers is
// shown. Whether a line is a command or a value is the protocol's business, so it is the engine
// that says when it waits for one.

import { lineBytes, readable } from "./bytes.ts";
import { announced, completions, help, syntax, typing, COMMANDS } from "./commands.ts";
import { element, make } from "./dom.ts";
import type { Stage } from "./stage.ts";
import type { Wire } from "./wire.ts";

/** How many lines the conversation keeps, so that a page left open does not grow. */
const LOG_MAX = 500;
/** How many lines that were typed are remembered. */
const HISTORY_MAX = 200;
/** The longest text that one entry of the conversation shows. */
const SHOWN_MAX = 20_000;
/** The largest text that can be pasted, in characters: a conversation, not an archive. */
const PASTE_MAX = 4 << 20;
const STORED = "dynamidb-history";
/** How many clients the visitor can be; a scenario may have more. */
const CLIENTS = 2;

/** What a client is called: A to Z. */
export function nameOf(client: number): string {
  return String.fromCharCode("A".charCodeAt(0) + client);
}

export class Terminal {
  readonly #stage: Stage;
  readonly #wire: Wire;
  readonly #log = element("#log");
  readonly #input = element<HTMLInputElement>("#line");
  readonly #label = element("#prompt label[for=line]");
  readonly #hint = element("#hint");
  readonly #hangUp = element<HTMLButtonElement>("#hang-up");
  #client = 0;
  /** Whether something was said that is not in sight yet. */
  #isStale = false;
  /** What each client announced: how many bytes of a value. */
  #expected: (number | undefined)[] = [];
  #history = remembered();
  /** Where Up and Down are in the history; its length means on a new line. */
  #recalled = this.#history.length;
  /** The completions that Tab goes through. */
  #offers: string[] = [];

  constructor(stage: Stage, wire: Wire) {
    this.#stage = stage;
    this.#wire = wire;
    element<HTMLFormElement>("#prompt").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
    });
    this.#input.addEventListener("keydown", (event) => this.#key(event));
    this.#input.addEventListener("input", () => this.#typed());
    this.#input.addEventListener("paste", (event) => this.#paste(event));
    this.#hangUp.addEventListener("click", () => this.hangUp(this.#client));
    for (const radio of document.querySelectorAll<HTMLInputElement>("input[name=client]")) {
      radio.addEventListener("change", () => {
        this.choose(Number(radio.value));
        this.#input.focus();
      });
    }
    stage.onReplaced(() => this.clear());
    this.#prompt();
  }

  /** Lets this client speak from now on. */
  choose(client: number): void {
    this.#client = client < CLIENTS ? client : 0;
    for (const radio of document.querySelectorAll<HTMLInputElement>("input[name=client]")) {
      radio.checked = Number(radio.value) === this.#client;
    }
    this.#prompt();
  }

  /** Says these lines, as if this client had typed them. */
  say(client: number, lines: string[]): void {
    for (const line of lines) this.#sayLine(client, line);
    this.#settle();
  }

  /** Sends these bytes as they are. */
  send(client: number, bytes: Uint8Array): void {
    this.#send(client, bytes);
    this.#settle();
  }

  /** Ends a client's connection, whatever it was about to say. */
  hangUp(client: number): void {
    this.#stage.hangUp(client);
    this.note(`${nameOf(client)} has hung up.`);
    this.#settle();
  }

  /** Says something to the reader. */
  note(text: string): void {
    this.#show("note", "", text);
    this.#isStale = true;
  }

  clear(): void {
    this.#log.replaceChildren();
    this.#wire.clear();
    this.#expected = [];
    this.#prompt();
  }

  #sayLine(client: number, line: string): void {
    const isValue = this.#stage.engine.pending(client) > 0;
    if (!isValue && /^help( |$)/.test(line.trim())) {
      this.#show("said", nameOf(client), line);
      this.note(help(line));
      return;
    }
    if (!isValue) this.#expected[client] = announced(line);
    this.#send(client, lineBytes(line));
  }

  #send(client: number, bytes: Uint8Array): void {
    const name = nameOf(client);
    const reply = this.#stage.say(client, bytes);
    this.#wire.add(name, bytes, reply);
    const text = readable(bytes);
    this.#show("said", name, text.endsWith("\r\n") ? text.slice(0, -2) : text);
    if (reply.length > 0) this.#show("heard", name, readable(reply));
    if (!this.#stage.engine.isOpen(client))
      this.note(`The server has closed ${name}’s connection.`);
  }

  /** Shows the end of what was said, before the next frame. */
  frame(): void {
    if (!this.#isStale) return;
    this.#isStale = false;
    this.#wire.draw();
    this.#log.scrollTop = this.#log.scrollHeight;
  }

  #settle(): void {
    this.#isStale = true;
    this.#prompt();
  }

  get #isWaiting(): boolean {
    return this.#stage.engine.pending(this.#client) > 0;
  }

  #prompt(): void {
    const waiting = this.#isWaiting;
    this.#label.textContent = waiting ? "Value" : "Command";
    this.#input.placeholder = waiting ? "the value" : "SET greeting 30 5";
    this.#hangUp.disabled = !this.#stage.engine.isOpen(this.#client);
    this.#typed();
  }

  /** Shows how the command goes that is being typed, or how much of a value is missing. */
  #typed(): void {
    this.#offers = [];
    const line = this.#input.value;
    if (this.#isWaiting) {
      const missing = this.#missing(line);
      this.#hint.replaceChildren(`The server waits for the rest of the value${missing}.`);
      return;
    }
    const now = typing(line);
    if (now !== undefined) {
      const words = now.words.flatMap((word, at) => [
        make(at === now.at ? "strong" : "span", { textContent: word }),
        " ",
      ]);
      const command = COMMANDS.find((command) => syntax(command) === now.words.join(" "));
      this.#hint.replaceChildren(
        make("code", {}, ...words),
        command?.help.replaceAll("`", "") ?? "",
      );
      return;
    }
    const verb = line.trim();
    const like = verb === "" || line.includes(" ") ? [] : completions(verb);
    this.#hint.replaceChildren(
      like.length > 0
        ? `Tab: ${like.join(", ")}`
        : "Type a command, or help. Up and Down: history.",
    );
  }

  #missing(line: string): string {
    const expected = this.#expected[this.#client];
    if (expected === undefined) return "";
    const typed = new TextEncoder().encode(line).length;
    return `: ${typed} of ${expected} ${expected === 1 ? "byte" : "bytes"} typed`;
  }

  #submit(): void {
    const line = this.#input.value;
    this.#input.value = "";
    if (line !== "" && !this.#isWaiting) this.#remember(line);
    this.#recalled = this.#history.length;
    this.say(this.#client, [line]);
  }

  #remember(line: string): void {
    if (line !== this.#history.at(-1)) this.#history.push(line);
    this.#history = this.#history.slice(-HISTORY_MAX);
    try {
      localStorage.setItem(STORED, JSON.stringify(this.#history));
    } catch {
      // A browser that keeps nothing still has the history of this visit.
    }
  }

  #key(event: KeyboardEvent): void {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    if (step !== undefined) {
      event.preventDefault();
      const recalled = this.#recalled + step;
      this.#recalled = Math.min(Math.max(recalled, 0), this.#history.length);
      this.#input.value = this.#history[this.#recalled] ?? "";
      this.#typed();
    } else if (event.key === "Tab" && !event.shiftKey && this.#complete()) {
      event.preventDefault();
    }
  }

  /** Completes the verb, or offers the next one. False: there is nothing to complete. */
  #complete(): boolean {
    const verb = this.#input.value;
    if (this.#offers.length === 0) {
      if (verb === "" || verb.includes(" ") || this.#isWaiting) return false;
      this.#offers = [...completions(verb), verb];
      if (this.#offers.length === 1) return false;
    }
    const [next = "", ...rest] = this.#offers;
    this.#input.value = rest.length === 1 && next !== verb ? `${next} ` : next;
    this.#typed();
    if (rest.length > 1) this.#offers = [...rest, next];
    return true;
  }

  /** An input element would join pasted lines into one, so they are said here instead. */
  #paste(event: ClipboardEvent): void {
    const text = event.clipboardData?.getData("text") ?? "";
    const lines = text.split(/\r?\n/);
    if (text.length > PASTE_MAX) {
      event.preventDefault();
      this.note("That is too much to paste: 4 MiB at most. The load below takes files of keys.");
      return;
    }
    if (lines.length < 2) return;
    event.preventDefault();
    const last = lines.pop() ?? "";
    const first = this.#input.value + (lines.shift() ?? "");
    this.#input.value = last;
    this.say(this.#client, [first, ...lines]);
  }

  #show(kind: "said" | "heard" | "note", client: string, text: string): void {
    const speaker = { said: `${client}: `, heard: `Server to ${client}: `, note: "" }[kind];
    const cut = text.length - SHOWN_MAX;
    const shown = cut > 0 ? `${text.slice(0, SHOWN_MAX)}\n… ${cut} more characters` : text;
    this.#log.append(
      make(
        "p",
        { className: kind, data: { client } },
        make("span", { className: "visually-hidden", textContent: speaker }),
        make(kind === "note" ? "span" : "code", { textContent: shown }),
      ),
    );
    while (this.#log.childElementCount > LOG_MAX) this.#log.firstElementChild?.remove();
  }
}

function remembered(): string[] {
  try {
    const stored: unknown = JSON.parse(localStorage.getItem(STORED) ?? "[]");
    return Array.isArray(stored) ? stored.filter((line) => typeof line === "string") : [];
  } catch {
    return [];
  }
}
