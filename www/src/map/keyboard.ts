// The map with the keyboard: arrows move from chunk to chunk, with Control from page to page.

import type { Cell } from "./cells.ts";
import { gridOf, type Layout } from "./layout.ts";

interface Target {
  layout: () => Layout | undefined;
  chunks: (page: number) => number;
  moved: (cell: Cell | undefined) => void;
  open: (cell: Cell) => void;
}

export class Keyboard {
  readonly #target: Target;
  /** Where the cursor is, while the map has the focus. */
  cell: Cell | undefined;

  constructor(map: HTMLElement, target: Target) {
    this.#target = target;
    map.addEventListener("keydown", (event) => this.#key(event));
    map.addEventListener("focus", () => {
      if (!map.matches(":focus-visible")) return;
      const first = target.layout()?.pages[0];
      if (first !== undefined) this.#move({ page: first, chunk: 0 });
    });
    map.addEventListener("blur", () => {
      this.cell = undefined;
    });
  }

  #move(cell: Cell): void {
    this.cell = cell;
    this.#target.moved(cell);
  }

  #key(event: KeyboardEvent): void {
    const cell = this.cell;
    if (event.key === "Enter" && cell !== undefined) return this.#target.open(cell);
    const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[
      event.key
    ];
    const layout = this.#target.layout();
    if (step === undefined || layout === undefined) return;
    event.preventDefault();
    const [across = 0, down = 0] = step;
    const from = cell ?? { page: layout.pages[0] ?? 0, chunk: 0 };
    if (!event.ctrlKey) {
      const chunks = this.#target.chunks(from.page);
      const { columns, rows } = gridOf(chunks);
      const [x, y] = [(from.chunk % columns) + across, Math.floor(from.chunk / columns) + down];
      const chunk = y * columns + x;
      if (x >= 0 && x < columns && y >= 0 && y < rows && chunk < chunks) {
        return this.#move({ page: from.page, chunk });
      }
    }
    const place = layout.pages.indexOf(from.page) + across + down * layout.columns;
    const page = layout.pages[place];
    if (page === undefined) return;
    const chunks = this.#target.chunks(page);
    const { columns, rows } = gridOf(chunks);
    const isBack = across + down < 0;
    const last = isBack ? (across !== 0 ? columns - 1 : (rows - 1) * columns) : 0;
    this.#move({ page, chunk: Math.min(chunks - 1, event.ctrlKey ? 0 : last) });
  }
}
