// How much memory: the panel at #calculator.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { shows, tab } from "./actions.ts";
import { Site } from "./browser.ts";

const AXE = readFileSync("node_modules/axe-core/axe.min.js", "utf8");

const site = await Site.forTests();

test("the calculator says what items need, and follows each number", async () => {
  const page = await site.visit({}, "#calculator");
  await shows(page, "#calculator-memory", /^\d+ MiB$/);
  await shows(page, "#calculator-out dd", "one chunk, 372 B");
  await page.fill("#calculator-value", "5000");
  await shows(page, "#calculator-out dd", /^\d chunks, 5,\d+ B$/);
  assert.ok((await page.locator(".chunk-bar").count()) > 1);
  await page.fill("#calculator-items", "100");
  await shows(page, "#calculator-out dd", /^dynamidb -m 1$/);
  await page.getByLabel("Rate and time to live").check({ force: true });
  await page.fill("#calculator-rate", "2000");
  await page.fill("#calculator-ttl", "60");
  await shows(page, "#calculator-out dd", /^120,000$/);
});

test("the full engine is loaded when it is needed, and again after a failure", async () => {
  const page = await site.visit({ serviceWorkers: "block" });
  const engines = /dynamidb_full.*\.wasm$/;
  let asked = 0;
  await page.route(engines, (route) => {
    asked += 1;
    return asked === 1 ? route.abort() : route.continue();
  });
  assert.equal(asked, 0);
  await page.evaluate(() => {
    location.hash = "calculator";
  });
  await shows(page, "#calculator-error", "A part of this page could not be loaded");
  assert.equal(await page.locator("#calculator-memory").count(), 0);
  assert.equal(asked, 1);
  await page.fill("#calculator-value", "200");
  await page.locator("#calculator-memory").waitFor();
  assert.equal(await page.locator("#calculator-error").textContent(), "");
  await page.fill("#calculator-value", "300");
  await shows(page, "#calculator-out dd", "one chunk, 372 B");
  assert.equal(asked, 2);
  // The browser's own words about the request that failed.
  assert.deepEqual(site.errors.splice(0), ["Failed to load resource: net::ERR_FAILED"]);
});

test("impossible numbers are named, and the next possible ones are calculated", async () => {
  const page = await site.visit({}, "#calculator");
  for (const [name, wrong, right] of [
    ["key", "251", "250"],
    ["key", "0", "1"],
    ["value", "1048576", "1048575"],
    ["value", "-1", "0"],
    ["items", "0", "1"],
    ["items", "", "1000000000000"],
  ] as const) {
    await page.fill(`#calculator-${name}`, wrong);
    await shows(page, "#calculator-error", /\w/);
    assert.equal(await page.locator("#calculator-memory").count(), 0, `${name} ${wrong}`);
    await page.fill(`#calculator-${name}`, right);
    await page.locator("#calculator-memory").waitFor();
    assert.equal(await page.locator("#calculator-error").textContent(), "");
  }
});

test("the calculator opens from the advice, closes by Escape, gives way to a lesson", async () => {
  const page = await site.visit();
  await tab(page, "hot");
  await page.getByRole("link", { name: "Calculate it for your items" }).click();
  await page.locator("#calculator").waitFor();
  assert.ok(await page.locator("#intro").isHidden());
  await page.keyboard.press("Escape");
  await page.locator("#intro").waitFor();
  assert.equal(new URL(page.url()).hash, "");
  for (const hash of ["#calculator", "#lesson=lru"]) {
    await page.evaluate((hash) => {
      location.hash = hash;
    }, hash);
  }
  await shows(page, "#lesson-title", /\w/);
  assert.ok(await page.locator("#calculator").isHidden());
});

for (const viewport of [
  { width: 1440, height: 900 },
  { width: 360, height: 740 },
]) {
  test(`the calculator is accessible and fits into ${viewport.width} px`, async () => {
    for (const colorScheme of ["light", "dark"] as const) {
      const page = await site.visit({ viewport, colorScheme }, "#calculator");
      await page.evaluate(AXE);
      const faults = await page.evaluate(`axe.run().then((result) => result.violations.map(
        (violation) => violation.id + ": " + violation.nodes.map((node) => node.html).join()))`);
      assert.deepEqual(faults, []);
      const width = await page.evaluate(() => document.documentElement.scrollWidth);
      assert.ok(width <= viewport.width, `${width} px`);
    }
  });
}
