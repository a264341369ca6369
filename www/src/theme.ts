// The theme: light, dark, or the system's.

import { element } from "./dom.ts";

const STORED = "dynamidb-theme";
const NEXT: Record<string, string> = { auto: "light", light: "dark", dark: "auto" };

/** Makes the button cycle through the themes; calls back when the colours change. */
export function themes(changed: () => void): void {
  const button = element("#theme");
  const apply = (theme: string) => {
    document.documentElement.dataset.theme = theme;
    element("#theme span").textContent = `Theme: ${theme}`;
    button.title = `Theme: ${theme}`;
    changed();
  };
  button.addEventListener("click", () => {
    const theme = NEXT[document.documentElement.dataset.theme ?? "auto"] ?? "auto";
    try {
      localStorage.setItem(STORED, theme);
    } catch {
      // Without storage, the theme lasts as long as the page.
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
