import assert from "node:assert/strict";
import { test } from "node:test";
import { lineBytes, readable } from "../src/bytes.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

test("text is shown as it is, its line ends included", () => {
  const reply = "VALUE clé 5\r\n\tçà\r\nEND\r\n";
  assert.equal(readable(bytes(reply)), reply);
});

test("characters that cannot be seen are shown as their bytes", () => {
  assert.equal(readable(bytes("a\0b\x1b[2J")), "a\\x00b\\x1b[2J");
  assert.equal(readable(bytes("\u202Eevil\uFEFF")), "\\xe2\\x80\\xaeevil\\xef\\xbb\\xbf");
});

test("bytes that are not UTF-8 are shown as bytes", () => {
  assert.equal(readable(Uint8Array.of(0x41, 0xff, 0xc3, 0x0d, 0x0a)), "A\\xff\\xc3\r\n");
});

test("a long reply is read in one piece", () => {
  const long = new Uint8Array(1 << 20).fill(0xff);
  assert.equal(readable(long).length, 4 << 20);
});

test("a line is sent as UTF-8 with CR LF", () => {
  assert.deepEqual(lineBytes("é"), Uint8Array.of(0xc3, 0xa9, 0x0d, 0x0a));
});
