// Tabs, of which one panel is shown.

export class Tabs<Name extends string> {
  readonly #tabs: { name: Name; tab: HTMLElement; panel: HTMLElement | null }[];
  readonly #changed: () => void;
  #current: Name;

  /** The first of these names is open. `changed` is called when another panel is shown. */
  constructor(names: readonly [Name, ...Name[]], changed: () => void) {
    this.#tabs = names.map((name) => {
      const tab = document.querySelector<HTMLElement>(`#tab-${name}`);
      if (tab === null) throw new Error(`no tab ${name}`);
      return { name, tab, panel: document.querySelector<HTMLElement>(`#panel-${name}`) };
    });
    this.#changed = changed;
    this.#current = names[0];
    for (const { name, tab } of this.#tabs) {
      tab.addEventListener("click", () => this.open(name));
      tab.addEventListener("keydown", (event) => this.#key(event));
    }
  }

  get current(): Name {
    return this.#current;
  }

  open(name: Name): void {
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
