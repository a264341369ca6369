import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { defineConfig, type Plugin } from "vite";

/** Writes `worker.js`, which caches the files of this build for offline use. */
function offline(): Plugin {
  return {
    name: "offline",
    apply: "build",
    generateBundle(_, bundle) {
      const files = ["./", ...Object.keys(bundle).filter((name) => name !== "index.html")];
      const contents = Object.values(bundle).map((file) =>
        file.type === "asset" ? file.source : file.code,
      );
      const hash = contents.reduce((hash, text) => hash.update(text), createHash("sha256"));
      const source = readFileSync("src/worker.js", "utf8")
        .replace("FILES", JSON.stringify(files))
        .replace("VERSION", JSON.stringify(hash.digest("hex").slice(0, 16)));
      this.emitFile({ type: "asset", fileName: "worker.js", source });
    },
  };
}

/** Removes `crossorigin`: a page opened as a file gets its style, and can show what is wrong. */
function sameOrigin(): Plugin {
  const handler = (html: string) => html.replaceAll(" crossorigin", "");
  return { name: "same-origin", apply: "build", transformIndexHtml: { order: "post", handler } };
}

export default defineConfig({
  // Relative, so that the built page works in any folder of any host.
  base: "./",
  plugins: [offline(), sameOrigin()],
  build: {
    // No inlined assets: the page's content policy allows no `data:` URLs.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
});
