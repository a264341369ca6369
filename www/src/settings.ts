// The settings of the cache: those that the server has. Others mean another, empty cache.

import { element } from "./dom.ts";
import { defaults, Engine, type Settings } from "./engine.ts";
import type { Stage } from "./stage.ts";
import { sentence } from "./units.ts";

export class SettingsDialog {
  readonly #stage: Stage;
  readonly #dialog = element<HTMLDialogElement>("#settings");
  readonly #problem = element("#settings-problem");
  #settings: Settings;

  constructor(stage: Stage, settings: Settings) {
    this.#stage = stage;
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
      // The sizes that fit follow from the memory.
      this.#sizes.value = defaults(this.#memory()).slabSizes.join(", ");
    });
    element("#settings-server").addEventListener("click", () => {
      this.#fill({ ...defaults(64 << 20), maxItems: 1000 });
    });
    element("#reset").addEventListener("click", () => this.reset());
  }

  /** What the cache on the stage is made from. */
  get current(): Settings {
    return this.#settings;
  }

  /** Notes that the cache on the stage is made from these. */
  set current(settings: Settings) {
    this.#settings = settings;
  }

  /** Begins anew with an empty cache. */
  reset(): void {
    this.#stage.replace(Engine.create(this.#settings));
  }

  get #sizes(): HTMLInputElement {
    return element<HTMLInputElement>("#settings-sizes");
  }

  #memory(): number {
    return Math.round(Number(element<HTMLInputElement>("#settings-memory").value) * 1024);
  }

  #fill(settings: Settings): void {
    this.#problem.textContent = "";
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
      this.#stage.replace(Engine.create(settings));
      this.#settings = settings;
      this.#dialog.close();
    } catch (error) {
      this.#problem.textContent = sentence(error);
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

/** The numbers of a list, with commas or blanks between them. Throws if there are others. */
export function sizesOf(list: string): number[] {
  return list
    .split(/[\s,]+/)
    .filter(Boolean)
    .map((word) => {
      if (/^\d{1,9}$/.test(word)) return Number(word);
      throw new Error(`“${word}” is no size: sizes are whole numbers, with commas between them`);
    });
}
