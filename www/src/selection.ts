// The item that is highlighted everywhere: the one under the pointer, else the one that was chosen.

/** The time that the pointer has to stay, in milliseconds. */
const HOVER = 60;

/** A key as text, byte for byte, for comparisons and `data-key`. */
export function idOf(key: Uint8Array): string {
  let id = "";
  for (const byte of key) id += String.fromCharCode(byte);
  return id;
}

/** The bytes of such a text. */
export function keyOf(id: string): Uint8Array {
  return Uint8Array.from(id, (char) => char.charCodeAt(0));
}

export class Selection {
  #chosen: string | undefined;
  #hovered: string | undefined;
  #timer = 0;
  readonly #onChange = new Set<() => void>();

  /** Every element with `data-key` is a link to its item, wherever it is. */
  constructor() {
    document.addEventListener("pointerover", (event) => {
      if (event.pointerType !== "mouse") return;
      const target = event.target as Element;
      if (target.closest("#map") === null) this.hover(linkOf(target)?.dataset.key);
    });
    // What was there when the button went down is meant: a live list moves on meanwhile.
    let pressed: string | undefined;
    document.addEventListener("pointerdown", (event) => {
      pressed = linkOf(event.target as Element)?.dataset.key;
    });
    document.addEventListener("click", (event) => {
      const target = event.target as Element;
      const link = linkOf(target);
      if (link === undefined || (getSelection()?.toString() ?? "") !== "") return;
      // A click of the keyboard has no button that went down.
      this.choose(event.detail > 0 ? (pressed ?? link.dataset.key) : link.dataset.key);
    });
  }

  onChange(call: () => void): void {
    this.#onChange.add(call);
  }

  /** The item that was chosen; it stays until Escape. */
  get chosen(): string | undefined {
    return this.#chosen;
  }

  /** The highlighted item. */
  get current(): string | undefined {
    return this.#hovered ?? this.#chosen;
  }

  choose(id: string | undefined): void {
    this.#hovered = undefined;
    clearTimeout(this.#timer);
    if (this.#chosen === id) return;
    this.#chosen = id;
    this.#changed();
  }

  hover(id: string | undefined): void {
    clearTimeout(this.#timer);
    if (id === this.#hovered) return;
    this.#timer = window.setTimeout(() => {
      this.#hovered = id;
      this.#changed();
    }, HOVER);
  }

  /** Marks the elements of the highlighted item. */
  mark(): void {
    const id = this.current;
    for (const link of document.querySelectorAll<HTMLElement>("[data-key]")) {
      link.classList.toggle("linked", id !== undefined && link.dataset.key === id);
    }
  }

  #changed(): void {
    this.mark();
    for (const call of this.#onChange) call();
  }
}

function linkOf(target: Element): HTMLElement | undefined {
  return target.closest<HTMLElement>("[data-key]") ?? undefined;
}
