// A terminal with two clients. It sends lines to the engine, and shows the replies. Whether a line
// is a command or a value depends on the protocol, so the engine says when it waits for a value.

import { lineBytes, readable } from "./bytes.ts";
import { COMMANDS, completions, help, syntax, typing, valueSize } from "./commands.ts";
import { element, make } from "./dom.ts";
import type { Model } from "./model.ts";
import type { Wire } from "./wire.ts";

/** The most entries of the log, so that its memory is bounded. */
const LOG_MAX = 500;
/** The most lines of the history. */
const HISTORY_MAX = 200;
/** The longest text of an entry of the log. */
const SHOWN_MAX = 20_000;
/** The largest text that can be pasted, in characters. */
const PASTE_MAX = 4 << 20;
const STORED = "dynamidb-history";
/** The number of clients of the terminal; a scenario may have more. */
const CLIENTS = 2;

/** The name of a client: A to Z. */
export function nameOf(client: number): string {
  return String.fromCharCode("A".charCodeAt(0) + client);
}

export class Terminal {
  readonly #model: Model;
  readonly #wire: Wire;
  readonly #log = element("#log");
  readonly #input = element<HTMLInputElement>("#line");
  readonly #label = element("#prompt label[for=line]");
  readonly #hint = element("#hint");
  readonly #disconnect = element<HTMLButtonElement>("#disconnect");
  #client = 0;
  /** Whether the log has new entries that are not scrolled into view yet. */
  #isStale = false;
  /** The size of the value that each client sends next. */
  #expected: (number | undefined)[] = [];
  #history = storedHistory();
  /** The index of Up and Down in the history; its length means a new line. */
  #recalled = this.#history.length;
  /** The completions that Tab cycles through. */
  #offers: string[] = [];

  constructor(model: Model, wire: Wire) {
    this.#model = model;
    this.#wire = wire;
    element<HTMLFormElement>("#prompt").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
    });
    this.#input.addEventListener("keydown", (event) => this.#key(event));
    this.#input.addEventListener("input", () => this.#typed());
    this.#input.addEventListener("paste", (event) => this.#paste(event));
    this.#disconnect.addEventListener("click", () => this.disconnect(this.#client));
    for (const radio of document.querySelectorAll<HTMLInputElement>("input[name=client]")) {
      radio.addEventListener("change", () => {
        this.choose(Number(radio.value));
        this.#input.focus();
      });
    }
    model.onReplace(() => this.clear());
    this.#prompt();
  }

  /** Makes this client the one that sends. */
  choose(client: number): void {
    this.#client = client < CLIENTS ? client : 0;
    for (const radio of document.querySelectorAll<HTMLInputElement>("input[name=client]")) {
      radio.checked = Number(radio.value) === this.#client;
    }
    this.#prompt();
  }

  /** Sends these lines, as if this client had typed them. */
  sendLines(client: number, lines: string[]): void {
    for (const line of lines) this.#sendLine(client, line);
    this.#refresh();
  }

  /** Sends these bytes unchanged. */
  send(client: number, bytes: Uint8Array): void {
    this.#send(client, bytes);
    this.#refresh();
  }

  /** Closes a client's connection; an incomplete request is discarded. */
  disconnect(client: number): void {
    this.#model.disconnect(client);
    this.note(`${nameOf(client)} has disconnected.`);
    this.#refresh();
  }

  /** Shows text for the reader. */
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

  #sendLine(client: number, line: string): void {
    const isValue = this.#model.engine.pending(client) > 0;
    if (!isValue && /^help( |$)/.test(line.trim())) {
      this.#show("request", nameOf(client), line);
      this.note(help(line));
      return;
    }
    if (!isValue) this.#expected[client] = valueSize(line);
    this.#send(client, lineBytes(line));
  }

  #send(client: number, bytes: Uint8Array): void {
    const name = nameOf(client);
    const reply = this.#model.send(client, bytes);
    this.#wire.add(name, bytes, reply);
    const text = readable(bytes);
    this.#show("request", name, text.endsWith("\r\n") ? text.slice(0, -2) : text);
    if (reply.length > 0) this.#show("reply", name, readable(reply));
    if (!this.#model.engine.isConnected(client))
      this.note(`The server has closed ${name}’s connection.`);
  }

  /** Scrolls to the end of the log, before the next frame. */
  frame(): void {
    if (!this.#isStale) return;
    this.#isStale = false;
    this.#wire.draw();
    this.#log.scrollTop = this.#log.scrollHeight;
  }

  #refresh(): void {
    this.#isStale = true;
    this.#prompt();
  }

  get #isWaiting(): boolean {
    return this.#model.engine.pending(this.#client) > 0;
  }

  #prompt(): void {
    const waiting = this.#isWaiting;
    this.#label.textContent = waiting ? "Value" : "Command";
    this.#input.placeholder = waiting ? "the value" : "SET greeting 30 5";
    this.#disconnect.disabled = !this.#model.engine.isConnected(this.#client);
    this.#typed();
  }

  /** Shows the syntax of the command being typed, or how much of a value is missing. */
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
    this.sendLines(this.#client, [line]);
  }

  #remember(line: string): void {
    if (line !== this.#history.at(-1)) this.#history.push(line);
    this.#history = this.#history.slice(-HISTORY_MAX);
    try {
      localStorage.setItem(STORED, JSON.stringify(this.#history));
    } catch {
      // Without storage, the history lasts as long as the page.
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

  /** Completes the verb, or offers the next one; false if there is nothing to complete. */
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

  /** Sends pasted lines: an input element would join them into one. */
  #paste(event: ClipboardEvent): void {
    const text = event.clipboardData?.getData("text") ?? "";
    const lines = text.split(/\r?\n/);
    if (text.length > PASTE_MAX) {
      event.preventDefault();
      this.note("This is too long to paste: 4 MiB at most. The load below accepts files of keys.");
      return;
    }
    if (lines.length < 2) return;
    event.preventDefault();
    const last = lines.pop() ?? "";
    const first = this.#input.value + (lines.shift() ?? "");
    this.#input.value = last;
    this.sendLines(this.#client, [first, ...lines]);
  }

  #show(kind: "request" | "reply" | "note", client: string, text: string): void {
    const speaker = { request: `${client}: `, reply: `Server to ${client}: `, note: "" }[kind];
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

function storedHistory(): string[] {
  try {
    const stored: unknown = JSON.parse(localStorage.getItem(STORED) ?? "[]");
    return Array.isArray(stored) ? stored.filter((line) => typeof line === "string") : [];
  } catch {
    return [];
  }
}
