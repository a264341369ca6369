// What went over the wire, byte for byte: the newest messages, as text or in hexadecimal.

import { hex, lines, shellCommand } from "./bytes.ts";
import { element, make } from "./dom.ts";

/** How many messages are shown, and how many bytes of each. */
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

  /** Notes what a client sent and what it was answered; `draw` shows it. */
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

  /** All that was sent and is still shown, by whoever spoke last. */
  async #copy(): Promise<void> {
    const client = this.#messages.findLast((message) => message.isSent)?.client;
    const sent = this.#messages.filter((message) => message.isSent && message.client === client);
    if (sent.length === 0) {
      this.#status.textContent = "Nothing was sent yet.";
      return;
    }
    const bytes = sent.flatMap((message) => [...message.bytes]);
    try {
      await navigator.clipboard.writeText(shellCommand(Uint8Array.from(bytes)));
      this.#status.textContent = `Copied what ${client} has sent.`;
    } catch {
      this.#status.textContent = "The browser did not allow that.";
    }
  }
}

function line({ text, end }: { text: string; end: string }): (Node | string)[] {
  const mark = make("span", { className: "end", textContent: end });
  return end === "" ? [text] : [text, mark, "\n"];
}
