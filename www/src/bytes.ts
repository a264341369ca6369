// Bytes in readable form, with nothing hidden and nothing made up.

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const encoder = new TextEncoder();

/** Characters that are invisible or reorder text, except line ends and tabs. */
const invisible = /(?![\r\n\t])\p{C}/gu;
const notAscii = /[^\r\n\t\x20-\x7e]/g;

/**
 * The bytes as text. Bytes that are not text, and those of invisible characters, are shown as `\x`
 * and two hexadecimal digits.
 */
export function readable(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes).replace(invisible, (char) => escaped(encoder.encode(char)));
  } catch {
    const latin1 = Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
    return latin1.replace(notAscii, (char) => escaped([char.charCodeAt(0)]));
  }
}

/** The same, split into lines, each with its line end: `CR LF`, `LF`, `CR` or none. */
export function lines(bytes: Uint8Array): { text: string; end: string }[] {
  const parts = readable(bytes).split(/(\r\n|\r|\n)/);
  const all: { text: string; end: string }[] = [];
  for (let at = 0; at < parts.length; at += 2) {
    const end = parts[at + 1] ?? "";
    const text = parts[at] ?? "";
    if (text + end !== "") all.push({ text, end: ENDS[end] ?? "" });
  }
  return all;
}

const ENDS: Record<string, string> = { "\r\n": "CR LF", "\r": "CR", "\n": "LF" };

/** The bytes of a line as a client sends it: UTF-8, terminated by CR LF. */
export function lineBytes(line: string): Uint8Array {
  return encoder.encode(`${line}\r\n`);
}

/** The bytes of percent-encoded ASCII. */
export function percentDecoded(text: string): Uint8Array {
  const parts = text.match(/%[0-9a-f]{2}|[^]/gi) ?? [];
  return Uint8Array.from(parts, (part) =>
    part.length === 1 ? part.charCodeAt(0) : Number.parseInt(part.slice(1), 16),
  );
}

/** A hex dump, sixteen bytes per line: offset, hexadecimal digits, text. */
export function hex(bytes: Uint8Array): string {
  const lines: string[] = [];
  for (let at = 0; at < bytes.length; at += 16) {
    const row = [...bytes.subarray(at, at + 16)];
    const digits = row.map((byte) => byte.toString(16).padStart(2, "0")).join(" ");
    const text = row.map((byte) => (byte > 32 && byte < 127 ? String.fromCharCode(byte) : "·"));
    lines.push(`${at.toString(16).padStart(4, "0")}  ${digits.padEnd(47)}  ${text.join("")}`);
  }
  return lines.join("\n");
}

function escaped(bytes: Iterable<number>): string {
  return Array.from(bytes, (byte) => `\\x${byte.toString(16).padStart(2, "0")}`).join("");
}
