// The output of `npm run build`: its size, and the module's imports.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { gzipSync } from "node:zlib";

const ASSETS = "dist/assets";
/** Limits of what a visitor downloads, in kilobytes of gzip. */
const BUDGETS = [
  { kinds: [".wasm"], kilobytes: 76 },
  { kinds: [".js", ".css"], kilobytes: 80 },
  { kinds: [".woff2"], kilobytes: 30 },
];

function assets(kind: string): Buffer<ArrayBuffer>[] {
  const names = readdirSync(ASSETS).filter((name) => name.endsWith(kind));
  assert.notEqual(names.length, 0, `no ${kind} in ${ASSETS}: run \`npm run build\` first`);
  return names.map((name) => readFileSync(join(ASSETS, name)));
}

for (const { kinds, kilobytes } of BUDGETS) {
  test(`all ${kinds.join(" and ")} together stay below ${kilobytes} kB gzipped`, (t) => {
    const size =
      kinds.flatMap(assets).reduce((sum, bytes) => sum + gzipSync(bytes).length, 0) / 1000;
    t.diagnostic(`${size.toFixed(1)} kB`);
    assert.ok(size <= kilobytes, `${size.toFixed(1)} kB`);
  });
}

test("the module imports nothing but wasm-bindgen's glue", async () => {
  for (const bytes of assets(".wasm")) {
    const imports = WebAssembly.Module.imports(await WebAssembly.compile(bytes));
    const foreign = imports.filter(
      ({ module, name }) => module !== "./dynamidb_web_bg.js" || !/^__wb(g|indgen)_/.test(name),
    );
    assert.deepEqual(foreign, []);
  }
});
