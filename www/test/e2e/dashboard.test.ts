// The dashboard in a real browser, before a server that keeps the admin port's contract.

import assert from "node:assert/strict";
import { after, afterEach, test } from "node:test";
import { readFileSync } from "node:fs";
import type { BrowserContextOptions, Page } from "playwright-core";
import { shows } from "./actions.ts";
import { launch, until } from "./browser.ts";
import { type Behaviour, FakeServer } from "./fake-server.ts";
import { RealServer } from "./real-server.ts";

const AXE = readFileSync("node_modules/axe-core/axe.min.js", "utf8");
const WIDE = { width: 1440, height: 900 };
const PHONE = { width: 390, height: 844 };
const TIMEOUT = 30_000;

const browser = await launch();
const servers: FakeServer[] = [];
const errors: string[] = [];

afterEach(async () => {
  for (const context of browser.contexts()) await context.close();
  for (const server of servers.splice(0)) await server.stop();
  assert.deepEqual(errors.splice(0), []);
});
after(() => browser.close());

async function open(
  behaviour: Behaviour = {},
  options: BrowserContextOptions = {},
): Promise<{ page: Page; server: FakeServer }> {
  const server = await FakeServer.start(behaviour);
  servers.push(server);
  const page = await browser.newPage({ viewport: WIDE, ...options });
  page.setDefaultTimeout(TIMEOUT);
  page.on("pageerror", (error) => errors.push(String(error)));
  page.on("console", (message) => {
    // What a server does not offer is a 404, and a lost one is no answer: both are meant.
    const isMeant = /Failed to load resource/.test(message.text());
    if (message.type() === "error" && !isMeant) errors.push(message.text());
  });
  await page.goto(server.url);
  await page.waitForSelector("body[data-ready]");
  return { page, server };
}

async function violations(page: Page): Promise<unknown[]> {
  await page.evaluate(AXE);
  return page.evaluate(`axe.run().then((result) => result.violations.map((violation) =>
    violation.id + ": " + violation.nodes.map((node) => node.target.join()).join(", ")))`);
}

test("the header says what runs where, and that nothing can be changed", async () => {
  const { page } = await open();
  await shows(page, "#facts", /127\.0\.0\.1:11212\s*attached\s*read-only\s*up 12 d 4 h/);
  await shows(page, "#facts", /2 shards\s*LRU\s*0\.1\.0/);
  assert.equal(await page.title(), "127.0.0.1:11212 · DynamiDB");
  assert.equal(await page.locator("form, textarea, input:not([type=radio])").count(), 0);
});

test("the figures are rates of the last seconds, and levels", async () => {
  const { page } = await open();
  await shows(page, "#figure-requests", /^[\d,]+ per s$/);
  await shows(page, "#figure-hits", /^\d\d\.\d %$/);
  await shows(page, "#figure-evictions", /^[\d,]+ per s$/);
  await shows(page, "#figure-memory", "of 1 MiB");
  await shows(page, "#figure-items", /^\d,\d\d\d$/);
  await shows(page, "#figure-connections", /^41\d of 4,096$/);
});

test("in one screen, without scrolling", async () => {
  const { page } = await open({ hasInsight: true });
  const size = await page.evaluate(() => [
    document.documentElement.scrollWidth,
    document.documentElement.scrollHeight,
  ]);
  assert.deepEqual(size, [WIDE.width, WIDE.height]);
});

test("nothing scrolls sideways at any width", async () => {
  for (const width of [1920, 1280, 1100, 768, 390, 320]) {
    const { page } = await open({ hasInsight: true }, { viewport: { width, height: 800 } });
    const wide = await page.evaluate(() => document.documentElement.scrollWidth);
    assert.ok(wide <= width, `${wide} of ${width}`);
  }
});

test("the map shows the shard that is chosen, sampled if it is large", async () => {
  const { page, server } = await open({ isLarge: true });
  await shows(page, "#map-text", "252 of 252,000 pages in use, spread evenly");
  await shows(page, "#legend", /idle .*next to go.*hit.*removed.*expired.*% of the memory in use/);
  await page.selectOption("#shard", "1");
  await until(() => server.asked.includes("/api/map?shard=1"));
  await page.getByLabel("Size and waste", { exact: true }).check({ force: true });
  await shows(page, "#legend", /first chunk.*other chunks.*wasted/);
});

test("a key is linked wherever it is shown", async () => {
  const { page } = await open({ hasInsight: true });
  await shows(page, "#panel-hot caption", "last 1 min, 12,000 requests sampled");
  await page
    .locator("#panel-hot tr", { hasText: /^key:1\d/ })
    .first()
    .waitFor();
  const row = page.locator("#panel-hot tr[data-key='key:1']");
  await row.click();
  await page.locator("#panel-hot tr.linked", { hasText: "key:1" }).waitFor();
  await page.locator(".map-label", { hasText: /^key:1\s/ }).waitFor();
  await page.keyboard.press("Escape");
  await page.locator(".map-label").waitFor({ state: "detached" });
});

test("the map can be walked by keyboard, and names its chunks", async () => {
  const { page } = await open();
  await page.locator("input[name=colour]:checked").focus();
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement?.id), "map");
  await shows(page, "#map-live", "page 0, records");
  for (const _ of [1, 2]) await page.keyboard.press("Control+ArrowRight");
  await shows(
    page,
    "#map-live",
    /^key:\d+, \d+ bytes, idle .*, (never expires|expires in .*), \d chunks?$/,
  );
});

test("tabs show slab classes, shards, connections and the order", async () => {
  const { page } = await open();
  await page.click("#tab-slabs");
  await shows(page, "#panel-slabs tbody", /64 B.*128 B.*256 B.*1 KiB.*4 KiB/);
  await page.keyboard.press("ArrowRight");
  await shows(page, "#panel-shards tbody tr:nth-child(2)", /^1512 KiB/);
  await page.keyboard.press("ArrowRight");
  await shows(page, "#panel-conns caption", /^64 of 41\d connections/);
  await shows(page, "#panel-conns tbody", "unix:/run/dynamidb.sockwaits for a request");
  await page.keyboard.press("ArrowRight");
  await shows(page, "#order tbody", /key:\d+\d+ B\d+ s/);
});

test("keys that the server does not show are nowhere", async () => {
  const { page } = await open({ keysShown: false });
  await page.click("#tab-order");
  await shows(page, "#order tbody", /item at \d+/);
  assert.ok(!/key:\d/.test((await page.locator("body").textContent()) ?? ""));
});

test("what a server does not offer is said, and what would be there", async () => {
  const { page } = await open();
  await shows(page, "#panel-hot", /Not counted by this server.*asked for most.*--insight on/);
  await shows(page, "#advice-text", /with less and with more memory.*--insight on/);
});

test("a running server has this dashboard, and shows what is stored in it", async () => {
  const server = await RealServer.start();
  try {
    await server.send(Array.from({ length: 500 }, (_, at) => `set real:${at} 0 60 3\r\nabc\r\n`));
    const page = await browser.newPage({ viewport: WIDE });
    page.setDefaultTimeout(TIMEOUT);
    page.on("pageerror", (error) => errors.push(String(error)));
    page.on("console", (message) => {
      if (/Content Security Policy/.test(message.text())) errors.push(message.text());
    });
    await page.goto(server.url);
    await shows(page, "#figure-items", /^500$/);
    await shows(page, "#facts", /127\.0\.0\.1:\d+\s*attached\s*read-only.*1 shard\s*LRU/s);
    await shows(page, "#map-text", /^\d+ pages in use of [\d,]+, refreshed every second$/);
    await page.click("#tab-order");
    await shows(page, "#order tbody", /real:\d+/);
    await page.click("#tab-conns");
    await shows(page, "#panel-conns tbody", "127.0.0.1:");
    await server.stop();
    await shows(page, "#lost", /^No answer since \d+ s\. Trying again\.$/);
  } finally {
    await server.stop();
  }
});

test("advice is a curve and a sentence", async () => {
  const { page } = await open({ hasInsight: true });
  await shows(page, "#advice-text", /^Twice the memory: 77\.6 % hits .*70\.1 %\.$/);
  await page.locator("#chart-advice .plot canvas").waitFor();
});

test("an empty server is shown as empty", async () => {
  const { page } = await open({ isEmpty: true });
  await page.getByText("This shard is empty.").waitFor();
  await shows(page, "#figure-hits", "–");
  await page.click("#tab-conns");
  await shows(page, "#panel-conns", "No client is connected.");
  await page.click("#tab-slabs");
  await shows(page, "#panel-slabs", "Nothing was stored yet.");
});

test("a lost server is said to be lost, its figures stay, and it is found again", async () => {
  const { page, server } = await open();
  await shows(page, "#figure-items", /\d/);
  server.isLost = true;
  await shows(page, "#lost", /^No answer since \d+ s\. Trying again\.$/);
  await shows(page, "#fact-state", "no answer");
  await shows(page, "#lost-status", "No answer. Trying again.");
  await shows(page, "#figure-items", /^\d,\d\d\d$/);
  await shows(page, "#lost", /^No answer since [3-9] s\./);
  server.isLost = false;
  await page.locator("#lost").waitFor({ state: "hidden" });
  await shows(page, "#fact-state", "attached");
});

test("nothing is asked from another host, and nothing is changed", async () => {
  const { page, server } = await open({ hasInsight: true });
  const others: string[] = [];
  page.on("request", (request) => {
    const isOwn = request.url().startsWith(server.url) && request.method() === "GET";
    if (!isOwn) others.push(`${request.method()} ${request.url()}`);
  });
  const before = server.asked.length;
  await until(() => server.asked.length >= before + 5);
  assert.deepEqual(others, []);
});

test("no accessibility fault in any state, theme and width", async () => {
  const states: Behaviour[] = [{ hasInsight: true, isLarge: true }, { isEmpty: true }];
  for (const behaviour of states) {
    for (const colorScheme of ["light", "dark"] as const) {
      for (const viewport of [WIDE, PHONE]) {
        const { page, server } = await open(behaviour, { colorScheme, viewport });
        for (const tab of ["hot", "slabs", "shards", "conns", "order"]) {
          await page.click(`#tab-${tab}`);
          assert.deepEqual(await violations(page), [], `${colorScheme}, ${tab}`);
        }
        server.isLost = true;
        await shows(page, "#fact-state", "no answer");
        assert.deepEqual(await violations(page), [], `${colorScheme}, lost`);
        await page.context().close();
      }
    }
  }
});

test("targets are at least 24 pixels large", async () => {
  for (const viewport of [WIDE, PHONE]) {
    const { page } = await open({ hasInsight: true }, { viewport });
    const small = await page
      .locator("button:visible, select:visible, a:visible, label:visible:has(input)")
      .evaluateAll((all) =>
        all.flatMap((target) => {
          const { width, height } = target.getBoundingClientRect();
          return width < 24 || height < 24 ? [`${target.id || target.textContent} ${height}`] : [];
        }),
      );
    assert.deepEqual(small, []);
  }
});

test("with forced colours the choice and the bars can be told", async () => {
  const { page } = await open({ hasInsight: true }, { forcedColors: "active" });
  const colours = await page
    .locator("input[name=range] + span")
    .evaluateAll((all) => all.map((one) => getComputedStyle(one).backgroundColor));
  assert.notEqual(colours[0], colours[1]);
  const bar = page.locator("#panel-hot td.share").first();
  assert.notEqual(
    await bar.evaluate((cell) => getComputedStyle(cell, "::before").backgroundImage),
    "none",
  );
});
