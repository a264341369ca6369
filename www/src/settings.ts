// The settings dialog. The settings are the server's; new ones start a new, empty cache.

import { element } from "./dom.ts";
import { defaults, Engine, type Settings } from "./engine.ts";
import type { Model } from "./model.ts";
import { sentence } from "./units.ts";

export class SettingsDialog {
  readonly #model: Model;
  readonly #dialog = element<HTMLDialogElement>("#settings");
  readonly #error = element("#settings-error");
  #settings: Settings;

  /** Called when the visitor has made a new cache. */
  onApply: () => void = () => {};

  constructor(model: Model, settings: Settings) {
    this.#model = model;
    this.#settings = settings;
    element("#settings-open").addEventListener("click", () => {
      this.#fill(this.#settings);
      this.#dialog.showModal();
    });
    element<HTMLFormElement>("#settings form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#apply();
    });
    element("#settings-memory").addEventListener("change", () => {
      // The default slab sizes depend on the memory.
      this.#sizes.value = defaults(this.#memory()).slabSizes.join(", ");
    });
    element("#settings-server").addEventListener("click", () => {
      this.#fill({ ...defaults(64 << 20), maxItems: 1000 });
    });
  }

  /** The settings of the current cache. */
  get current(): Settings {
    return this.#settings;
  }

  /** Records the settings of a cache that was replaced elsewhere. */
  set current(settings: Settings) {
    this.#settings = settings;
  }

  /** Starts a new, empty cache. */
  reset(): void {
    this.#model.replace(Engine.create(this.#settings));
  }

  get #sizes(): HTMLInputElement {
    return element<HTMLInputElement>("#settings-sizes");
  }

  #memory(): number {
    return Math.round(Number(element<HTMLInputElement>("#settings-memory").value) * 1024);
  }

  #fill(settings: Settings): void {
    this.#error.textContent = "";
    const set = (name: string, value: string) => {
      element<HTMLInputElement | HTMLSelectElement>(`#settings-${name}`).value = value;
    };
    set("memory", String(settings.memory / 1024));
    set("items", settings.maxItems === undefined ? "" : String(settings.maxItems));
    set("largest", String(settings.itemSizeMax / 1024));
    set("sizes", settings.slabSizes.join(", "));
    set("policy", settings.policy);
    set("dialect", settings.dialect);
  }

  #apply(): void {
    try {
      const settings = this.#read();
      this.#model.replace(Engine.create(settings));
      this.#settings = settings;
      this.#dialog.close();
      this.onApply();
    } catch (error) {
      this.#error.textContent = sentence(error);
    }
  }

  #read(): Settings {
    const value = (name: string) =>
      element<HTMLInputElement | HTMLSelectElement>(`#settings-${name}`).value.trim();
    const items = value("items");
    return {
      memory: this.#memory(),
      maxItems: items === "" ? undefined : Number(items),
      itemSizeMax: Math.round(Number(value("largest")) * 1024),
      slabSizes: sizesOf(value("sizes")),
      policy: value("policy") as Settings["policy"],
      dialect: value("dialect") as Settings["dialect"],
    };
  }
}

/** Parses a list of sizes, separated by commas or blanks. Throws if one is not a size. */
export function sizesOf(list: string): number[] {
  return list
    .split(/[\s,]+/)
    .filter(Boolean)
    .map((word) => {
      if (/^\d{1,9}$/.test(word)) return Number(word);
      throw new Error(`“${word}” is not a size: sizes are whole numbers, separated by commas`);
    });
}
