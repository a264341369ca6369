// Every command that the page offers is one that its engine knows.

import assert from "node:assert/strict";
import { test } from "node:test";
import { fresh, paste, replies, settings, shows, tab, type } from "./actions.ts";
import { COMMANDS, STATS } from "../../src/commands.ts";
import { Site } from "./browser.ts";

const site = await Site.forTests();

/** What stands for each argument of the table. */
const ARGUMENTS: Record<string, string> = {
  "<key>": "a",
  "<key>…": "a b",
  "<prefix>": "a",
  "<expire_seconds>": "60",
  "<value_size>": "1",
  "<bytes>": "1",
  "<flags>": "0",
  "<exptime>": "60",
  "<unique>": "1",
  "<number>": "1",
  "<level>": "1",
  "[command]": "GET",
  "[flags…]": "q",
  "[delay]": "1",
};

test("every syntax of the command table is answered, and none by ERROR", async () => {
  const page = await fresh(site);
  const lines = COMMANDS.flatMap(({ verb, words, size }) => {
    if (verb === "stats") return STATS.map((word) => `stats ${word}`);
    if (verb.toLowerCase() === "quit") return [];
    const known = words.filter((word) => !/^\[(noreply)\]$/.test(word));
    const needed = known.filter((word) => word.startsWith("<"));
    const filled = (of: string[]) => {
      const parts = of.map((word) => ARGUMENTS[word] ?? assert.fail(`no argument for ${word}`));
      return [verb, ...parts].join(" ") + (size === undefined ? "" : "\nx");
    };
    return needed.length === known.length ? [filled(known)] : [filled(needed), filled(known)];
  });
  assert.ok(lines.length > COMMANDS.length, `${lines.length} lines`);
  for (const line of [...lines, "stats"]) {
    // What is missing in the cache has no reply to `mg … q`; `mn` ends what such flags hold back.
    await paste(page, `${line}\nmn\n`);
    const answered = (await replies(page)).join("");
    assert.match(answered, /MN\r\n$/, `${line}: ${answered.slice(-200)}`);
    assert.doesNotMatch(answered, /(^|\n)(ERROR|CLIENT_ERROR bad)/, `${line}: ${answered}`);
    await page.evaluate(() => document.querySelector("#log")?.replaceChildren());
  }
});

test("stats tell what the server’s tell, and verbosity is kept", async () => {
  const page = await fresh(site);
  await type(page, "SET a 0 1", "x", "verbosity 2", "stats settings", "stats slabs", "stats items");
  const [, ok, all, slabs, items] = await replies(page);
  assert.equal(ok, "OK\r\n");
  for (const line of ["STAT maxbytes 262144", "STAT verbosity 2", "STAT policy lru"])
    assert.ok(all?.includes(`${line}\r\n`), `${line}: ${all}`);
  assert.match(slabs ?? "", /STAT 1:chunk_size 64\r\n[^]*STAT 1:used_chunks 1\r\n[^]*END\r\n$/);
  assert.match(items ?? "", /^STAT items:1:number 1\r\n/);
});

test("hot keys and advice are a tab, a command and figures of the same engine", async () => {
  const page = await site.visit({ viewport: { width: 1440, height: 900 } });
  await tab(page, "hot");
  await shows(page, "#hot-keys caption", /last 1 min, 1\d\d requests sampled$/);
  await shows(page, "#hot-keys tbody tr:first-child", /^key:1/);
  const advice = await shows(page, "#enough p", /^Twice the memory: .* hits instead of .*; half: /);
  await page.locator("#enough canvas").waitFor();
  await page.locator("#clock-run").click();
  await type(page, "HOT", "stats advice");
  const [hot, said] = await replies(page);
  assert.match(hot ?? "", /^KEY key%3A1 \d+\.\d\d \d+\r\n/);
  assert.match(said ?? "", /STAT x0\.25:hit_ratio 0\.\d{4}\r\n/);
  assert.match(advice, /\d\d\.\d\u00a0%/);
  await page.locator("#hot-keys tr[data-key='key:1']").click();
  await page.locator(".map-label", { hasText: /^key:1\s/ }).waitFor();
});

test("an empty cache has no hot keys, and says when advice comes", async () => {
  const page = await fresh(site);
  await tab(page, "hot");
  await shows(page, "#hot-keys", "No key was asked for often");
  await shows(page, "#enough p", /^Not yet: it takes a cache that was full, 1000 sampled hits/);
  assert.ok(await page.locator("#enough .plot").isHidden());
});

test("with the policy density, words about the order say how it evicts", async () => {
  const page = await fresh(site);
  await settings(page, { policy: "density", items: "2" });
  await type(page, "SET a 0 1", "x", "SET b 0 1", "x", "SET c 0 1", "x");
  await shows(page, "#order-title", "Goes last");
  await shows(page, "#last-title", /^Next to go$/);
  await shows(page, "#legend", "next to go, by age and size");
  await tab(page, "removals");
  await shows(page, "#removals-list tr", "its age and size together weighed most");
  await settings(page, { policy: "lru" });
  await shows(page, "#legend", /just used.*idle/);
});
