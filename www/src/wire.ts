// The newest messages, byte for byte, as text or in hexadecimal.

import { hex, lines, shellCommand } from "./bytes.ts";
import { element, make } from "./dom.ts";

/** The most messages that are shown, and bytes of each. */
const MESSAGES_MAX = 40;
const BYTES_MAX = 4096;

interface Message {
  client: string;
  isSent: boolean;
  bytes: Uint8Array;
}

export class Wire {
  readonly #list = element("#wire-list");
  readonly #hex = element<HTMLInputElement>("#wire-hex");
  readonly #status = element("#wire-status");
  #messages: Message[] = [];

  constructor() {
    this.#hex.addEventListener("change", () => this.draw());
    element("#wire-copy").addEventListener("click", () => void this.#copy());
  }

  /** Adds a client's message and the reply; `draw` shows them. */
  add(client: string, sent: Uint8Array, reply: Uint8Array): void {
    this.#messages.push({ client, isSent: true, bytes: sent });
    if (reply.length > 0) this.#messages.push({ client, isSent: false, bytes: reply });
    if (this.#messages.length > 2 * MESSAGES_MAX) this.#messages.splice(0, MESSAGES_MAX);
  }

  clear(): void {
    this.#messages = [];
    this.draw();
  }

  draw(): void {
    this.#status.textContent = "";
    this.#messages = this.#messages.slice(-MESSAGES_MAX);
    this.#list.replaceChildren(...this.#messages.map((message) => this.#entry(message)));
    this.#list.scrollTop = this.#list.scrollHeight;
  }

  #entry({ client, isSent, bytes }: Message): HTMLElement {
    const shown = bytes.subarray(0, BYTES_MAX);
    const more = bytes.length - shown.length;
    const text = this.#hex.checked ? [hex(shown)] : lines(shown).flatMap(line);
    const direction = isSent ? `${client} → server` : `server → ${client}`;
    const size = `${bytes.length} ${bytes.length === 1 ? "byte" : "bytes"}`;
    return make(
      "li",
      { className: isSent ? "sent" : "received", data: { client } },
      make("span", { className: "label", textContent: `${direction}, ${size}` }),
      make("code", {}, ...text, more > 0 ? `\n… ${more} more bytes` : ""),
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
      await navigator.clipboard.writeText(shellCommand(Uint8Array.from(bytes)));
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
