import { defineConfig } from "vite";

export default defineConfig({
  // Relative, so that the built page works in any folder of any host.
  base: "./",
  build: {
    // Every asset is a file of its own: the page's content policy allows no `data:` addresses.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
});
