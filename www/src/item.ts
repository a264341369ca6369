// One item, drawn from its actual bytes: item header, key, value and wasted bytes.

import { readable } from "./bytes.ts";
import { element, make } from "./dom.ts";
import type { Chunk, Engine, Field, Inspection } from "./engine.ts";
import { count, duration, seconds } from "./units.ts";

/** The most bytes of a chunk that are drawn, and of a value that are shown as text. */
const DRAWN_MAX = 256;
const TEXT_MAX = 1000;
/** The words at the beginning of a continuation chunk. */
const CONTINUATION = ["next chunk", "item header"];

export class ItemView {
  readonly #dialog = element<HTMLDialogElement>("#item");
  readonly #body = element("#item-body");
  readonly #closed: () => void;

  /** `closed` is called when the dialog closes. */
  constructor(closed: () => void) {
    this.#closed = closed;
    this.#dialog.addEventListener("close", () => this.#closed());
  }

  /** Shows the item at a position; false if there is none. */
  open(engine: Engine, position: number): boolean {
    const item = engine.inspect(position);
    if (item === undefined) return false;
    element("#item-title").textContent = readable(item.key);
    this.#body.replaceChildren(
      statsView(item, engine.now),
      make("h3", { textContent: "Value" }),
      valueView(item.chunks),
      make("h3", { textContent: "Item header" }),
      fieldTable(item.fields),
      make("h3", { textContent: item.chunks.length === 1 ? "Chunk" : "Chunks" }),
      ...item.chunks.map((chunk, at) => chunkView(chunk, at, item.fields)),
    );
    if (!this.#dialog.open) this.#dialog.showModal();
    return true;
  }
}

function statsView(item: Inspection, now: number): HTMLElement {
  const size = (part: (chunk: Chunk) => number) =>
    item.chunks.reduce((sum, chunk) => sum + part(chunk), 0);
  const [value, overhead] = [size((chunk) => chunk.value), size((chunk) => chunk.overhead)];
  const all = size((chunk) => chunk.bytes.length);
  const wasted = all - overhead - value - item.key.length;
  const pairs: [string, string][] = [
    ["Value", `${count(value)} bytes`],
    ["Memory", `${count(all)} bytes in ${item.chunks.length} ${chunks(item.chunks.length)}`],
    ["Overhead", `${overhead} bytes`],
    ["Wasted", `${wasted} bytes`],
    ["Expires", expiry(item.expiresAt, now)],
    ["Last used", `${seconds(Math.max(0, Math.floor(now / 1000) - item.lastUsed))} ago`],
    ["Read since it was stored", item.read ? "yes" : "no"],
    ["Flags", String(item.flags)],
    ["Unique number (cas)", String(item.cas)],
  ];
  const entries = pairs.map(([name, text]) =>
    make("div", {}, make("dt", { textContent: name }), make("dd", { textContent: text })),
  );
  return make("dl", { className: "item-stats" }, ...entries);
}

/** When an item expires. */
function expiry(at: number | undefined, now: number): string {
  if (at === undefined) return "never";
  return at <= now ? "expired" : `in ${duration(at - now)}`;
}

/** The value as text, joined from its chunks. */
function valueView(chunks: Chunk[]): HTMLElement {
  const value = chunks.flatMap(({ bytes, overhead, key, value }) => [
    ...bytes.subarray(overhead + key, overhead + key + value),
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
  const titles = ["Byte", "Bits", "Field", "Value"].map((name) =>
    make("th", { scope: "col", textContent: name }),
  );
  const rows = fields.map((field) =>
    make(
      "tr",
      { data: { word: String((field.offset / 4) % 8) } },
      make("td", {}, make("span", { className: "swatch" }), String(field.offset)),
      make("td", { textContent: bits(field.mask) }),
      make("td", { textContent: field.name }),
      make("td", {}, make("code", { textContent: meaning(field) })),
    ),
  );
  const table = make(
    "table",
    {},
    make("thead", {}, make("tr", {}, ...titles)),
    make("tbody", {}, ...rows),
  );
  return make(
    "div",
    { className: "scroll", tabIndex: 0, role: "region", ariaLabel: "Fields" },
    table,
  );
}

/** The bits of a mask: `0–27`, or `28`. */
export function bits(mask: number): string {
  const last = 31 - Math.clz32(mask);
  const first = 31 - Math.clz32(mask & -mask);
  return first === last ? String(first) : `${first}–${last}`;
}

/** The value of a field in words. References are in units of 16 bytes, and 0 is none. */
function meaning({ name, mask, value }: Field): string {
  if (name === "kind") return value === 1 ? "item header" : "item header with 64-bit cas";
  if (["next chunk", "newer", "older"].includes(name)) {
    return value === 0 ? "none" : `byte ${count(16 * value)}`;
  }
  if (name === "last use") return `second ${count(value)}`;
  if (name === "deadline") return `${count(value)} ms`;
  return (mask & -mask) >>> 0 === mask ? (value === 1 ? "yes" : "no") : String(value);
}

function chunkView(chunk: Chunk, at: number, fields: Field[]): HTMLElement {
  const { overhead, key, value } = chunk;
  const waste = chunk.bytes.length - overhead - key - value;
  const shown = Math.min(chunk.bytes.length, DRAWN_MAX);
  const cells = Array.from(chunk.bytes.subarray(0, shown), (byte, index) => {
    const cell = make("span", { textContent: byte.toString(16).padStart(2, "0") });
    if (index < overhead) {
      const word = Math.floor(index / 4);
      cell.dataset.word = String(word % 8);
      cell.title = at === 0 ? names(fields, word * 4) : (CONTINUATION[word] ?? "");
    } else {
      const keyEnd = overhead + key;
      const part = index < keyEnd ? "key" : index < keyEnd + value ? "value" : "wasted";
      cell.dataset.part = part;
      cell.title = part === "wasted" ? part : `${part}: ${readable(Uint8Array.of(byte))}`;
    }
    return cell;
  });
  const more = chunk.bytes.length - shown;
  const parts = [`${overhead} overhead`, `${key} key`, `${value} value`, `${waste} wasted`];
  const location = `Page ${chunk.page}, chunk ${chunk.number}`;
  const title = `${location}: ${chunk.bytes.length} bytes (${parts.join(", ")})`;
  const label = `Bytes of chunk ${at + 1}`;
  return make(
    "figure",
    { className: "chunk" },
    make("figcaption", { textContent: title }),
    make("div", { className: "hexes", role: "img", ariaLabel: label }, ...cells),
    ...(more > 0 ? [`… ${count(more)} more bytes`] : []),
  );
}

function names(fields: Field[], offset: number): string {
  return fields
    .filter((field) => field.offset === offset)
    .map((field) => field.name)
    .join(", ");
}
