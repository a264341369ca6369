// Actions of visitors, and what the page then shows.

import type { BrowserContextOptions, Page } from "playwright-core";
import type { Site } from "./browser.ts";

/** Opens the page and starts over: an empty cache without a load. */
export async function fresh(site: Site, options: BrowserContextOptions = {}): Promise<Page> {
  const page = await site.visit(options);
  await startOver(page);
  return page;
}

export async function startOver(page: Page): Promise<void> {
  // By script, because a phone has the button in a menu.
  await page.locator("#reset").evaluate((button: HTMLElement) => button.click());
}

/** Types lines into the terminal, one after the other. */
export async function type(page: Page, ...lines: string[]): Promise<void> {
  await page.locator("#line").focus();
  for (const line of lines) {
    await page.keyboard.type(line);
    await page.keyboard.press("Enter");
  }
}

/** The replies in the terminal, exactly. */
export function replies(page: Page): Promise<(string | null)[]> {
  return page.locator("#log .reply code").evaluateAll((all) => all.map((code) => code.textContent));
}

/** Pastes a text into the command line. */
export async function paste(page: Page, text: string): Promise<void> {
  await page.locator("#line").evaluate((input, text) => {
    const clipboardData = new DataTransfer();
    clipboardData.setData("text", text);
    input.dispatchEvent(new ClipboardEvent("paste", { clipboardData, cancelable: true }));
  }, text);
}

/** Pauses the clock. */
export async function pause(page: Page): Promise<void> {
  const button = page.locator("#clock-run");
  if ((await button.getAttribute("aria-label")) === "Pause") await button.click();
}

/** Waits until an element has this text, and returns it. */
export async function shows(page: Page, selector: string, text: string | RegExp): Promise<string> {
  const found = page.locator(selector).filter({ hasText: text });
  await found.first().waitFor();
  return (await found.first().textContent()) ?? "";
}

/** Opens a tab: `order`, `wire`, `removals`, `wheel` or `compare`. */
export async function tab(page: Page, name: string): Promise<void> {
  await page.click(`#tab-${name}`);
}

/** Starts a new cache with these settings. */
export async function settings(page: Page, values: Record<string, string>): Promise<void> {
  await page.click("#settings-open");
  for (const [name, value] of Object.entries(values)) {
    const field = page.locator(`#settings-${name}`);
    const isChoice = (await field.evaluate((element) => element.tagName)) === "SELECT";
    await (isChoice ? field.selectOption(value) : field.fill(value));
  }
  await page.getByRole("button", { name: "New cache" }).click();
}

/** Opens the form of a load. */
export async function openLoad(page: Page): Promise<void> {
  await tab(page, "compare");
  await page.locator("#custom").evaluate((details: HTMLDetailsElement) => {
    details.open = true;
  });
}

/** Runs a load with these numbers to its end. */
export async function runLoad(page: Page, numbers: Record<string, number>): Promise<void> {
  await openLoad(page);
  for (const [name, number] of Object.entries(numbers)) {
    await page.fill(`#load-${name}`, String(number));
  }
  await page.click("#load-run");
  await shows(page, "#load-status", "operations done");
}

/** The state digest, as the share dialog has it. */
export async function digest(page: Page): Promise<string> {
  await page.locator("#share-open").evaluate((button: HTMLElement) => button.click());
  const text = await shows(page, "#share-digest", /^[0-9a-f]{16}$/);
  await page.locator("#share [data-close]").click();
  return text;
}

/** The digest of the moment that is shown, and the moment, in seconds: not the present. */
export async function shownDigest(
  page: Page,
  at?: number,
): Promise<{ digest: string; at: number }> {
  // Drawn together, so they belong together.
  const shown = await page.waitForFunction((at) => {
    const track = document.querySelector("#track");
    if (track?.ariaBusy === "true" || !/paused/.test(track?.ariaValueText ?? "")) return undefined;
    const now = Number(track?.ariaValueNow);
    if (at !== undefined && Math.abs(now - at) > 0.11) return undefined;
    return { digest: document.querySelector("#stat-digest")?.textContent ?? "", at: now };
  }, at);
  return (await shown.jsonValue()) as { digest: string; at: number };
}
