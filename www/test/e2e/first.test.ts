// The first visit, the map, what is linked, and a kind terminal.

import assert from "node:assert/strict";
import { test } from "node:test";
import { fresh, pause, replies, settings, shows, tab, type } from "./actions.ts";
import { Site } from "./browser.ts";

const site = await Site.forTests();
const WIDE = { width: 1440, height: 900 };
const PHONE = { width: 390, height: 844 };

test("on the first visit a full cache evicts at once, in one screen", async () => {
  const page = await site.visit({ viewport: WIDE });
  await shows(page, "#intro-title", "This is a real cache evicting real items. Type to join in.");
  await shows(page, "#stat-items", /^7\d\d$/);
  const evicted = async () =>
    Number((await page.locator("#stat-evicted").textContent())?.replace(",", ""));
  const before = await evicted();
  assert.ok(before > 1000);
  await page.waitForFunction(
    (before) =>
      Number(document.querySelector("#stat-evicted")?.textContent?.replace(",", "")) > before,
    before,
  );
  await shows(page, "#feed li", /^get key:\d+(hit|miss, stored)/);
  assert.equal(await page.evaluate(() => document.activeElement?.id), "line");
  const scroll = await page.evaluate(() => document.documentElement.scrollHeight);
  assert.ok(scroll <= WIDE.height, `${scroll} px high`);
});

test("with reduced motion the first visit is paused on a full cache", async () => {
  const page = await site.visit({ viewport: WIDE, reducedMotion: "reduce" });
  await page.locator("#clock-run[aria-label=Play]").waitFor();
  await shows(page, "#stat-items", /^7\d\d$/);
});

test("the first command makes room for your items", async () => {
  const page = await site.visit({ viewport: WIDE });
  await pause(page);
  await page.getByRole("button", { name: "SET greeting 30 5" }).click();
  await page.locator("#intro").waitFor({ state: "hidden" });
  await shows(page, "#yours-list li", /greetingexpires in (29|30) s7\d\d go first/);
  assert.deepEqual(await replies(page), ["STORED\r\n"]);
  await type(page, "DELETE greeting");
  await shows(page, "#yours-list li.gone", "not in the cache");
});

test("on a phone the map and the prompt are always in sight", async () => {
  const page = await site.visit({ viewport: PHONE, hasTouch: true });
  for (const name of ["terminal", "order", "wire", "removals", "wheel", "compare"]) {
    await tab(page, name);
    for (const selector of ["#map", "#prompt"]) {
      const box = await page.locator(selector).boundingBox();
      assert.ok(box && box.y >= 0 && box.y + box.height <= PHONE.height, `${selector} in ${name}`);
      assert.ok(box && box.x >= 0 && box.x + box.width <= PHONE.width, `${selector} in ${name}`);
    }
  }
  const size = await page.locator("#line").evaluate((line) => getComputedStyle(line).fontSize);
  assert.equal(size, "16px", "or iOS zooms in");
});

test("enlarged to 200 %, map and prompt are in sight together", async () => {
  const viewport = { width: 720, height: 450 };
  const page = await site.visit({ viewport, deviceScaleFactor: 2 });
  for (const selector of ["#map", "#prompt"]) {
    const box = await page.locator(selector).boundingBox();
    assert.ok(box && box.y >= 0 && box.y + box.height <= viewport.height, selector);
  }
});

test("the newest requests are shown in whole lines", async () => {
  for (const viewport of [WIDE, PHONE]) {
    const page = await site.visit({ viewport });
    await page.locator("#feed em").first().waitFor({ state: "attached" });
    await pause(page);
    const cut = await page.locator("#feed").evaluate((feed) => {
      const frame = feed.getBoundingClientRect();
      return [...feed.children].flatMap((line) => {
        const { left, top, bottom } = line.getBoundingClientRect();
        if (left >= frame.right) return [];
        const isWhole = top >= frame.top - 0.5 && bottom <= frame.bottom + 0.5;
        return isWhole && line.scrollWidth <= line.clientWidth ? [] : [line.textContent];
      });
    });
    assert.deepEqual(cut, [], `${viewport.width} px`);
  }
});

test("with forced colours the map keeps its colours, and what is chosen can be told", async () => {
  const page = await site.visit({ viewport: WIDE, forcedColors: "active" });
  await pause(page);
  const colours = await page.locator("#map canvas").first().evaluate((canvas) => {
    const map = canvas as HTMLCanvasElement;
    const pixels = map.getContext("2d")?.getImageData(0, 0, map.width, map.height);
    return new Set(new Uint32Array(pixels?.data.buffer ?? new ArrayBuffer())).size;
  });
  assert.ok(colours > 20, `${colours} colours`);
  const look = (selector: string) =>
    page.locator(selector).first().evaluate((one) => {
      const { backgroundColor, outlineStyle } = getComputedStyle(one);
      return `${backgroundColor} ${outlineStyle}`;
    });
  const pairs = [
    ["#tab-order", "#tab-wire"],
    ["#prompt input:checked + span", "#prompt input:not(:checked) + span"],
    ["#speed input:checked + span", "#speed input:not(:checked) + span"],
    ["#colour-by input:checked + span", "#colour-by input:not(:checked) + span"],
  ];
  for (const [chosen = "", other = ""] of pairs)
    assert.notEqual(await look(chosen), await look(other), chosen);
  await type(page, "SET one 60 1", "x");
  await page.locator("#yours-list button").click();
  await page.locator("#yours-list li.linked").waitFor();
  assert.match(await look("#yours-list li.linked"), /solid$/);
});

test("targets are at least 24 pixels large", async () => {
  for (const viewport of [WIDE, PHONE]) {
    const page = await fresh(site, { viewport, hasTouch: viewport === PHONE });
    await type(page, "SET a 0 1", "x");
    const small: string[] = [];
    for (const name of ["order", "wire", "removals", "wheel", "compare"]) {
      await tab(page, name);
      small.push(
        ...(await page.locator("button:visible, select:visible, a:visible").evaluateAll((all) =>
          all.flatMap((target) => {
            // A row of a table is a target as a whole.
            const { width, height } = (target.closest("td") ?? target).getBoundingClientRect();
            return width < 24 || height < 24
              ? [`${target.id || target.textContent}: ${width} by ${height}`]
              : [];
          }),
        )),
      );
    }
    assert.deepEqual(small, []);
  }
});

test("an item is highlighted everywhere, whatever shows it first", async () => {
  const page = await fresh(site, { viewport: WIDE });
  await pause(page);
  await type(page, "SET one 60 1", "x", "SET two 60 1", "y");
  const linked = () =>
    page
      .locator(".linked")
      .evaluateAll((all) => all.map((one) => `${one.tagName} ${one.textContent?.slice(0, 12)}`));
  await page.locator("#log .request", { hasText: "x" }).last().click();
  await shows(page, "#chosen-key", "one");
  await shows(page, ".map-label", /^one\s+expires in/);
  await page.locator("#order tr.linked", { hasText: "one" }).waitFor();
  await page.locator("#yours-list li.linked", { hasText: "one" }).waitFor();
  await page.locator("#overview-order li.linked", { hasText: "one" }).waitFor();
  await shows(
    page,
    "#chosen-facts",
    /Chunkspage 2, no\. 0.*Waste.*Expires in.*Wheelpage 2 is due.*WireSET/s,
  );
  await tab(page, "wire");
  assert.equal(await page.locator("#wire-list li.linked").count(), 3, (await linked()).join());
  await tab(page, "order");
  await page.locator("#yours-list button", { hasText: "two" }).click();
  await shows(page, "#chosen-key", "two");
  await page.locator("#line").press("Escape");
  await page.keyboard.press("Escape");
  await page.locator("#chosen").waitFor({ state: "hidden" });
  assert.deepEqual(await linked(), []);
});

test("the pointer highlights while it lasts, and the choice stays", async () => {
  const page = await fresh(site, { viewport: WIDE });
  await pause(page);
  await type(page, "SET one 60 1", "x", "SET two 60 1", "y");
  const label = page.locator(".map-label");
  await shows(page, "#order tbody tr:nth-child(3)", "one");
  await page.locator("#order button.key", { hasText: "one" }).click();
  await page.mouse.move(1300, 300);
  await label.filter({ hasText: "one" }).waitFor();
  await page.locator("#overview-order li", { hasText: "two" }).hover();
  await label.filter({ hasText: "two" }).waitFor();
  await page.mouse.move(1300, 300);
  await label.filter({ hasText: "one" }).waitFor();
});

test("the map is one stop of the Tab key, and names its chunk", async () => {
  const page = await fresh(site, { viewport: WIDE });
  await pause(page);
  await type(page, "SET one 0 5", "hello", "SET two 60 5", "hello");
  await page.locator("input[name=colour]:checked").focus();
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement?.id), "map");
  await shows(page, "#map-live", "one, 8 bytes, idle 0 s, never expires, chunk 1 of 1");
  await page.keyboard.press("ArrowRight");
  await shows(page, "#map-live", /^two, 8 bytes, idle 0 s, expires in (59 s|1 min), chunk 1 of 1$/);
  await page.keyboard.press("Enter");
  await shows(page, "#item-title", "two");
  await page.keyboard.press("Escape");
  await page.keyboard.press("ArrowDown");
  await shows(page, "#map-live", "page 2, free chunk");
});

test("the keys of the page work outside of inputs, and can be switched off", async () => {
  const page = await fresh(site, { viewport: WIDE });
  await type(page, "SET a 100 1", "x");
  await page.keyboard.press("Escape");
  await page.keyboard.press("2");
  assert.ok(await page.getByLabel("Expires in", { exact: true }).isChecked());
  await shows(page, "#legend", "soon");
  await page.keyboard.press("Space");
  await page.locator("#clock-run[aria-label=Play]").waitFor();
  await page.keyboard.press("Alt+2");
  assert.equal(await page.locator("#tab-wire").getAttribute("aria-selected"), "true");
  await page.keyboard.press("n");
  await shows(page, "#clock-status", "an item has expired");
  await page.keyboard.press("?");
  await page.locator("#keys-on").uncheck();
  await page.keyboard.press("Escape");
  await page.keyboard.press("1");
  assert.ok(await page.getByLabel("Expires in", { exact: true }).isChecked());
  await page.keyboard.press("/");
  assert.notEqual(await page.evaluate(() => document.activeElement?.id), "line");
});

test("below an error the page says what was meant, and a button does it", async () => {
  const page = await fresh(site);
  await type(page, "SET city Paris");
  assert.equal((await replies(page)).length, 1, "the server's reply is unchanged");
  const note = page.locator("#log .note.kind").last();
  await note.getByRole("button", { name: "SET city 0 5" }).click();
  await type(page, "GET city");
  assert.equal((await replies(page)).at(-1), "VALUE city 5\r\nParis\r\nEND\r\n");
  await type(page, "printf 'SET a 0 1\\r\\nx\\r\\n' | nc -N 127.0.0.1 11212");
  await page.locator("#log .note.kind button").last().click();
  assert.equal((await replies(page)).at(-1), "STORED\r\n");
});

test("the bytes of a value are counted over all its lines", async () => {
  const page = await fresh(site);
  await type(page, "set k 0 0 9", "abc");
  await page.keyboard.type("de");
  await shows(page, "#hint", "7 of 9 bytes typed");
});

test("a value that the server discards is said to be so, and hanging up ends it", async () => {
  const page = await fresh(site);
  await settings(page, { largest: "0.25" });
  await type(page, "set k 0 0 300", "abc");
  await shows(page, "#hint", "discards this value: 297 more bytes");
  await page.getByRole("button", { name: "Hang up" }).click();
  await type(page, "get k");
  assert.equal((await replies(page)).at(-1), "END\r\n");
});

test("an example is never taken for an open value", async () => {
  const page = await fresh(site, { viewport: WIDE });
  await type(page, "set k 0 0 30");
  await shows(page, "#hint", "0 of 30 bytes typed");
  // They go with the next frame.
  await page.waitForFunction(() => document.querySelector("#examples button") === null);
  await page.getByRole("button", { name: "Hang up" }).click();
  await page.locator("#examples button", { hasText: "help" }).click();
  await shows(page, "#log .note", "DynamiDB’s own commands");
});
