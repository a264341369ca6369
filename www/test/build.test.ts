// The output of `npm run build`: its size, and the module's imports.

import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { gunzipSync, gzipSync } from "node:zlib";

const ASSETS = "dist/assets";
/** Limits of what a visitor downloads, in kilobytes of gzip. */
const BUDGETS = [
  // The policy `density` takes 2.6 of them, flushes by prefix 3.3, hot keys and advice 8,
  // `stats detail` 3.3.
  { what: "the first engine", names: /^dynamidb_web.*\.wasm$/, kilobytes: 87 },
  // The same, and what is seldom used: the calculator takes 2 of them, snapshots 5.
  { what: "the full engine", names: /^dynamidb_full.*\.wasm$/, kilobytes: 95 },
  { what: "all scripts and styles", names: /\.(js|css)$/, kilobytes: 80 },
  { what: "the font", names: /\.woff2$/, kilobytes: 30 },
];

function assets(names: RegExp): Buffer<ArrayBuffer>[] {
  const found = readdirSync(ASSETS).filter((name) => names.test(name));
  assert.notEqual(found.length, 0, `no ${names} in ${ASSETS}: run \`npm run build\` first`);
  return found.map((name) => readFileSync(join(ASSETS, name)));
}

for (const { what, names, kilobytes } of BUDGETS) {
  test(`${what}: at most ${kilobytes} kB gzipped`, (t) => {
    const size = assets(names).reduce((sum, bytes) => sum + gzipSync(bytes).length, 0) / 1000;
    t.diagnostic(`${size.toFixed(1)} kB`);
    assert.ok(size <= kilobytes, `${size.toFixed(1)} kB`);
  });
}

test("there is no other engine than these two", () => {
  assert.equal(assets(/\.wasm$/).length, 2);
});

const GLUE = /^\.\/dynamidb_(web|full)_bg\.js$/;

test("the engines import nothing but wasm-bindgen's glue", async () => {
  for (const bytes of assets(/\.wasm$/)) {
    const imports = WebAssembly.Module.imports(await WebAssembly.compile(bytes));
    const foreign = imports.filter(
      ({ module, name }) => !GLUE.test(module) || !/^__wb(g|indgen)_/.test(name),
    );
    assert.deepEqual(foreign, []);
  }
});

test("the page can be installed, and all that its manifest and head name is there", () => {
  const html = readFileSync("dist/index.html", "utf8");
  const named = [...html.matchAll(/(?:href|src|content)="\.\/([^"]+)"/g)].map(([, name]) => name);
  const manifest = JSON.parse(readFileSync("dist/manifest.webmanifest", "utf8"));
  const icons = manifest.icons as { src: string; sizes: string; purpose?: string }[];
  for (const name of ["manifest.webmanifest", "preview.png", "icon-192.png"])
    assert.ok(named.includes(name), `${name} is not named`);
  for (const name of [...named, ...icons.map(({ src }) => src)])
    assert.ok(existsSync(join("dist", name ?? "")), `${name} is missing`);
  for (const { src, sizes } of icons) {
    const png = readFileSync(join("dist", src));
    assert.equal(`${png.readUInt32BE(16)}x${png.readUInt32BE(20)}`, sizes, src);
  }
  assert.ok(icons.some(({ purpose }) => purpose === "maskable"));
  assert.deepEqual([manifest.start_url, manifest.scope], ["./", "./"]);
  // What the page needs without a network; the picture of a link is not among it.
  const worker = readFileSync("dist/worker.js", "utf8");
  for (const { src } of icons) assert.ok(worker.includes(`"${src}"`), src);
  assert.ok(!worker.includes("preview.png"));
});

test("nothing in the page comes from another host", () => {
  const html = readFileSync("dist/index.html", "utf8");
  assert.deepEqual(html.match(/(?:href|src|content)="(?:https?:)?\/\/[^"]*"/g), null);
});

test("the dashboard in the server is the one that is built, and stays below 60 kB gzipped", (t) => {
  const [built, embedded] = ["dist-dashboard", "../native/src/server/admin_port/dashboard"];
  const names = readdirSync(built);
  assert.notEqual(names.length, 0, `nothing in ${built}: run \`npm run build\` first`);
  const kept = [...names.map((name) => `${name}.gz`), "OFL.txt"];
  assert.deepEqual(readdirSync(embedded).sort(), kept.sort(), "run `make dashboard`");
  let size = 0;
  for (const name of names) {
    const compressed = readFileSync(join(embedded, `${name}.gz`));
    size += compressed.length;
    const isSame = gunzipSync(compressed).equals(readFileSync(join(built, name)));
    assert.ok(isSame, `${name} is not what the sources make: run \`make dashboard\``);
  }
  t.diagnostic(`${(size / 1000).toFixed(1)} kB`);
  assert.ok(size <= 60_000, `${size} bytes`);
});
