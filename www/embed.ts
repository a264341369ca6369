// Copies the built dashboard to where the server has it, compressed: `npm run dashboard`. A file
// whose content is the same stays as it is, because zlib’s output differs between versions.

import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";

const [BUILT, EMBEDDED] = ["dist-dashboard", "../native/src/server/admin_port/dashboard"];
/** The font is part of the program, so its license is as well. */
const LICENSE = "OFL.txt";

mkdirSync(EMBEDDED, { recursive: true });
const names = readdirSync(BUILT);
for (const name of names) {
  const [content, path] = [readFileSync(join(BUILT, name)), join(EMBEDDED, `${name}.gz`)];
  if (existsSync(path) && gunzipSync(readFileSync(path)).equals(content)) continue;
  const compressed = gzipSync(content, { level: 9 });
  writeFileSync(path, compressed);
  console.log(`${path}: ${compressed.length} bytes`);
}
writeFileSync(join(EMBEDDED, LICENSE), readFileSync(join("src/font", LICENSE)));
const kept = [...names.map((name) => `${name}.gz`), LICENSE];
for (const name of readdirSync(EMBEDDED)) {
  if (!kept.includes(name)) rmSync(join(EMBEDDED, name));
}
