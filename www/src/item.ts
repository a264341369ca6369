// One item, drawn from its real bytes: the head field by field, then key, value and waste.

import { readable } from "./bytes.ts";
import { element, make } from "./dom.ts";
import type { Chunk, Engine, Field, Inspection } from "./engine.ts";
import { count, duration, seconds } from "./units.ts";

/** How many bytes of each chunk are drawn, and how many of a value are shown as text. */
const DRAWN_MAX = 256;
const TEXT_MAX = 1000;
/** The bytes of the engine's own at the beginning of a continuation, in words. */
const CONTINUATION = ["next chunk", "head of the item"];

export class ItemView {
  readonly #dialog = element<HTMLDialogElement>("#item");
  readonly #body = element("#item-body");
  readonly #closed: () => void;

  /** `closed` is called when nobody looks at an item any more. */
  constructor(closed: () => void) {
    this.#closed = closed;
    this.#dialog.addEventListener("close", () => this.#closed());
  }

  /** Shows the item at a position. False: there is none. */
  open(engine: Engine, position: number): boolean {
    const item = engine.inspect(position);
    if (item === undefined) return false;
    element("#item-title").textContent = readable(item.key);
    this.#body.replaceChildren(
      facts(item, engine.now),
      make("h3", { textContent: "Value" }),
      valueView(item.chunks),
      make("h3", { textContent: "The head, field by field" }),
      fieldTable(item.fields),
      make("h3", { textContent: item.chunks.length === 1 ? "Its chunk" : "Its chunks" }),
      ...item.chunks.map((chunk, at) => chunkView(chunk, at, item.fields)),
    );
    if (!this.#dialog.open) this.#dialog.showModal();
    return true;
  }
}

function facts(item: Inspection, now: number): HTMLElement {
  const size = (part: (chunk: Chunk) => number) =>
    item.chunks.reduce((sum, chunk) => sum + part(chunk), 0);
  const [value, own] = [size((chunk) => chunk.value), size((chunk) => chunk.head)];
  const all = size((chunk) => chunk.bytes.length);
  const ends =
    item.endsAt === undefined ? "never" : `in ${duration(Math.max(0, item.endsAt - now))}`;
  const pairs: [string, string][] = [
    ["Value", `${count(value)} bytes`],
    ["Takes", `${count(all)} bytes in ${item.chunks.length} ${chunks(item.chunks.length)}`],
    ["Of that", `${own} the engine’s, ${all - own - value - item.key.length} waste`],
    ["Ends", item.endsAt !== undefined && item.endsAt <= now ? "is over" : ends],
    ["Last used", `${seconds(Math.max(0, Math.floor(now / 1000) - item.lastUsed))} ago`],
    ["Read since its store", item.read ? "yes" : "no"],
    ["Flags", String(item.flags)],
    ["Unique number (cas)", String(item.cas)],
  ];
  const entries = pairs.map(([name, text]) =>
    make("div", {}, make("dt", { textContent: name }), make("dd", { textContent: text })),
  );
  return make("dl", { className: "facts" }, ...entries);
}

/** The value as text, from the pieces of it that the chunks have. */
function valueView(chunks: Chunk[]): HTMLElement {
  const value = chunks.flatMap(({ bytes, head, key, value }) => [
    ...bytes.subarray(head + key, head + key + value),
  ]);
  const more = value.length - TEXT_MAX;
  const text = readable(Uint8Array.from(value.slice(0, TEXT_MAX)));
  return make(
    "pre",
    { className: "value", tabIndex: 0, role: "region", ariaLabel: "Value" },
    value.length === 0 ? "(empty)" : text,
    ...(more > 0 ? [`\n… ${count(more)} more bytes`] : []),
  );
}

const chunks = (number: number) => (number === 1 ? "chunk" : "chunks");

function fieldTable(fields: Field[]): HTMLElement {
  const head = ["Byte", "Bits", "Field", "Value"].map((name) =>
    make("th", { scope: "col", textContent: name }),
  );
  const rows = fields.map((field) =>
    make(
      "tr",
      { data: { word: String((field.at / 4) % 8) } },
      make("td", {}, make("span", { className: "swatch" }), String(field.at)),
      make("td", { textContent: bits(field.mask) }),
      make("td", { textContent: field.name }),
      make("td", {}, make("code", { textContent: meaning(field) })),
    ),
  );
  const table = make(
    "table",
    {},
    make("thead", {}, make("tr", {}, ...head)),
    make("tbody", {}, ...rows),
  );
  return make(
    "div",
    { className: "scroll", tabIndex: 0, role: "region", ariaLabel: "Fields" },
    table,
  );
}

/** Which bits of a word a mask has: `0–27`, or `28`. */
export function bits(mask: number): string {
  const last = 31 - Math.clz32(mask);
  const first = 31 - Math.clz32(mask & -mask);
  return first === last ? String(first) : `${first}–${last}`;
}

/** What the bits of a field say. References count in units of 16 bytes, and 0 is none. */
function meaning({ name, mask, value }: Field): string {
  if (name === "kind") return value === 1 ? "a head" : "a head with a wide cas";
  if (["next chunk", "newer", "older"].includes(name)) {
    return value === 0 ? "none" : `byte ${count(16 * value)}`;
  }
  if (name === "last use") return `second ${count(value)}`;
  if (name === "deadline") return `${count(value)} ms`;
  return (mask & -mask) >>> 0 === mask ? (value === 1 ? "yes" : "no") : String(value);
}

function chunkView(chunk: Chunk, at: number, fields: Field[]): HTMLElement {
  const { head, key, value } = chunk;
  const waste = chunk.bytes.length - head - key - value;
  const shown = Math.min(chunk.bytes.length, DRAWN_MAX);
  const cells = Array.from(chunk.bytes.subarray(0, shown), (byte, index) => {
    const cell = make("span", { textContent: byte.toString(16).padStart(2, "0") });
    if (index < head) {
      const word = Math.floor(index / 4);
      cell.dataset.word = String(word % 8);
      cell.title = at === 0 ? names(fields, word * 4) : (CONTINUATION[word] ?? "");
    } else {
      const part = index < head + key ? "key" : index < head + key + value ? "value" : "waste";
      cell.dataset.part = part;
      cell.title = part === "waste" ? part : `${part}: ${readable(Uint8Array.of(byte))}`;
    }
    return cell;
  });
  const more = chunk.bytes.length - shown;
  const parts = [`${head} the engine’s`, `${key} key`, `${value} value`, `${waste} waste`];
  const place = `Page ${chunk.page}, chunk ${chunk.number}`;
  const title = `${place}: ${chunk.bytes.length} bytes (${parts.join(", ")})`;
  const label = `Bytes of chunk ${at + 1}`;
  return make(
    "figure",
    { className: "chunk" },
    make("figcaption", { textContent: title }),
    make("div", { className: "hexes", role: "img", ariaLabel: label }, ...cells),
    ...(more > 0 ? [`… ${count(more)} more bytes`] : []),
  );
}

function names(fields: Field[], at: number): string {
  return fields
    .filter((field) => field.at === at)
    .map((field) => field.name)
    .join(", ");
}
