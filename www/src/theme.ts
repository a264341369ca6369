// Light, dark, or as the system is.

import { element } from "./dom.ts";

const STORED = "dynamidb-theme";
const NEXT: Record<string, string> = { auto: "light", light: "dark", dark: "auto" };

/** Lets a button go through the themes; calls back when the colours are others. */
export function themes(changed: () => void): void {
  const button = element("#theme");
  const apply = (theme: string) => {
    document.documentElement.dataset.theme = theme;
    button.textContent =
      { auto: "Theme: auto", light: "Theme: light", dark: "Theme: dark" }[theme] ?? "";
    changed();
  };
  button.addEventListener("click", () => {
    const theme = NEXT[document.documentElement.dataset.theme ?? "auto"] ?? "auto";
    try {
      localStorage.setItem(STORED, theme);
    } catch {
      // It lasts as long as the page.
    }
    apply(theme);
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", changed);
  apply(stored());
}

function stored(): string {
  try {
    const theme = localStorage.getItem(STORED) ?? "auto";
    return theme in NEXT ? theme : "auto";
  } catch {
    return "auto";
  }
}
