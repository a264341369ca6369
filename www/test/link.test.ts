import assert from "node:assert/strict";
import { test } from "node:test";
import { deflateRawSync } from "node:zlib";
import { decode, encode, TEXT_MAX } from "../src/link.ts";

const link = (bytes: Uint8Array) => `1${Buffer.from(bytes).toString("base64url")}`;

test("a decoded link has the encoded text", async () => {
  const text = `dynamidb scenario 1\n${"A: SET clé 0 1\n".repeat(500)}`;
  const hash = await encode(text);
  assert.equal(await decode(hash), text);
  assert.match(hash, /^1[\w-]+$/);
  assert.ok(hash.length < 300, `${hash.length} characters`);
});

test("damaged, foreign and truncated links are rejected with a sentence", async () => {
  const whole = await encode("dynamidb scenario 1\nA: GET a\nB: GET b\n");
  for (const hash of ["1", "1!!!", "1AAAA", whole.slice(0, -8), link(Buffer.from([0xff]))]) {
    await assert.rejects(decode(hash), /^Error: This link is damaged/, hash);
  }
  for (const hash of ["2abc", "memory", "#"]) {
    await assert.rejects(decode(hash), /another version or belongs to another page/, hash);
  }
});

test("bytes that are not UTF-8 are rejected", async () => {
  await assert.rejects(decode(link(deflateRawSync(Buffer.from([0xff, 0xfe])))), /damaged/);
});

test("a small link cannot decompress to more than the largest scenario", async () => {
  const bomb = deflateRawSync(Buffer.alloc(TEXT_MAX + 1, "a"));
  assert.ok(bomb.length < 20_000);
  await assert.rejects(decode(link(bomb)), /too large/);
  const largest = link(deflateRawSync(Buffer.alloc(TEXT_MAX, "a")));
  assert.equal((await decode(largest)).length, TEXT_MAX);
});
