// The tabs below the map. On a phone the terminal is one of them.

const NAMES = ["terminal", "order", "wire", "removals", "wheel", "compare"] as const;
export type TabName = (typeof NAMES)[number];

export class Tabs {
  readonly #tabs = NAMES.map((name) => {
    const tab = document.querySelector<HTMLElement>(`#tab-${name}`);
    if (tab === null) throw new Error(`no tab ${name}`);
    return { name, tab, panel: document.querySelector<HTMLElement>(`#panel-${name}`) };
  });
  readonly #changed: () => void;
  readonly #narrow = matchMedia("(max-width: 759.9px)");
  #current: TabName = "order";

  /** `changed` is called when another panel is shown. */
  constructor(changed: () => void) {
    this.#changed = changed;
    for (const { name, tab } of this.#tabs) {
      tab.addEventListener("click", () => this.open(name));
      tab.addEventListener("keydown", (event) => this.#key(event));
    }
    this.#narrow.addEventListener("change", () => this.#fit());
    this.#fit();
  }

  get current(): TabName {
    return this.#current;
  }

  open(name: TabName): void {
    this.#current = name;
    document.body.dataset.tab = name;
    for (const one of this.#tabs) {
      const isOpen = one.name === name;
      one.tab.ariaSelected = String(isOpen);
      one.tab.tabIndex = isOpen ? 0 : -1;
      if (one.panel !== null) one.panel.hidden = !isOpen;
    }
    this.#changed();
  }

  /** On a phone the terminal comes first; elsewhere it is beside the tabs. */
  #fit(): void {
    if (this.#narrow.matches) this.open("terminal");
    else this.open(this.#current === "terminal" ? "order" : this.#current);
  }

  #key(event: KeyboardEvent): void {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    const shown = this.#tabs.filter(({ tab }) => tab.offsetParent !== null);
    const at = shown.findIndex(({ name }) => name === this.#current);
    const next = shown[(at + step + shown.length) % shown.length];
    if (next === undefined) return;
    this.open(next.name);
    next.tab.focus();
  }
}
