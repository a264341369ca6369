// The built page in a real browser: finds one on this machine, serves `dist` and opens it.

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { after, afterEach } from "node:test";
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import { type PreviewServer, preview } from "vite";

const NAMES = ["chromium", "chromium-browser", "google-chrome"];
const ARGS = ["--disable-quic", "--disable-background-networking", "--disable-component-update"];
/** Generous, because a busy machine takes seconds to start a browser. */
const TIMEOUT = 120_000;

/** Waits until this holds. */
export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + TIMEOUT;
  while (!(await holds())) {
    assert.ok(performance.now() < deadline, `never: ${holds}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** The path of the browser: `CHROME` if it is set, else the first one in `PATH`. */
function executablePath(): string {
  if (process.env.CHROME) return process.env.CHROME;
  const folders = (process.env.PATH ?? "").split(delimiter);
  const found = NAMES.flatMap((name) => folders.map((folder) => join(folder, name)));
  const path = found.find((candidate) => existsSync(candidate));
  if (path === undefined) throw new Error(`set CHROME, or install one of ${NAMES.join(", ")}`);
  return path;
}

export function launch(): Promise<Browser> {
  return chromium.launch({ executablePath: executablePath(), args: ARGS });
}

/** A browser and a server for the page that `npm run build` made. */
export class Site {
  readonly url: string;
  readonly browser: Browser;
  /** The pages' errors: exceptions and console errors. */
  readonly errors: string[] = [];
  readonly #server: PreviewServer;

  private constructor(server: PreviewServer, browser: Browser) {
    this.#server = server;
    this.browser = browser;
    this.url = server.resolvedUrls?.local[0] ?? "";
  }

  static async open(): Promise<Site> {
    const server = await preview({ preview: { port: 0, host: "127.0.0.1" }, logLevel: "error" });
    return new Site(server, await launch());
  }

  /** The same for the tests of a file: fails a test whose pages had errors. */
  static async forTests(): Promise<Site> {
    const site = await Site.open();
    afterEach(async () => {
      assert.deepEqual(site.errors.splice(0), []);
      for (const context of site.browser.contexts()) await context.close();
    });
    after(() => site.close());
    return site;
  }

  /** Opens the page, and waits until it accepts commands. */
  async visit(options: BrowserContextOptions = {}, hash = ""): Promise<Page> {
    const page = await this.browser.newPage(options);
    await this.goto(page, hash);
    return page;
  }

  /** Opens the page in an existing tab. */
  async goto(page: Page, hash = ""): Promise<void> {
    page.setDefaultTimeout(TIMEOUT);
    page.on("pageerror", (error) => this.errors.push(String(error)));
    page.on("console", (message) => {
      if (message.type() === "error") this.errors.push(message.text());
    });
    await page.goto(this.url + hash);
    await page.waitForSelector("body[data-ready]");
  }

  async close(): Promise<void> {
    await this.browser.close();
    await this.#server.close();
  }
}
