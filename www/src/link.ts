// Encodes a scenario as the fragment of a URL, and back: compressed by the browser, in base64url.

import { bytes } from "./units.ts";

/** The version of the format, the first character of the fragment. */
const VERSION = "1";
/** The largest scenario, in bytes: limits what a small link can decompress to. */
export const TEXT_MAX = 8 << 20;

/** The fragment for a text. */
export async function encode(text: string): Promise<string> {
  const packed = await collect(
    pipe(new TextEncoder().encode(text), new CompressionStream("deflate-raw")),
  );
  let binary = "";
  for (const byte of packed) binary += String.fromCharCode(byte);
  return VERSION + btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

/** The text of a fragment. Throws an error, whose message is a sentence, if it is invalid. */
export async function decode(hash: string): Promise<string> {
  if (!hash.startsWith(VERSION))
    throw new Error("This link has another version or belongs to another page.");
  try {
    const binary = atob(hash.slice(1).replaceAll("-", "+").replaceAll("_", "/"));
    const packed = Uint8Array.from(binary, (char) => char.charCodeAt(0));
    const text = await collect(pipe(packed, new DecompressionStream("deflate-raw")));
    return new TextDecoder("utf-8", { fatal: true }).decode(text);
  } catch (error) {
    if (error instanceof RangeError) throw error;
    throw new Error("This link is damaged: its end may be cut off.");
  }
}

function pipe(bytes: Uint8Array, stream: CompressionStream | DecompressionStream): ReadableStream {
  return new Blob([bytes as Uint8Array<ArrayBuffer>]).stream().pipeThrough(stream);
}

async function collect(stream: ReadableStream<Uint8Array>): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  let size = 0;
  const reader = stream.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    size += value.length;
    if (size > TEXT_MAX) {
      await reader.cancel();
      throw new RangeError(`This scenario is too large: ${bytes(TEXT_MAX)} at most.`);
    }
    pieces.push(value);
  }
  const all = new Uint8Array(size);
  let offset = 0;
  for (const piece of pieces) {
    all.set(piece, offset);
    offset += piece.length;
  }
  return all;
}
