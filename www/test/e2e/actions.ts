// Actions of visitors, and what the page then shows.

import type { Page } from "playwright-core";

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
  if ((await button.textContent()) === "Pause") await button.click();
}

/** Waits until an element has this text, and returns it. */
export async function shows(page: Page, selector: string, text: string | RegExp): Promise<string> {
  const found = page.locator(selector).filter({ hasText: text });
  await found.first().waitFor();
  return (await found.first().textContent()) ?? "";
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

/** Runs a load with these numbers to its end. */
export async function runLoad(page: Page, numbers: Record<string, number>): Promise<void> {
  for (const [name, number] of Object.entries(numbers)) {
    await page.fill(`#load-${name}`, String(number));
  }
  await page.click("#load-run");
  await shows(page, "#load-status", "operations done");
}

/** The state digest; the clock has to be paused. */
export async function digest(page: Page): Promise<string> {
  return shows(page, "#stat-digest", /^[0-9a-f]{16}$/);
}
