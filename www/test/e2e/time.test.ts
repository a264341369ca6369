// Going back in time: every moment can be seen again, and is the same to the last byte.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { Page } from "playwright-core";
import { digest, fresh, pause, replies, shownDigest, shows, tab, type } from "./actions.ts";
import { Site } from "./browser.ts";

const site = await Site.forTests();

/** Moves the time track with the keyboard, by seconds. */
async function step(page: Page, seconds: number): Promise<void> {
  await page.locator("#track").focus();
  const key = seconds < 0 ? "ArrowLeft" : "ArrowRight";
  for (let i = 0; i < Math.abs(seconds); i++) await page.keyboard.press(key);
}

const age = async (page: Page) =>
  Number(await page.locator("#track").getAttribute("aria-valuenow"));

test("a rewound and replayed session has the digest that it had then", async () => {
  const page = await fresh(site);
  await pause(page);
  await type(page, "SET a 30 1", "x");
  await page.click("#clock-step");
  const [first, at] = [await digest(page), await age(page)];
  await page.click("#clock-step");
  await type(page, "SET b 30 1", "x", "GET a");
  await page.click("#clock-step");
  await page.click("#clock-step");
  const last = await digest(page);
  assert.notEqual(first, last);
  await step(page, -3);
  const past = await shownDigest(page, at);
  assert.equal(past.digest, first, "the moment before the second command");
  await shows(page, "#stat-items", /^1$/);
  await page.locator("#clock-live").waitFor();
  await step(page, 3);
  assert.equal(await digest(page), last);
  await shows(page, "#stat-items", /^2$/);
});

test("a busy cache can be dragged back to any moment and is live again with a click", async () => {
  const page = await site.visit();
  await shows(page, "#clock-time", /0:4[89]|0:5/);
  await pause(page);
  // Where a place on the track is in time depends on its end, which may move once more.
  await page.waitForFunction(async () => {
    const before = document.querySelector("#track")?.ariaValueMax;
    await new Promise((resolve) => setTimeout(resolve, 300));
    return document.querySelector("#track")?.ariaValueMax === before;
  });
  const box = await page.locator("#track").boundingBox();
  assert.ok(box);
  await page.mouse.click(box.x + box.width / 4, box.y + box.height / 2);
  const { digest: past, at: then } = await shownDigest(page);
  assert.ok(then > 5 && then < 25, String(then));
  await page.mouse.click(box.x + box.width / 2, box.y + box.height / 2);
  await page.waitForFunction(
    (then) => Number(document.querySelector("#track")?.ariaValueNow) > then + 5,
    then,
  );
  await page.locator("#track").focus();
  await page.mouse.click(box.x + box.width / 4, box.y + box.height / 2);
  assert.equal((await shownDigest(page, then)).digest, past, "the same moment is the same state");
  await page.click("#clock-live");
  await page.locator("#clock-live").waitFor({ state: "hidden" });
  await page.click("#clock-run");
  const now = await age(page);
  await page.waitForFunction(
    (now) => Number(document.querySelector("#track")?.ariaValueNow) > now,
    now,
  );
});

test("typing in the past asks first, and going on drops what came after", async () => {
  const page = await fresh(site);
  await pause(page);
  await type(page, "SET a 0 1", "x");
  for (let i = 0; i < 5; i++) await page.click("#clock-step");
  await type(page, "SET b 0 1", "x");
  await page.click("#clock-step");
  await step(page, -3);
  await type(page, "GET b");
  await shows(page, "#ahead-text", "what came after never was");
  await page.getByRole("button", { name: "Go on from here" }).click();
  await shows(page, "#log .request", "GET b");
  assert.deepEqual(await replies(page), ["STORED\r\n", "END\r\n"], "b was not stored yet");
  await page.locator("#ahead").waitFor({ state: "hidden" });
  await tab(page, "order");
  assert.deepEqual(await page.locator("#order button.key").allTextContents(), ["a"]);
});

test("back to live drops nothing", async () => {
  const page = await fresh(site);
  await pause(page);
  await type(page, "SET a 0 1", "x");
  await page.click("#clock-step");
  await page.click("#clock-step");
  await step(page, -2);
  await page.locator("#clock-live").waitFor();
  await type(page, "GET a");
  await page.locator("#ahead-live").click();
  assert.equal(await page.locator("#line").inputValue(), "GET a", "the line is still there");
  await page.locator("#line").press("Enter");
  assert.deepEqual(await replies(page), ["STORED\r\n", "VALUE a 1\r\nx\r\nEND\r\n"]);
});

test("a session with a file of keys cannot be rewound, and says so", async () => {
  const page = await fresh(site);
  await tab(page, "compare");
  const buffer = Buffer.from("one\ntwo\n".repeat(50));
  await page.setInputFiles("#load-file", { name: "keys.txt", mimeType: "text/plain", buffer });
  await page.locator("#custom summary").click();
  await page.click("#load-run");
  await shows(page, "#load-status", "operations done");
  await page.click("#clock-step");
  await page.click("#clock-step");
  await step(page, -1);
  await shows(page, "#clock-status", "cannot be rewound");
});
