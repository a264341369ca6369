// Wires the parts of the page. All state that they share is here.

import { Engine, type Limits } from "./engine.ts";
import { Terminal } from "./terminal.ts";

/** The server's defaults. */
const limits: Limits = { memory: 64 << 20, maxItems: 1000 };

/** How often expired items are given back and the figures brought up to date, in milliseconds. */
const UPKEEP_INTERVAL = 1000;

function element<T extends Element>(selector: string): T {
  const found = document.querySelector<T>(selector);
  if (found === null) throw new Error(`the page has no ${selector}`);
  return found;
}

async function start(): Promise<void> {
  const engine = await Engine.start(limits);
  const items = element("#items");
  const showItems = () => {
    items.textContent = `${engine.items} of ${limits.maxItems} items`;
  };
  const input = element<HTMLInputElement>("#line");
  const terminal = new Terminal(
    engine,
    {
      log: element("#log"),
      form: element("#prompt"),
      label: element("#prompt label"),
      input,
      hint: element("#hint"),
    },
    showItems,
  );

  for (const button of document.querySelectorAll("#examples button")) {
    const lines = button.querySelector("code")?.textContent.split("\n") ?? [];
    button.addEventListener("click", () => terminal.say(lines));
  }
  for (const control of document.querySelectorAll(":disabled")) control.removeAttribute("disabled");
  setInterval(() => {
    engine.tick();
    showItems();
  }, UPKEEP_INTERVAL);
  showItems();
  input.focus({ preventScroll: true });
}

try {
  await start();
  document.body.dataset.ready = "";
} catch (error) {
  element("#items").textContent = "The engine could not start";
  element("#hint").textContent = "This page needs a browser with WebAssembly, and a server.";
  throw error;
}
