// Snapshots of a server or a device, opened in the page.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import type { Page } from "playwright-core";
import { replies, shows, startOver, tab, type } from "./actions.ts";
import { Site } from "./browser.ts";

const site = await Site.forTests();
const command = ["run", "-q", "--locked", "-p", "dynamidb-web", "--example", "snapshot"];
const snapshot = execFileSync("cargo", command, { cwd: ".." });

async function open(page: Page, buffer: Buffer): Promise<void> {
  await page.click("#share-open");
  const file = { name: "cache.state", mimeType: "application/octet-stream", buffer };
  await page.setInputFiles("#share-file", file);
}

test("a snapshot is shown item by item, and only read", async () => {
  const page = await site.visit();
  await open(page, snapshot);
  await shows(page, "#log .note", "cache.state: 3 items, as they were at the save.");
  assert.deepEqual(await page.locator("#order button.key").allTextContents(), [
    "newest",
    "middle",
    "oldest",
  ]);
  await page.locator("#order button.key").first().click();
  await page.click("#chosen-open");
  await shows(page, "#item-title", "newest");
  await page.keyboard.press("Escape");
  await type(page, "GET newest");
  await shows(page, "#log .note", "A snapshot is only read.");
  assert.deepEqual(await replies(page), []);
  await startOver(page);
  await type(page, "GET newest");
  assert.deepEqual(await replies(page), ["END\r\n"]);
});

test("a snapshot can be dropped onto the page", async () => {
  const page = await site.visit();
  await tab(page, "wire");
  await page.evaluate((bytes) => {
    const dataTransfer = new DataTransfer();
    dataTransfer.items.add(new File([Uint8Array.from(bytes)], "dropped.state"));
    const drop = { dataTransfer, bubbles: true, cancelable: true };
    document.querySelector("#map")?.dispatchEvent(new DragEvent("drop", drop));
  }, [...snapshot]);
  await shows(page, "#log .note", "dropped.state: 3 items");
});

test("a file that is no whole snapshot is refused in a sentence, and the cache stays", async () => {
  const page = await site.visit();
  const changed = Buffer.from(snapshot);
  changed[60] = (changed[60] ?? 0) ^ 1;
  const newer = Buffer.from(snapshot);
  newer[8] = 99;
  for (const [bytes, sentence] of [
    [changed, "This snapshot is damaged."],
    [newer, "This snapshot is"],
    [snapshot.subarray(0, 100), "The end of this snapshot is missing."],
    [snapshot.subarray(0, 6), "The end of this snapshot is missing."],
    [Buffer.concat([snapshot, snapshot]), "This snapshot is damaged."],
    [Buffer.from("rubbish"), "This is not a DynamiDB scenario."],
  ] as const) {
    await open(page, Buffer.from(bytes));
    await shows(page, "#notice", sentence);
    await page.keyboard.press("Escape");
  }
  await type(page, "version");
  assert.equal((await replies(page)).length, 1);
});
