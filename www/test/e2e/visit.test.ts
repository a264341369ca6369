// Lessons, links, and other ways to visit the page: with the keyboard alone, with a screen reader,
// without a network, without WebAssembly.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import type { Page } from "playwright-core";
import { digest, fresh, openLoad, pause, replies, runLoad, shows, tab, type } from "./actions.ts";
import { Site } from "./browser.ts";

const WIDE = { width: 1280, height: 900 };
const NARROW = { width: 390, height: 844 };
const NARROWEST = { width: 360, height: 740 };
const AXE = readFileSync("node_modules/axe-core/axe.min.js", "utf8");
const LESSONS = readdirSync("src/lessons").sort();

const site = await Site.forTests();

/** The replies that the text of a lesson describes, in order. */
const CLAIMS: Record<string, RegExp> = {
  "01-first.txt": /STORED.*END.*DELETED.*END/s,
  "02-time.txt": /soon.*STORED.*TOUCHED.*two/s,
  "03-lru.txt": /VALUE apple.*VALUE apple 1\r\n1\r\nEND\r\nEND/s,
  "05-slabs.txt": /^(STORED\r\n){3}$/,
  "07-cas.txt": /0 1 1\r\n2.*STORED\r\nEXISTS.*0 1 2\r\n1.*STORED.*\r\n0\r\nEND/s,
  "08-count.txt": /99\r\n104\r\n9\r\n.*9 {2}\r\n.*non-numeric.*NOT_FOUND.*STORED\r\n0/s,
  "09-half.txt": /^END.*helloget x.*helloget x.*helloworld/s,
  "10-evicted-or-expired.txt": /END.*STAT evictions 1\r\n.*STAT reclaimed 3/s,
  "11-stampede.txt": /END\r\nEND\r\nSTORED\r\nNOT_STORED.*html.*new!/s,
  "12-limits.txt": /^SERVER_ERROR object too large for cache\r\nCLIENT_ERROR.*VERSION/s,
  "13-recache.txt": /t60\r\n.*t20 W.*t20 Z.*t60\r\nnew!.*VA 0 W.*VA 0 Z.*made.*X W.*Z X/s,
};

test("every lesson leads to the same state as in the native engine", async (t) => {
  const paths = LESSONS.map((name) => `www/src/lessons/${name}`);
  const command = ["run", "-q", "--locked", "-p", "dynamidb-web", "--example", "replay", "--"];
  const printed = execFileSync("cargo", [...command, ...paths], { cwd: "..", encoding: "utf8" });
  const native = printed
    .trim()
    .split("\n")
    .map((line) => line.split(" ")[0]);
  assert.ok(LESSONS.length >= 10 && new Set(native).size === LESSONS.length);

  const page = await site.visit();
  for (const [number, name] of LESSONS.entries()) {
    const slug = name.replace(/^\d+-|\.txt$/g, "");
    await page.evaluate((slug) => {
      location.hash = `lesson=${slug}`;
    }, slug);
    await shows(page, "#lesson-progress", `#lesson=${slug}`);
    for (;;) {
      const bars = await shows(page, "#lesson-bars span", /^step \d+ of \d+$/);
      const [step = 0, all = 0] = [...bars.matchAll(/\d+/g)].map(Number);
      if (step === all) break;
      await page.click("#lesson-next");
      await shows(page, "#lesson-bars span", `step ${step + 1} of ${all}`);
    }
    assert.equal(await digest(page), native[number], name);
    assert.match((await replies(page)).join(""), CLAIMS[name] ?? /^$/, name);
    t.diagnostic(`${native[number]} ${name}`);
  }
});

test("a link replays the session to the same state", async () => {
  const page = await fresh(site);
  await type(page, "SET greeting 30 5", "hello", "set b 1 0 3", "\u00e91", "get b");
  await runLoad(page, { operations: 3000, ttl: 9 });
  await page.click("#clock-step");
  await pause(page);
  await page.click("#share-open");
  await shows(page, "#share-status", "characters");
  const link = await page.locator("#share-link").inputValue();
  const state = await page.locator("#share-digest").textContent();
  assert.ok(link.length < 1000, link);

  const other = await site.visit({}, new URL(link).hash);
  await shows(other, "#log .note", `Replayed. The state’s digest is ${state}.`);
  assert.equal(await digest(other), state);
  assert.deepEqual((await replies(other)).slice(0, 2), ["STORED\r\n", "STORED\r\n"]);

  await page.locator("#share-save").evaluate((button) => button.removeAttribute("disabled"));
  const [download] = await Promise.all([page.waitForEvent("download"), page.click("#share-save")]);
  const third = await site.visit();
  await third.click("#share-open");
  await third.setInputFiles("#share-file", await download.path());
  await shows(third, "#log .note", `Replayed. The state’s digest is ${state}.`);
});

test("a link of another engine says why its digest differs, one without digest not", async () => {
  const { encode } = await import("../../src/link.ts");
  const text = "dynamidb scenario 1\nA: SET a 0 1\nA: x\n";
  const replayed = async (text: string) => {
    const page = await site.visit({}, `#${await encode(text)}`);
    const note = await shows(page, "#log .note", "Replayed.");
    assert.match(note, new RegExp(`digest is ${await digest(page)}`));
    await page.close();
    return note;
  };
  const plain = await replayed(text);
  assert.match(plain, /digest is [0-9a-f]{16}\.$/);
  const other = await replayed(`${text}digest 0123456789abcdef\n`);
  assert.match(other, /, not 0123456789abcdef: the engine has changed since this link was made\.$/);
  const same = /[0-9a-f]{16}/.exec(plain)?.[0];
  assert.equal(await replayed(`${text}digest ${same}\n`), plain);
});

test("a damaged or foreign link shows an error, and the page keeps working", async () => {
  const { encode } = await import("../../src/link.ts");
  const hashes = {
    "#1garbage": "This link is damaged",
    "#section-2": "another version or belongs to another page",
    [`#${await encode("dynamidb scenario 9\n")}`]: "scenario format is not supported",
    [`#${await encode("dynamidb scenario 1\nmemory 100\n")}`]: "Too little memory",
    [`#${await encode("dynamidb scenario 1\nA: GET a\nrm -rf\n")}`]: "Line 3 of the scenario",
    [`#${await encode("dynamidb scenario 1\n<script>alert(1)</script>\n")}`]: "is unknown",
  };
  for (const [hash, sentence] of Object.entries(hashes)) {
    const page = await site.visit({}, hash);
    const notice = await shows(page, "#notice", sentence);
    assert.match(notice, /The page keeps its cache/);
    await type(page, "GET a");
    assert.deepEqual(await replies(page), ["END\r\n"]);
    await page.close();
  }
});

test("the page stays responsive while a scenario of many steps is replayed", async () => {
  const { encode } = await import("../../src/link.ts");
  const steps = "A: SET a 0 1\nA: x\n".repeat(5000);
  const page = await site.visit({}, `#${await encode(`dynamidb scenario 1\n${steps}`)}`);
  await type(page, "GET nobody");
  await shows(page, "#log .note", "Replayed.");
  await shows(page, "#stat-items", /^1$/);
});

test("a session that is too long for a link is saved as a file", async () => {
  const page = await fresh(site);
  const value = Buffer.from(crypto.getRandomValues(new Uint8Array(15_000))).toString("base64");
  for (const line of [`SET a 0 ${value.length}`, value]) {
    await page.fill("#line", line);
    await page.keyboard.press("Enter");
  }
  await page.click("#share-open");
  await shows(page, "#share-status", "Save it as a file instead");
  assert.ok(await page.locator("#share-copy").isDisabled());
  assert.ok(await page.locator("#share-save").isEnabled());
});

test("every control can be reached and used with the keyboard", async () => {
  const page = await fresh(site, { viewport: WIDE });
  await type(page, "SET k 30 1", "x");
  await openLoad(page);
  await page.evaluate(() => (document.activeElement as HTMLElement).blur());
  const reached = new Set<string>();
  const walk = async (steps: number) => {
    for (let i = 0; i < steps; i++) {
      await page.keyboard.press("Tab");
      reached.add(
        await page.evaluate(() => {
          const { id, className, name } = document.activeElement as HTMLInputElement;
          return id || name || className;
        }),
      );
    }
  };
  await walk(100);
  for (const name of ["order", "wire", "removals"]) {
    await tab(page, name);
    await walk(12);
  }
  const wanted = ["settings-open", "share-open", "reset", "theme", "clock-run", "speed", "track"];
  wanted.push("clock-step", "clock-next-expiry", "colour", "map", "tab-compare", "log", "client");
  wanted.push("line", "send", "wire-hex", "wire-language", "wire-copy", "wire-list", "order-frame");
  wanted.push("key", "load-keys", "load-run", "compare", "load-file", "measure", "load-scan");
  assert.deepEqual(
    wanted.filter((name) => !reached.has(name)),
    [],
  );
  await tab(page, "order");
  await page.locator("#order button.key").focus();
  await page.keyboard.press("Enter");
  await shows(page, "#chosen-key", "k");
  await page.locator("#chosen-open").focus();
  await page.keyboard.press("Enter");
  await shows(page, "#item-title", "k");
  await page.keyboard.press("Escape");
  await page.locator("#clock-run").focus();
  await page.keyboard.press("Space");
  await page.locator("#clock-run[aria-label=Play]").waitFor();
});

test("the page works without a network after the first visit", async () => {
  const page = await site.visit();
  await page.evaluate(async () => {
    await navigator.serviceWorker.ready;
    while ((await caches.keys()).length === 0) await new Promise((go) => setTimeout(go, 50));
  });
  await page.context().setOffline(true);
  await page.reload();
  await page.waitForSelector("body[data-ready]");
  await type(page, "SET a 0 1", "x");
  assert.deepEqual(await replies(page), ["STORED\r\n"]);
  // Also what has not been loaded before.
  await page.evaluate(() => {
    location.hash = "calculator";
  });
  await shows(page, "#calculator-memory", /^\d+ MiB$/);
});

test("on a phone every tab is in sight, and a scrolled title is within its column", async () => {
  for (const viewport of [NARROW, NARROWEST]) {
    const page = await site.visit({ viewport });
    const tabs = page.locator("#tabs [role=tab]");
    assert.equal(await tabs.count(), 7);
    for (const box of await Promise.all((await tabs.all()).map((one) => one.boundingBox())))
      assert.ok(box !== null && box.x >= 0 && box.x + box.width <= viewport.width, `${box?.x}`);
    await tab(page, "order");
    await page.locator("#order button.key").first().waitFor();
    await page.locator("#order-frame").evaluate((frame) => frame.scrollTo(0, 7000));
    await shows(page, "#order-title", /^\d+ to \d+/);
    const fits = await page
      .locator("#order-title")
      .evaluate((title) => title.scrollWidth <= title.clientWidth);
    assert.ok(fits);
    await page.close();
  }
});

for (const viewport of [{ width: 900, height: 500 }, NARROW]) {
  test(`an embedded page of ${viewport.width} px shows map and terminal alone`, async () => {
    const page = await site.visit({ viewport }, "?embed#lesson=lru.2");
    const isTyping = await page.evaluate(() => document.activeElement?.id === "line");
    assert.ok(!isTyping, "it takes the focus from the page around it");
    for (const id of ["memory", "map", "clock-run", "lesson", "line", "whole"])
      assert.ok(await page.locator(`#${id}`).isVisible(), id);
    for (const id of ["page-nav", "lesson-nav", "menu-open", "track", "tabs", "panels", "ways"])
      assert.ok(await page.locator(`#${id}`).isHidden(), id);
    const size = await page.evaluate(() => {
      const { scrollWidth, scrollHeight } = document.documentElement;
      return { width: scrollWidth, height: scrollHeight };
    });
    assert.deepEqual(size, viewport);
    await page.keyboard.press("Alt+Digit2");
    await type(page, "SET a 0 1", "x");
    assert.equal((await replies(page)).at(-1), "STORED\r\n");
    await page.evaluate(AXE);
    assert.deepEqual(await violations(page), []);

    await page.click("#lesson-next");
    await shows(page, "#lesson-bars", "step 3 of 5");
    const [whole] = await Promise.all([page.context().waitForEvent("page"), page.click("#whole")]);
    await whole.waitForURL(`${site.url}#lesson=lru.3`);
    await whole.locator("#tabs").waitFor();
  });
}

test("a browser without WebAssembly or JavaScript shows an explanation", async () => {
  const page = await site.browser.newPage();
  await page.addInitScript("delete globalThis.WebAssembly");
  await page.goto(site.url);
  assert.match(await shows(page, "#notice", "could not start"), /a browser with WebAssembly/);
  await page.close();
  // A file may not load the page's script, so the explanation is in the page itself.
  const file = await site.browser.newPage();
  await file.goto(new URL("../../dist/index.html", import.meta.url).href);
  assert.match(await shows(file, "#slow", "has not started"), /must come from a web server/);
  // The browser that Playwright drives without JavaScript does not show `noscript`.
  const html = await (await fetch(site.url)).text();
  assert.match(html, /<noscript>\s*<p[^>]*>\s*This page needs JavaScript and WebAssembly/);
});

test("the theme is the system's, or the visitor's last choice", async () => {
  const page = await site.visit({ colorScheme: "light" });
  const paper = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const light = await paper();
  await page.click("#theme");
  await page.click("#theme");
  await page.locator("#theme[title='Theme: dark']").waitFor();
  const dark = await paper();
  assert.notEqual(light, dark);
  await page.reload();
  await page.waitForSelector("body[data-ready]");
  assert.equal(await paper(), dark);
});

for (const colorScheme of ["light", "dark"] as const) {
  for (const viewport of [WIDE, NARROW, NARROWEST]) {
    test(`the page is accessible and fits into ${viewport.width} px, ${colorScheme}`, async () => {
      const page = await site.visit({ colorScheme, viewport, reducedMotion: "reduce" });
      const check = async (view: string) => {
        assert.deepEqual(await violations(page), [], view);
        const width = await page.evaluate(() => document.documentElement.scrollWidth);
        assert.ok(width <= viewport.width, `${view}: ${width} px`);
      };
      await page.evaluate(AXE);
      await check("first visit");
      const open = (id: string) =>
        page.locator(id).evaluate((button: HTMLElement) => button.click());
      await open("#reset");
      await check("empty");
      await type(
        page,
        "SET a 30 1",
        "x",
        `GET ${"k".repeat(250)}`,
        "SETEX a 60 b",
        "set b 3 0 900",
      );
      await check("in use");
      for (const name of ["wire", "removals", "wheel", "hot"]) {
        await tab(page, name);
        await check(name);
      }
      await openLoad(page);
      await page.check("#compare");
      await runLoad(page, { operations: 2000, ttl: 5, rate: 100 });
      await check("compare");
      await pause(page);
      await type(page, "SET mine 0 1", "x");
      await tab(page, "order");
      await page.locator("#order button.key", { hasText: "mine" }).click();
      await check("chosen");
      await page.click("#chosen-open");
      await check("item");
      await page.keyboard.press("Escape");
      for (const dialog of ["settings", "share", "lessons", "keys"]) {
        await open(`#${dialog}-open`);
        await check(dialog);
        await page.keyboard.press("Escape");
      }
      await page.evaluate(() => {
        location.hash = "lesson=lru.5";
      });
      await shows(page, "#lesson-bars", "step 5 of 5");
      await check("lesson");
      await page.evaluate(() => {
        location.hash = "race";
      });
      await shows(page, "#race h2", "Race two policies");
      await check("race");
    });
  }
}

async function violations(page: Page): Promise<unknown> {
  return page.evaluate(`axe.run().then((result) => result.violations.map((violation) =>
    violation.id + ": " + violation.nodes.map((node) => node.html).join(" | ")))`);
}
