// The keys of the page. Single letters work outside of inputs only, and can be switched off.

import { element, make } from "./dom.ts";

const STORED = "dynamidb-keys";

/** What the keys do. */
export interface Actions {
  prompt: () => void;
  escape: () => void;
  playOrPause: () => void;
  step: (millis: number) => void;
  live: () => void;
  nextExpiry: () => void;
  colour: (at: number) => void;
  tab: (at: number) => void;
  client: (client: number) => void;
}

const LIST: readonly [string, string][] = [
  ["/", "to the prompt"],
  ["Escape", "leave the prompt, the chosen item, a dialog, the lesson"],
  ["Space", "play or pause"],
  [", .", "a second back or forward"],
  ["L", "back to live"],
  ["N", "next expiry"],
  ["1 2 3", "colour by idle time, expiry, size and waste"],
  ["Alt 1 … 6", "tabs"],
  ["Alt A, Alt B", "client"],
  ["Arrows in the map", "from chunk to chunk, with Control from page to page"],
  ["Enter in the map", "see every byte"],
  ["Tab", "completes a command, if something is typed"],
  ["Up, Down", "history"],
  ["?", "this list"],
];

export function keys(actions: Actions): void {
  const dialog = element<HTMLDialogElement>("#keys");
  const isOn = element<HTMLInputElement>("#keys-on");
  isOn.checked = stored();
  isOn.addEventListener("change", () => {
    try {
      localStorage.setItem(STORED, isOn.checked ? "on" : "off");
    } catch {
      // Without storage, the choice lasts as long as the page.
    }
  });
  element("#keys-list").append(
    ...LIST.flatMap(([key, text]) => [
      make("dt", { textContent: key }),
      make("dd", { textContent: text }),
    ]),
  );
  element("#keys-open").addEventListener("click", () => dialog.showModal());
  const single: Record<string, () => void> = {
    "/": actions.prompt,
    " ": actions.playOrPause,
    ",": () => actions.step(-1000),
    ".": () => actions.step(1000),
    l: actions.live,
    n: actions.nextExpiry,
    "?": () => dialog.showModal(),
  };
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || document.querySelector("dialog[open]") !== null) return;
    if (event.key === "Escape") return actions.escape();
    const act = event.altKey ? withAlt(event, actions) : single[event.key.toLowerCase()];
    const isTyping = (event.target as Element).matches(
      "input:not([type=radio], [type=checkbox]), select, textarea",
    );
    if (!event.altKey) {
      if (isTyping || !isOn.checked || event.ctrlKey || event.metaKey) return;
      // A button or a link that has the focus acts on Space itself.
      const isControl = (event.target as Element).matches("button, a, summary, input");
      if (event.key === " " && isControl) return;
      const digit = "123".indexOf(event.key);
      if (digit >= 0 && event.key.length === 1) {
        event.preventDefault();
        return actions.colour(digit);
      }
    }
    if (act === undefined) return;
    event.preventDefault();
    act();
  });
}

function withAlt(event: KeyboardEvent, actions: Actions): (() => void) | undefined {
  const digit = /^Digit([1-6])$/.exec(event.code)?.[1];
  if (digit !== undefined) return () => actions.tab(Number(digit));
  const client = ["KeyA", "KeyB"].indexOf(event.code);
  return client >= 0 ? () => actions.client(client) : undefined;
}

function stored(): boolean {
  try {
    return localStorage.getItem(STORED) !== "off";
  } catch {
    return true;
  }
}
