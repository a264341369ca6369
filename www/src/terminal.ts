// A terminal with two clients. It sends lines to the engine, and shows the replies. Whether a line
// is a command or a value depends on the protocol, so the engine says when it waits for a value.

import { type Advice, advice, hasEscapes, unescaped } from "./advice.ts";
import { lineBytes, readable } from "./bytes.ts";
import { COMMANDS, completions, help, syntax, typing, valueSize } from "./commands.ts";
import { element, make, prose } from "./dom.ts";
import type { Answer, Model } from "./model.ts";
import { idOf } from "./selection.ts";
import { story } from "./story.ts";
import { count } from "./units.ts";
import type { Wire } from "./wire.ts";

/** The most entries of the log, so that its memory is bounded. */
const LOG_MAX = 500;
/** The most lines of the history. */
const HISTORY_MAX = 200;
/** The longest text of an entry of the log. */
const SHOWN_MAX = 20_000;
/** From this length on, a line is shown in one row. */
const LINE_MAX = 160;
/** The largest text that can be pasted, in characters. */
const PASTE_MAX = 4 << 20;
const STORED = "dynamidb-history";
/** The most popular key of the load that every visitor sees first. */
const POPULAR = "key:1";
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
  readonly #examples = element("#examples");
  #client = 0;
  /** Entries that are not in the page yet, and whether they wait. */
  #pending: Entry[] = [];
  #isHeld = false;
  /** Whether the log has new entries that are not scrolled into view yet. */
  #isStale = false;
  /** The size of the value that each client sends next, and of the command line before it. */
  #expected: ({ value: number; line: number } | undefined)[] = [];
  /** The first line of each client's last command. */
  #commands: string[] = [];
  /** The bytes of a refused value that the server still discards. */
  #discarded: number[] = [];
  #history = storedHistory();
  /** The index of Up and Down in the history; its length means a new line. */
  #recalled = this.#history.length;
  /** The completions that Tab cycles through. */
  #offers: string[] = [];

  /** Called when a command is complete, with its first line and what it did. */
  onCommand: (text: string, answer: Answer) => void = () => {};
  /** Called when a client has hung up. */
  onHangUp: () => void = () => {};
  /** Asked before a command is sent; false: an earlier moment is shown. */
  maySend: () => boolean = () => true;

  constructor(model: Model, wire: Wire) {
    this.#model = model;
    this.#wire = wire;
    element<HTMLFormElement>("#prompt").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
    });
    // The end stays in sight when the map above takes more height.
    new ResizeObserver(() => this.#scrollToEnd()).observe(this.#log);
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

  /** Sends an example; an open value is given up first, so that the example is not taken for it. */
  sendExample(lines: string[]): void {
    if (!this.maySend()) return;
    if (this.#isWaiting) this.disconnect(this.#client);
    this.sendLines(this.#client, lines);
  }

  /** The client that sends. */
  get client(): number {
    return this.#client;
  }

  /** Sends what is in the prompt. */
  submit(): void {
    this.#submit();
  }

  /** Sends these bytes unchanged. */
  send(client: number, bytes: Uint8Array): void {
    this.#send(client, bytes);
    this.#refresh();
  }

  /** Closes a client's connection; an incomplete request is discarded. */
  disconnect(client: number): void {
    this.#model.disconnect(client);
    this.#expected[client] = undefined;
    this.#discarded[client] = 0;
    this.onHangUp();
    this.note(`${nameOf(client)} has disconnected.`);
    this.#refresh();
  }

  /** Shows text for the reader. */
  note(text: string): void {
    this.#show("note", "", [text]);
    this.#isStale = true;
  }

  /** Forgets what came after this moment. */
  cut(age: number): void {
    for (const entry of [...this.#log.children] as HTMLElement[]) {
      if (Number(entry.dataset.age) > age) entry.remove();
    }
    this.#prompt();
  }

  clear(): void {
    this.#log.replaceChildren();
    this.#pending = [];
    this.#wire.clear();
    this.#expected = [];
    this.#discarded = [];
    this.#isStale = true;
    this.#prompt();
  }

  #sendLine(client: number, line: string): void {
    const isValue = this.#model.engine.pending(client) > 0 || (this.#discarded[client] ?? 0) > 0;
    if (!isValue && /^help( |$)/.test(line.trim())) {
      this.#show("request", nameOf(client), [line]);
      this.note(help(line));
      return;
    }
    const bytes = lineBytes(line);
    const size = isValue ? undefined : valueSize(line);
    if (!isValue) {
      this.#expected[client] = size === undefined ? undefined : { value: size, line: bytes.length };
    }
    const answer = this.#send(client, bytes);
    const reply = readable(answer.reply);
    if (isValue)
      this.#discarded[client] = Math.max(0, (this.#discarded[client] ?? 0) - bytes.length);
    else if (size !== undefined && reply === "" && this.#model.engine.pending(client) === 0) {
      // Nothing is kept of the line, and the reply comes after the value: it is being discarded.
      this.#discarded[client] = size + 2;
    }
    const meant = isValue ? undefined : advice(line, reply);
    if (meant !== undefined) this.#advise(client, meant);
    else if (hasEscapes(line)) this.#adviseEscapes(client, line, isValue);
  }

  #send(client: number, bytes: Uint8Array): Answer {
    const name = nameOf(client);
    const isFirst = this.#model.engine.pending(client) === 0;
    if (isFirst) {
      this.#commands[client] = readable(bytes.subarray(0, 200)).split("\r\n")[0] ?? "";
    }
    const answer = this.#model.send(client, bytes);
    const key = answer.keys.at(-1);
    const id = key === undefined ? undefined : idOf(key);
    this.#wire.add({ client: name, bytes, id, isFirst }, answer.reply);
    if (id !== undefined) this.#link(name, id);
    const text = readable(bytes);
    this.#show("request", name, [text.endsWith("\r\n") ? text.slice(0, -2) : text], id);
    const reply = readable(answer.reply);
    if (reply.length > 0) this.#show("reply", name, [reply], id);
    const did =
      this.#isHeld && this.#pending.length > 100
        ? undefined
        : story(this.#model.engine, answer, reply);
    if (did !== undefined) this.#show("note", "", did);
    if (!this.#model.engine.isConnected(client))
      this.note(`The server has closed ${name}’s connection.`);
    if (this.#model.engine.pending(client) === 0) {
      this.onCommand(this.#commands[client] ?? "", answer);
    }
    return answer;
  }

  /** Links the lines before, which belong to the same request. */
  #link(client: string, id: string): void {
    for (const entry of this.#pending.toReversed()) {
      if (entry.client !== client || entry.id !== undefined || entry.kind !== "request") return;
      entry.id = id;
    }
    for (let at = this.#log.lastElementChild; at instanceof HTMLElement;) {
      const { client: other, key } = at.dataset;
      if (other !== client || key !== undefined || !at.matches(".request")) return;
      at.dataset.key = id;
      at = at.previousElementSibling;
    }
  }

  /** What was meant, with a button that does it. */
  #advise(client: number, { text, lines, bytes }: Advice): void {
    const parts: (Node | string)[] = prose(text);
    if (lines !== undefined || bytes !== undefined) {
      const shown = lines?.join(", then ") ?? readable(bytes ?? new Uint8Array());
      const code = make("code", { textContent: shown.slice(0, 80) });
      const button = make("button", { type: "button" }, "Send ", code);
      button.addEventListener("click", () => {
        if (!this.maySend()) return;
        if (bytes !== undefined) this.send(client, bytes);
        else this.sendLines(client, lines ?? []);
      });
      parts.push(make("br"), button);
    }
    this.#show("note", "", parts, undefined, "kind");
  }

  #adviseEscapes(client: number, line: string, isValue: boolean): void {
    if (isValue) return;
    this.#advise(client, {
      text: "Sent as typed: `\\x00` is four characters. With escapes as bytes:",
      bytes: Uint8Array.from([...unescaped(line.replace(/(\\r)?(\\n)?$/, "")), 13, 10]),
    });
  }

  /** Scrolls to the end of the log, before the next frame. */
  frame(): void {
    if (!this.#isStale) return;
    this.#isStale = false;
    this.#flush();
    this.#wire.draw();
    this.#offer();
    this.#scrollToEnd();
  }

  #scrollToEnd(): void {
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
    const isOpen = waiting || (this.#discarded[this.#client] ?? 0) > 0;
    this.#disconnect.hidden = !isOpen;
    this.#typed();
  }

  /** Offers what can be done next. */
  #offer(): void {
    const offers = this.#isWaiting ? [] : this.#nextCommands();
    const shown = [...this.#examples.children].map((button) => button.textContent).join("\n");
    if (shown === offers.map((lines) => lines[0]).join("\n")) return;
    this.#examples.replaceChildren(
      ...offers.map((lines) => {
        const button = make(
          "button",
          { type: "button" },
          make("code", { textContent: lines[0] ?? "" }),
        );
        button.addEventListener("click", () => this.sendExample(lines));
        return button;
      }),
    );
  }

  #nextCommands(): string[][] {
    const last = this.lastKey();
    if (last === undefined) {
      const get = this.isCached(POPULAR) ? [[`GET ${POPULAR}`]] : [];
      return [["SET greeting 30 5", "hello"], ...get, ["help"]];
    }
    return [[`GET ${last}`], [`touch ${last} 300`], [`gets ${last}`], ["stats"], ["help"]];
  }

  /** Whether the cache has a value under this key. */
  isCached: (key: string) => boolean = () => false;

  /** The last key that a visitor stored, if it can be typed. */
  lastKey: () => string | undefined = () => undefined;

  /** Shows the syntax of the command being typed, or how much of a value is missing. */
  #typed(): void {
    this.#offers = [];
    const line = this.#input.value;
    if (this.#isWaiting) {
      this.#hint.replaceChildren(
        `The server waits for the rest of the value${this.#missing(line)}.`,
      );
      return;
    }
    const discarded = this.#discarded[this.#client] ?? 0;
    if (discarded > 0) {
      this.#hint.replaceChildren(`The server discards this value: ${count(discarded)} more bytes.`);
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
      like.length > 0 ? `Tab: ${like.join(", ")}` : "Type a command, or help",
    );
  }

  /** How much of the value has come, with what is being typed. */
  #missing(line: string): string {
    const expected = this.#expected[this.#client];
    if (expected === undefined) return "";
    const sent = Math.max(0, this.#model.engine.pending(this.#client) - expected.line);
    const typed = sent + new TextEncoder().encode(line).length;
    const unit = expected.value === 1 ? "byte" : "bytes";
    return `: ${count(typed)} of ${count(expected.value)} ${unit} typed`;
  }

  #submit(): void {
    if (!this.maySend()) return;
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
      this.note(
        "This is too long to paste: 4 MiB at most. Compare, below the map, takes files of keys.",
      );
      return;
    }
    if (lines.length < 2) return;
    event.preventDefault();
    const last = lines.pop() ?? "";
    if (!this.maySend()) return;
    const first = this.#input.value + (lines.shift() ?? "");
    this.#input.value = last;
    this.sendLines(this.#client, [first, ...lines]);
  }

  #show(kind: Entry["kind"], client: string, parts: Entry["parts"], id?: string, more = ""): void {
    this.#pending.push({ kind, client, parts, id, more, age: this.#model.engine.age });
    if (!this.#isHeld) this.#flush();
    else if (this.#pending.length > 2 * LOG_MAX) this.#pending.splice(0, LOG_MAX);
  }

  /** While many steps are done, the log is written before it is drawn, and not for each. */
  hold(isHeld: boolean): void {
    this.#isHeld = isHeld;
    this.#flush();
  }

  #flush(): void {
    if (this.#pending.length === 0) return;
    this.#log.append(...this.#pending.slice(-LOG_MAX).map(paragraph));
    this.#pending = [];
    while (this.#log.childElementCount > LOG_MAX) this.#log.firstElementChild?.remove();
  }
}

/** An entry of the log. */
interface Entry {
  kind: "request" | "reply" | "note";
  client: string;
  parts: (Node | string)[];
  id: string | undefined;
  more: string;
  /** When, in milliseconds since the cache was made. */
  age: number;
}

function paragraph({ kind, client, parts, id, more, age }: Entry): HTMLElement {
  const speaker = { request: `${client}: `, reply: `Server to ${client}: `, note: "" }[kind];
  const shown = parts.flatMap((part) =>
    typeof part !== "string" ? [part] : kind === "note" ? [part] : folded(shortened(part)),
  );
  return make(
    "p",
    {
      className: `${kind} ${more}`.trim(),
      data: { client, age: String(age), ...(id === undefined ? {} : { key: id }) },
    },
    make("span", { className: "visually-hidden", textContent: speaker }),
    make(kind === "note" ? "span" : "code", {}, ...shown),
  );
}

/** Long lines are cut by the style, so that a value does not push the conversation away. */
function folded(text: string): (Node | string)[] {
  return text
    .split(/(?<=\n)/)
    .map((line) =>
      line.length > LINE_MAX
        ? make("span", { className: "long", title: line.slice(0, 1000), textContent: line })
        : line,
    );
}

function shortened(text: string): string {
  const cut = text.length - SHOWN_MAX;
  return cut > 0 ? `${text.slice(0, SHOWN_MAX)}\n… ${cut} more characters` : text;
}

function storedHistory(): string[] {
  try {
    const stored: unknown = JSON.parse(localStorage.getItem(STORED) ?? "[]");
    return Array.isArray(stored) ? stored.filter((line) => typeof line === "string") : [];
  } catch {
    return [];
  }
}
