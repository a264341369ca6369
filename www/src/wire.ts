// The newest messages, byte for byte, as text or in hexadecimal.

import { hex, lines } from "./bytes.ts";
import { element, make } from "./dom.ts";
import { type Language, program } from "./programs.ts";

/** The most messages that are shown, and bytes of each. */
const MESSAGES_MAX = 40;
const BYTES_MAX = 4096;

interface Message {
  client: string;
  isSent: boolean;
  bytes: Uint8Array;
  /** The key that it is about. */
  id: string | undefined;
  /** Whether it begins a request: a value does not. */
  isFirst: boolean;
}

export class Wire {
  readonly #list = element("#wire-list");
  readonly #hex = element<HTMLInputElement>("#wire-hex");
  readonly #status = element("#wire-status");
  readonly #language = element<HTMLSelectElement>("#wire-language");
  readonly #count = element("#count-wire");
  #messages: Message[] = [];
  #all = 0;

  constructor() {
    this.#hex.addEventListener("change", () => this.draw());
    element("#wire-copy").addEventListener("click", () => void this.#copy());
  }

  /** Adds a client's message and the reply; `draw` shows them. */
  add(sent: Omit<Message, "isSent">, reply: Uint8Array): void {
    const { client, id } = sent;
    this.#all += 1;
    // The lines before belong to the same request.
    for (const before of this.#messages.toReversed()) {
      if (id === undefined || sent.isFirst || !before.isSent || before.client !== client) break;
      before.id ??= id;
      if (before.isFirst) break;
    }
    this.#messages.push({ ...sent, isSent: true });
    if (reply.length > 0) {
      this.#messages.push({ client, isSent: false, bytes: reply, id, isFirst: false });
    }
    if (this.#messages.length > 2 * MESSAGES_MAX) this.#messages.splice(0, MESSAGES_MAX);
  }

  clear(): void {
    this.#messages = [];
    this.#all = 0;
    this.draw();
  }

  /** The last message about a key, without its value. */
  lastAbout(id: string): string | undefined {
    const message = this.#messages.findLast((message) => message.isFirst && message.id === id);
    const first = message === undefined ? undefined : lines(message.bytes.subarray(0, 200))[0];
    return first === undefined ? undefined : `${first.text}${first.end === "" ? "" : "\\r\\n"}`;
  }

  draw(): void {
    this.#count.textContent = this.#all === 0 ? "" : String(this.#all);
    if (element("#panel-wire").hidden) return;
    this.#status.textContent = "";
    this.#messages = this.#messages.slice(-MESSAGES_MAX);
    this.#list.replaceChildren(...this.#messages.map((message) => this.#entry(message)));
    this.#list.scrollTop = this.#list.scrollHeight;
  }

  #entry({ client, isSent, bytes, id }: Message): HTMLElement {
    const shown = bytes.subarray(0, BYTES_MAX);
    const more = bytes.length - shown.length;
    const text = this.#hex.checked ? [hex(shown)] : lines(shown).flatMap(line);
    const direction = isSent ? `${client} to server` : `server to ${client}`;
    const size = `${bytes.length} ${bytes.length === 1 ? "byte" : "bytes"}`;
    return make(
      "li",
      {
        className: isSent ? "sent" : "received",
        data: { client, ...(id === undefined ? {} : { key: id }) },
      },
      make("span", { className: "label", textContent: `${direction}, ${size}` }),
      make(
        "code",
        { className: this.#hex.checked ? "hex" : "" },
        ...text,
        more > 0 ? `\n… ${more} more bytes` : "",
      ),
    );
  }

  /** Copies all messages on screen of the client that sent last. */
  async #copy(): Promise<void> {
    const client = this.#messages.findLast((message) => message.isSent)?.client;
    const sent = this.#messages.filter((message) => message.isSent && message.client === client);
    if (sent.length === 0) {
      this.#status.textContent = "No messages yet.";
      return;
    }
    const bytes = sent.flatMap((message) => [...message.bytes]);
    try {
      await navigator.clipboard.writeText(
        program(this.#language.value as Language, Uint8Array.from(bytes)),
      );
      this.#status.textContent = `Copied the messages of ${client}.`;
    } catch {
      this.#status.textContent = "The browser denied access to the clipboard.";
    }
  }
}

function line({ text, end }: { text: string; end: string }): (Node | string)[] {
  const mark = make("span", { className: "end", textContent: end });
  return end === "" ? [text] : [text, mark, "\n"];
}
