import assert from "node:assert/strict";
import { test } from "node:test";
import { COMMANDS, commandOf, completions, help, typing, valueSize } from "../src/commands.ts";

test("the case of a verb decides its dialect", () => {
  assert.equal(commandOf("SET a 0 1")?.dialect, "DynamiDB");
  assert.equal(commandOf("set a 0 0 1")?.dialect, "memcached");
  assert.equal(commandOf("Set a"), undefined);
});

test("typing finds the word of the command that is being typed", () => {
  assert.deepEqual(typing("SET a"), {
    words: ["SET", "<key>", "<expire_seconds>", "<value_size>"],
    at: 1,
  });
  assert.equal(typing("SET a ")?.at, 2);
  assert.equal(typing("get a b c")?.at, 1, "a list of keys has no end");
  assert.equal(typing("nonsense"), undefined);
});

test("the value size is read from the argument that the table names", () => {
  assert.equal(valueSize("SET a 30 5"), 5);
  assert.equal(valueSize("set a 0 30 6 noreply"), 6);
  assert.equal(valueSize("cas a 0 0 7 1"), 7);
  for (const line of ["SET a 30", "SET a 30 x", "get a", "", "SET a 30 -1"]) {
    assert.equal(valueSize(line), undefined, line);
  }
});

test("verbs are completed in both dialects, and never to themselves", () => {
  assert.deepEqual(completions("S"), ["SET"]);
  assert.deepEqual(completions("ge"), ["get", "gets"]);
  assert.deepEqual(completions("get"), ["gets"]);
  assert.deepEqual(completions("xyz"), []);
});

test("help lists and explains every command", () => {
  const all = help("help");
  for (const { verb, help: text } of COMMANDS) {
    assert.match(all, new RegExp(`^ +${verb}( |$)`, "m"));
    assert.ok(help(`help ${verb}`).includes(text.replaceAll("`", "")), verb);
  }
  assert.match(help("help nonsense"), /Unknown command “nonsense”/);
});
