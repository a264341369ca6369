import assert from "node:assert/strict";
import { test } from "node:test";
import { hex, lineBytes, lines, percentDecoded, readable } from "../src/bytes.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

test("text is shown unchanged, including its line ends", () => {
  const reply = "VALUE clé 5\r\n\tçà\r\nEND\r\n";
  assert.equal(readable(bytes(reply)), reply);
});

test("invisible characters are shown as their bytes", () => {
  assert.equal(readable(bytes("a\0b\x1b[2J")), "a\\x00b\\x1b[2J");
  assert.equal(readable(bytes("\u202Eevil\uFEFF")), "\\xe2\\x80\\xaeevil\\xef\\xbb\\xbf");
});

test("bytes that are not UTF-8 are shown as bytes", () => {
  assert.equal(readable(Uint8Array.of(0x41, 0xff, 0xc3, 0x0d, 0x0a)), "A\\xff\\xc3\r\n");
});

test("percent-encoding is decoded to any bytes, and other text stays", () => {
  assert.deepEqual(percentDecoded("%FF%003a%25"), Uint8Array.of(0xff, 0, 0x33, 0x61, 0x25));
  assert.deepEqual(percentDecoded("user%3A1"), bytes("user:1"));
  assert.deepEqual(percentDecoded("100%, %4\n"), bytes("100%, %4\n"));
  assert.deepEqual(percentDecoded(""), bytes(""));
});

test("a long reply is converted as a whole", () => {
  const long = new Uint8Array(1 << 20).fill(0xff);
  assert.equal(readable(long).length, 4 << 20);
});

test("a line is sent as UTF-8 with CR LF", () => {
  assert.deepEqual(lineBytes("é"), Uint8Array.of(0xc3, 0xa9, 0x0d, 0x0a));
});

test("each line end is named", () => {
  assert.deepEqual(lines(bytes("GET a\r\nx\ny\rz")), [
    { text: "GET a", end: "CR LF" },
    { text: "x", end: "LF" },
    { text: "y", end: "CR" },
    { text: "z", end: "" },
  ]);
});

test("a hex dump has sixteen bytes per line", () => {
  const text = hex(bytes("GET greeting\r\nGET b"));
  assert.equal(text.split("\n").length, 2);
  assert.equal(text.split("\n")[1], `0010  ${"54 20 62".padEnd(47)}  T·b`);
});
