import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { defineConfig, type Plugin, type UserConfig } from "vite";

/** The picture of a link to the page, which the page itself does not need. */
const PREVIEW = "preview.png";
/** The page's address, if `SITE` says it: a link's picture needs a whole URL. */
const SITE = process.env.SITE;

/** Writes `worker.js`, which caches the files of this build for offline use. */
function offline(): Plugin {
  return {
    name: "offline",
    apply: "build",
    generateBundle(_, bundle) {
      const built = Object.keys(bundle).filter((name) => name !== "index.html");
      const kept = readdirSync("public").filter((name) => name !== PREVIEW);
      const files = ["./", ...built, ...kept];
      const contents = Object.values(bundle).map((file) =>
        file.type === "asset" ? file.source : file.code,
      );
      contents.push(...kept.map((name) => readFileSync(`public/${name}`)));
      const hash = contents.reduce((hash, text) => hash.update(text), createHash("sha256"));
      const source = readFileSync("src/worker.js", "utf8")
        .replace("FILES", JSON.stringify(files))
        .replace("VERSION", JSON.stringify(hash.digest("hex").slice(0, 16)));
      this.emitFile({ type: "asset", fileName: "worker.js", source });
    },
  };
}

/** Makes the URL of the picture absolute. */
function picture(): Plugin {
  const handler = (html: string) =>
    SITE === undefined ? html : html.replace(`./${PREVIEW}`, new URL(PREVIEW, SITE).href);
  return { name: "picture", apply: "build", transformIndexHtml: { order: "post", handler } };
}

/** Removes `crossorigin`: a page opened as a file gets its style, and can show what is wrong. */
function sameOrigin(): Plugin {
  const handler = (html: string) => html.replaceAll(" crossorigin", "");
  return { name: "same-origin", apply: "build", transformIndexHtml: { order: "post", handler } };
}

/** The playground: a static page, which works in any folder of any host. */
const playground: UserConfig = {
  base: "./",
  plugins: [offline(), picture(), sameOrigin()],
  build: {
    // No inlined assets: the page's content policy allows no `data:` URLs.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
};

/** The dashboard: a few files with fixed names, which the server has in its binary. */
const dashboard: UserConfig = {
  base: "/",
  publicDir: false,
  plugins: [sameOrigin()],
  build: {
    outDir: "dist-dashboard",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rollupOptions: {
      input: "dashboard.html",
      output: {
        entryFileNames: "dashboard.js",
        assetFileNames: "[name][extname]",
      },
    },
  },
};

export default defineConfig(({ mode }) => (mode === "dashboard" ? dashboard : playground));
