import assert from "node:assert/strict";
import { test } from "node:test";
import { announced, COMMANDS, commandOf, completions, help, typing } from "../src/commands.ts";

test("a verb belongs to the dialect of its letters", () => {
  assert.equal(commandOf("SET a 0 1")?.dialect, "DynamiDB");
  assert.equal(commandOf("set a 0 0 1")?.dialect, "memcached");
  assert.equal(commandOf("Set a"), undefined);
});

test("what is typed is found among the words of the command", () => {
  assert.deepEqual(typing("SET a"), {
    words: ["SET", "<key>", "<expire_seconds>", "<value_size>"],
    at: 1,
  });
  assert.equal(typing("SET a ")?.at, 2);
  assert.equal(typing("get a b c")?.at, 1, "a list of keys has no end");
  assert.equal(typing("nonsense"), undefined);
});

test("the announced size is the word that the table says", () => {
  assert.equal(announced("SET a 30 5"), 5);
  assert.equal(announced("set a 0 30 6 noreply"), 6);
  assert.equal(announced("cas a 0 0 7 1"), 7);
  for (const line of ["SET a 30", "SET a 30 x", "get a", "", "SET a 30 -1"]) {
    assert.equal(announced(line), undefined, line);
  }
});

test("verbs are completed, in either dialect and never to themselves", () => {
  assert.deepEqual(completions("S"), ["SET"]);
  assert.deepEqual(completions("ge"), ["get", "gets"]);
  assert.deepEqual(completions("get"), ["gets"]);
  assert.deepEqual(completions("xyz"), []);
});

test("help names every command, and explains each", () => {
  const all = help("help");
  for (const { verb, help: text } of COMMANDS) {
    assert.match(all, new RegExp(`^ +${verb}( |$)`, "m"));
    assert.ok(help(`help ${verb}`).includes(text.replaceAll("`", "")), verb);
  }
  assert.match(help("help nonsense"), /no command “nonsense”/);
});
