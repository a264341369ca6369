import assert from "node:assert/strict";
import { test } from "node:test";
import { advice, fromShell, hasEscapes, unescaped } from "../src/advice.ts";

const text = (bytes: Uint8Array | undefined) => bytes && new TextDecoder().decode(bytes);

test("a command of another cache is answered with the command of this one", () => {
  const lines = (line: string) => advice(line, "ERROR\r\n")?.lines;
  assert.deepEqual(lines("SET city Paris"), ["SET city 0 5", "Paris"]);
  assert.deepEqual(lines("SETEX city 60 Paris"), ["SET city 60 5", "Paris"]);
  assert.deepEqual(lines("DEL city"), ["DELETE city"]);
  assert.deepEqual(lines("EXPIRE city 9"), ["touch city 9"]);
  assert.deepEqual(lines("INCR visits"), ["incr visits 1"]);
  assert.deepEqual(lines("MGET a b c"), ["get a b c"]);
  assert.deepEqual(lines("Get a"), ["GET a"]);
  assert.deepEqual(lines("FLUSHALL"), ["flush_all"]);
  assert.match(advice("KEYS *", "ERROR\r\n")?.text ?? "", /does not list its keys/);
});

test("a store without its size is completed", () => {
  assert.deepEqual(advice("SET greeting 30", "ERROR\r\n")?.lines, ["SET greeting 30 5", "hello"]);
  const set = advice("set greeting 0 30", "ERROR\r\n");
  assert.deepEqual(set?.lines, ["set greeting 0 30 5", "hello"]);
  assert.match(set?.text ?? "", /size is missing/);
});

test("what was understood gets no advice", () => {
  for (const [line, reply] of [
    ["GET a", "END\r\n"],
    ["SET a 0 1", ""],
    ["incr a 1", "CLIENT_ERROR cannot increment or decrement non-numeric value\r\n"],
    ["nonsense", "ERROR\r\n"],
  ] as const) {
    assert.equal(advice(line, reply), undefined, line);
  }
});

test("a pasted shell command becomes the bytes that it sends", () => {
  assert.equal(
    text(fromShell("printf 'SET a 0 1\\r\\nx\\r\\n' | nc -N 127.0.0.1 11212")),
    "SET a 0 1\r\nx\r\n",
  );
  assert.equal(text(fromShell('echo "get a" | nc localhost 11211')), "get a\r\n");
  assert.equal(fromShell("GET a"), undefined);
  assert.deepEqual(
    advice("printf 'get a\\r\\n' | nc x 1", "")?.bytes,
    new TextEncoder().encode("get a\r\n"),
  );
});

test("escapes become bytes", () => {
  assert.deepEqual(unescaped("a\\x00\\377\\r\\n\\\\"), Uint8Array.of(97, 0, 255, 13, 10, 92));
  assert.equal(text(unescaped("clé 🍒")), "clé 🍒");
  assert.ok(hasEscapes("SET a\\x00b 0 1") && !hasEscapes("SET c:\\new 0 1"));
});
