// Measures the page on this machine: `make bench-www`. This is not a test.

import { execFileSync } from "node:child_process";
import { openLoad, runLoad, settings, shows, startOver, tab } from "./actions.ts";
import { Site } from "./browser.ts";

const site = await Site.open();
const page = await site.visit();
const ready = await page.evaluate(() => {
  const [navigation] = performance.getEntriesByType("navigation");
  return Number(document.body.dataset.ready) - (navigation?.startTime ?? 0);
});
console.log(`ready for typing: ${Math.round(ready)} ms after navigation`);

await openLoad(page);
await page.click("#measure");
await shows(page, "#measured", "gets per second");
const inPage = Number(await page.locator("#measured").getAttribute("data-rate"));
const command = ["run", "-q", "--release", "--locked", "-p", "dynamidb-web", "--example", "gets"];
const native = Number(execFileSync("cargo", command, { cwd: "..", encoding: "utf8" }));
const ratio = (inPage / native).toFixed(2);
console.log(`gets per second: ${inPage} in the page, ${native} natively; ratio ${ratio}`);

// The busy cache of the first visit, then ten times as many requests.
const session = await page.context().newCDPSession(page);
await session.send("Performance.enable");
const busy = async () => {
  const { metrics } = await session.send("Performance.getMetrics");
  const value = (name: string) => metrics.find((metric) => metric.name === name)?.value ?? 0;
  return { task: value("TaskDuration"), at: value("Timestamp") };
};
await tab(page, "order");
for (const speed of ["×1", "×10"]) {
  await page.getByLabel(speed, { exact: true }).check({ force: true });
  await page.waitForTimeout(1000);
  const before = await busy();
  await page.waitForTimeout(10_000);
  const after = await busy();
  const share = (100 * (after.task - before.task)) / (after.at - before.at);
  console.log(`main thread at ${speed} of 300 requests a second: ${share.toFixed(0)} %`);
}
await startOver(page);

// Items change all the time, so each frame has something to draw.
await settings(page, { memory: "2300" });
await runLoad(page, { operations: 100_000, keys: 30_000, skew: 0, sizeMin: 32, sizeMax: 256 });
const items = await shows(page, "#stat-items", /^10,[0-4]/);
await page.fill("#load-operations", "100000000");
await page.click("#load-run");
const frames = await page.evaluate(async () => {
  const gaps: number[] = [];
  let before = performance.now();
  while (gaps.length < 300) {
    const now = await new Promise<number>((resolve) => requestAnimationFrame(resolve));
    gaps.push(now - before);
    before = now;
  }
  gaps.sort((a, b) => a - b);
  return { mean: gaps.reduce((sum, gap) => sum + gap) / gaps.length, worst: gaps.at(-1) ?? 0 };
});
await page.locator("#load-stop").click();
await shows(page, "#load-status", "operations done");
const slice = await page.locator("#load-status").getAttribute("data-longest");
const [rate, worst] = [(1000 / frames.mean).toFixed(0), frames.worst.toFixed(0)];
console.log(`${items} items under load: ${rate} frames per second, longest gap ${worst} ms`);
console.log(`longest slice of that load: ${slice} ms`);
await site.close();
