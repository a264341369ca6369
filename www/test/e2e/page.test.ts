import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, afterEach, before, test } from "node:test";
import type { Page } from "playwright-core";
import { Site } from "./browser.ts";

const WIDE = { width: 1280, height: 900 };
const NARROW = { width: 360, height: 740 };
const AXE = readFileSync("node_modules/axe-core/axe.min.js", "utf8");

let site: Site;
before(async () => {
  site = await Site.open();
});
afterEach(() => assert.deepEqual(site.errors.splice(0), []));
after(() => site.close());

/** What the page says was said and heard, exactly. */
function heard(page: Page): Promise<(string | null)[]> {
  return page.locator("#log .heard code").evaluateAll((all) => all.map((code) => code.textContent));
}

async function type(page: Page, ...lines: string[]): Promise<void> {
  for (const line of lines) {
    await page.keyboard.type(line);
    await page.keyboard.press("Enter");
  }
}

test("both dialects are answered byte for byte", async () => {
  const page = await site.visit();
  await type(page, "SET greeting 30 5", "hello", "GET greeting", "get greeting");
  await type(page, "DELETE greeting", "GET greeting", "nonsense");
  assert.deepEqual(await heard(page), [
    "STORED\r\n",
    "VALUE greeting 5\r\nhello\r\nEND\r\n",
    "VALUE greeting 0 5\r\nhello\r\nEND\r\n",
    "DELETED\r\n",
    "END\r\n",
    "ERROR\r\n",
  ]);
});

test("the value is asked for on the next line", async () => {
  const page = await site.visit();
  await type(page, "set visits 0 0 2");
  await page.getByLabel("Value", { exact: true }).waitFor();
  await page.getByText("The server waits for the rest of the value.").waitFor();
  await type(page, "41");
  await page.getByLabel("Command", { exact: true }).waitFor();
  await type(page, "incr visits 1");
  assert.deepEqual(await heard(page), ["STORED\r\n", "42\r\n"]);
});

test("a value is gone after its time, and given back without being asked for", async () => {
  const page = await site.visit();
  await type(page, "SET short 1 1", "x");
  await page.getByText("1 of 1000 items").waitFor();
  await page.getByText("0 of 1000 items").waitFor();
  await type(page, "GET short");
  assert.deepEqual(await heard(page), ["STORED\r\n", "END\r\n"]);
});

test("the examples work with the keyboard alone, and show what is heard", async () => {
  const page = await site.visit({ viewport: NARROW });
  for (const button of await page.locator("#examples button").all()) {
    await button.focus();
    await page.keyboard.press("Enter");
  }
  const replies = await heard(page);
  assert.deepEqual(replies.slice(0, 6), [
    "STORED\r\n",
    "VALUE greeting 5\r\nhello\r\nEND\r\n",
    "DELETED\r\n",
    "STORED\r\n",
    "42\r\n",
    "VALUE visits 0 2 3\r\n42\r\nEND\r\n",
  ]);
  assert.match(replies[6] ?? "", /^STAT [\s\S]*\r\nEND\r\n$/);
  assert.ok(await page.locator("#log").evaluate((log) => log.getBoundingClientRect().top >= 0));
});

test("Tab goes from the command line to the examples", async () => {
  const page = await site.visit();
  const reached: (string | undefined)[] = [];
  for (let i = 0; i < 4; i++) {
    const text = await page.evaluate(() => document.activeElement?.textContent);
    reached.push(text?.trim().split("\n")[0]);
    await page.keyboard.press("Tab");
  }
  assert.deepEqual(reached, ["", "Send", "SET greeting 30 5", "GET greeting"]);
});

test("Up and Down bring back what was typed", async () => {
  const page = await site.visit();
  const line = page.getByLabel("Command");
  await type(page, "GET a", "GET b");
  const recalled: string[] = [];
  for (const key of ["ArrowUp", "ArrowUp", "ArrowUp", "ArrowDown", "ArrowDown", "ArrowDown"]) {
    await page.keyboard.press(key);
    recalled.push(await line.inputValue());
  }
  assert.deepEqual(recalled, ["GET b", "GET a", "GET a", "GET b", "", ""]);
});

test("a pasted conversation is said line by line", async () => {
  const page = await site.visit();
  await page.getByLabel("Command").evaluate((input) => {
    const clipboardData = new DataTransfer();
    clipboardData.setData("text", "SET a 0 1\r\nx\r\nGET a\nGET b");
    input.dispatchEvent(new ClipboardEvent("paste", { clipboardData, cancelable: true }));
  });
  assert.deepEqual(await heard(page), ["STORED\r\n", "VALUE a 1\r\nx\r\nEND\r\n"]);
  assert.equal(await page.getByLabel("Command").inputValue(), "GET b");
});

test("after QUIT the next command opens a new connection to the same cache", async () => {
  const page = await site.visit();
  await type(page, "SET a 0 1", "x", "QUIT");
  await page.getByText("The server closed the connection.").waitFor();
  await type(page, "GET a");
  assert.deepEqual(await heard(page), ["STORED\r\n", "BYE\r\n", "VALUE a 1\r\nx\r\nEND\r\n"]);
});

test("a long conversation scrolls in its place, and what is old is forgotten", async () => {
  const page = await site.visit();
  const height = () => page.evaluate(() => document.documentElement.scrollHeight);
  const before = await height();
  await page.getByLabel("Command").evaluate((input) => {
    const clipboardData = new DataTransfer();
    clipboardData.setData("text", "GET a\n".repeat(10_000));
    input.dispatchEvent(new ClipboardEvent("paste", { clipboardData, cancelable: true }));
  });
  assert.equal(await height(), before);
  assert.equal(await page.locator("#log > *").count(), 500);
});

test("markup in a value is shown as text", async () => {
  const page = await site.visit();
  const value = "<img src=x onerror=alert(1)>";
  await type(page, `SET a 0 ${value.length}`, value, "GET a");
  assert.equal((await heard(page)).at(-1), `VALUE a ${value.length}\r\n${value}\r\nEND\r\n`);
  assert.equal(await page.locator("#log img").count(), 0);
});

test("a browser without WebAssembly is told so", async () => {
  const page = await site.browser.newPage();
  await page.addInitScript("delete globalThis.WebAssembly");
  await page.goto(site.url);
  await page.getByText("The engine could not start").waitFor();
  assert.match((await page.getByRole("status").textContent()) ?? "", /needs a browser with WebAss/);
});

for (const colorScheme of ["light", "dark"] as const) {
  for (const viewport of [WIDE, NARROW]) {
    test(`accessible in a ${colorScheme} window of ${viewport.width} px, and fits it`, async () => {
      const page = await site.visit({ colorScheme, viewport });
      await type(page, "SET a 0 1", "x", `GET ${"k".repeat(250)}`, "stats");
      await page.evaluate(AXE);
      const violations = await page.evaluate("axe.run().then((result) => result.violations)");
      assert.deepEqual(violations, []);
      const width = await page.evaluate(() => document.documentElement.scrollWidth);
      assert.ok(width <= viewport.width, `${width} px`);
    });
  }
}
