// Bytes as a person can read them, with nothing hidden and nothing made up.

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const encoder = new TextEncoder();

/** Everything that shows as nothing or moves other text about, but line ends and tabs. */
const invisible = /(?![\r\n\t])\p{C}/gu;
const notAscii = /[^\r\n\t\x20-\x7e]/g;

/**
 * The bytes as text. Where they are not text, or text that cannot be seen, each byte is shown as
 * `\x` and two hexadecimal digits.
 */
export function readable(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes).replace(invisible, (char) => escaped(encoder.encode(char)));
  } catch {
    const latin1 = Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
    return latin1.replace(notAscii, (char) => escaped([char.charCodeAt(0)]));
  }
}

/** The bytes of a line as a client sends it: UTF-8, ended by CR LF. */
export function lineBytes(line: string): Uint8Array {
  return encoder.encode(`${line}\r\n`);
}

function escaped(bytes: Iterable<number>): string {
  return Array.from(bytes, (byte) => `\\x${byte.toString(16).padStart(2, "0")}`).join("");
}
