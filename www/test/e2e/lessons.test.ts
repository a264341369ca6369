// Lessons: their addresses, detours, and the visitor's turn. The race of two policies.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { Page } from "playwright-core";
import { digest, replies, settings, shows, tab, type } from "./actions.ts";
import { Site } from "./browser.ts";

const site = await Site.forTests();

const visit = async (page: Page, hash: string) => {
  await page.evaluate((hash) => {
    location.hash = hash;
  }, hash);
};

test("the address of a lesson opens it at its step, and follows the steps", async () => {
  const page = await site.visit({}, "#lesson=lru.4");
  await shows(page, "#lesson-bars", "step 4 of 5");
  await shows(page, "#lesson-text", "so it was evicted");
  assert.equal(
    await page.locator("#lesson-list a[aria-current]").getAttribute("href"),
    "#lesson=lru",
  );
  await page.click("#lesson-next");
  await shows(page, "#lesson-bars", "step 5 of 5");
  assert.equal(new URL(page.url()).hash, "#lesson=lru.5");
  await page.click("#lesson-back");
  await shows(page, "#lesson-bars", "step 4 of 5");
  assert.equal(new URL(page.url()).hash, "#lesson=lru.4");
});

test("a badge in the text shows its place in the map and opens its tab", async () => {
  const page = await site.visit({}, "#lesson=lru.4");
  await shows(page, ".map-label", "elder");
  assert.equal(await page.locator("#tab-removals").getAttribute("aria-selected"), "true");
  await shows(page, "#tab-removals .badge", "2");
  await shows(page, "#removals-list", /berryEvicted/);
});

test("whatever is done in between, the next step begins where the lesson was", async () => {
  const page = await site.visit({}, "#lesson=lru");
  await shows(page, "#lesson-bars", "step 1 of 5");
  const detours: (() => Promise<void>)[] = [
    () => type(page, "DELETE berry", "flush_all"),
    () => page.click("#clock-step"),
    async () => {
      await page.click("#reset");
      await shows(page, "#lesson-bars", "step 1 of 5");
    },
    async () => {
      await page.locator("#track").focus();
      await page.keyboard.press("ArrowLeft");
    },
  ];
  for (const detour of detours) {
    await visit(page, "lesson=lru.3");
    await shows(page, "#lesson-bars", "step 3 of 5");
    const wanted = await digest(page);
    await visit(page, "lesson=lru.2");
    await shows(page, "#lesson-bars", "step 2 of 5");
    await detour();
    const bars = await page.locator("#lesson-bars span").textContent();
    await page.click("#lesson-next");
    if (bars === "step 1 of 5") {
      await shows(page, "#lesson-bars", "step 2 of 5");
      await page.click("#lesson-next");
    }
    await shows(page, "#lesson-bars", "step 3 of 5");
    assert.equal(await digest(page), wanted);
    await shows(page, "#overview-order li.linked", "berry");
  }
});

test("your turn ticks itself by what the engine did, not by what was typed", async () => {
  const page = await site.visit({}, "#lesson=lru.5");
  const done = () => page.locator("#lesson-turn li.done").count();
  await shows(page, "#lesson-turn", "cherry goes next");
  await type(page, "nonsense cherry", "GET nothing");
  assert.equal(await done(), 0);
  await type(page, "gets cherry");
  assert.equal(await done(), 1, "another command that does the same counts");
  await type(page, "set fig 0 0 1", "6");
  assert.equal(await done(), 2);
});

test("show me does every turn", async () => {
  const page = await site.visit();
  const lessons = await page
    .locator("#lesson-list a")
    .evaluateAll((all) => all.map((link) => (link as HTMLElement).dataset.slug ?? ""));
  assert.equal(lessons.length, 13);
  for (const slug of lessons) {
    await visit(page, `lesson=${slug}.9`);
    await shows(page, "#lesson-progress", `#lesson=${slug}`);
    await shows(page, "#lesson-bars", /step (\d+) of \1/);
    await page.click("#lesson-show");
    const open = page.locator("#lesson-turn li:not(.done)");
    assert.equal(await open.count(), 0, `${slug}: ${await open.allTextContents()}`);
  }
});

test("the settings, the load and the pause of a lesson end with it", async () => {
  const page = await site.visit({}, "#lesson=scan.2");
  await shows(page, "#lesson-bars", "step 2 of 4");
  assert.equal(await page.locator("#load-keys").inputValue(), "10000");
  await page.click("#lesson-close");
  await shows(page, "#stat-memory", "of 256 KiB");
  await page.locator("#clock-run[aria-label=Pause]").waitFor();
  await page.locator("#intro").waitFor();
  assert.equal(new URL(page.url()).hash, "");
  await page.click("#reset");
  await shows(page, "#stat-memory", "of 256 KiB");
  assert.ok(await page.locator("#load-stop").isHidden());
});

test("settings before a lesson do not change it, and new ones end it", async () => {
  const page = await site.visit();
  await settings(page, { memory: "128", policy: "s3lru", dialect: "memcached" });
  await visit(page, "lesson=first");
  await shows(page, "#lesson-text", "A cache keeps values");
  await shows(page, "#stat-memory", "of 64 KiB");
  assert.deepEqual(await replies(page), ["STORED\r\n"]);
  await settings(page, { memory: "32" });
  await page.locator("#lesson").waitFor({ state: "hidden" });
  await shows(page, "#stat-memory", "of 32 KiB");
});

test("the speed is real time again after starting over", async () => {
  const page = await site.visit();
  await page.getByLabel("×100").check({ force: true });
  await page.click("#reset");
  assert.ok(await page.getByLabel("×1", { exact: true }).isChecked());
});

test("an unknown lesson is an error, which goes with the address", async () => {
  const page = await site.visit({}, "#lesson=nothing");
  await shows(page, "#notice", "another version or belongs to another page");
  await visit(page, "");
  await page.locator("#notice").waitFor({ state: "hidden" });
});

test("in a race from two empty caches S3LRU survives the scan", async () => {
  const page = await site.visit({ viewport: { width: 1440, height: 900 } }, "#race");
  await shows(page, "#race-text", "The same 25,000 requests, the same 64 KiB.");
  await shows(page, "#race-end", "no general result");
  const ends = (await page.locator("#race-end b").allTextContents()).map((text) =>
    Number(/([\d.]+) %/.exec(text)?.[1]),
  );
  const [scanResistant = 0, plain = 0] = ends;
  assert.ok(scanResistant > plain + 1, ends.join());
  await page
    .locator("#race-run[aria-label=Play]")
    .waitFor()
    .catch(() => {});
  // Moved to the middle of the first scan by its chart.
  const box = await page.locator("#race-chart").boundingBox();
  assert.ok(box);
  const at = box.x + 48 + (10_200 / 25_000) * (box.width - 56);
  if ((await page.locator("#race-run").getAttribute("aria-label")) === "Pause")
    await page.click("#race-run");
  await page.mouse.click(at, box.y + 120);
  const words = await shows(
    page,
    "#race-says",
    /into “Scan”, LRU holds \d+ of the 400 popular keys, S3LRU \d+/,
  );
  const [, lru = 0, s3lru = 0] = /holds (\d+) of .* S3LRU (\d+)/.exec(words)?.map(Number) ?? [];
  assert.ok(s3lru > 250 && lru < 50, words);
  await page.click("#race-close");
  await page.locator("#map").waitFor();
  assert.equal(new URL(page.url()).hash, "");
});

test("your own file of keys races too", async () => {
  const page = await site.visit({}, "#race");
  const buffer = Buffer.from(Array.from({ length: 900 }, (_, at) => `user:${at % 90}`).join("\n"));
  await page.setInputFiles("#race input[type=file]", {
    name: "keys.txt",
    mimeType: "text/plain",
    buffer,
  });
  await shows(
    page,
    "#race-text",
    "The same 900 requests, the same 64 KiB. The keys of keys.txt, in its order.",
  );
  await shows(page, "#race-end b", "LRU 90.0 %");
  await page.selectOption("#race-course", "1");
  await shows(page, "#race-text", "the values become six times as large");
});

test("the LRU races against density, too", async () => {
  const page = await site.visit({ viewport: { width: 1440, height: 900 } }, "#race");
  await shows(page, "#race-end b", "S3LRU");
  await page.locator("#race label", { hasText: "Density" }).click();
  await shows(page, "#race-end b", "Density");
  const ends = (await page.locator("#race-end b").allTextContents()).map((text) =>
    Number(/([\d.]+) %/.exec(text)?.[1]),
  );
  const [density = 0, lru = 0] = ends;
  assert.ok(density > lru + 1, ends.join());
  assert.deepEqual(await page.locator(".lane h3").allTextContents(), ["LRU", "Density"]);
});

test("the tab of a phone returns to the terminal with a command", async () => {
  const page = await site.visit({ viewport: { width: 390, height: 844 }, hasTouch: true });
  await tab(page, "order");
  await page.locator("#talk").waitFor({ state: "hidden" });
  await type(page, "GET key:1");
  await shows(page, "#log .reply", "END");
  assert.ok(await page.locator("#map").isVisible(), "the map stays in sight");
});
