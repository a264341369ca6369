// Beside a few enlarged pages: the whole memory, small, and the order of the items.

import { element, make, surface, write } from "../dom.ts";
import { ITEM, NONE, PAGE } from "../snapshot.ts";
import { bytes, count, seconds } from "../units.ts";
import { fit, Layout } from "./layout.ts";
import { paint, placeOf, type Scene, UNUSED } from "./paint.ts";

/** The most items that are listed. */
const LISTED_MAX = 8;
const [WIDTH, HEIGHT] = [244, 150];

export class Overview {
  readonly #element = element("#overview");
  readonly #canvas = element<HTMLCanvasElement>("#overview canvas");
  readonly #list = element("#overview-order");
  /** The last item that was evicted, and is still of interest. */
  evicted: () => { id: string; text: string } | undefined = () => undefined;

  draw(layout: Layout, scene: Scene, pages: number, current: string | undefined): void {
    this.#element.hidden = !layout.isEnlarged;
    if (!layout.isEnlarged) return;
    const { snapshot, pageSize, palette } = scene;
    const shape = fit(pages, WIDTH, HEIGHT) ?? fit(snapshot.pages.length / PAGE, WIDTH, HEIGHT);
    if (shape !== undefined) {
      const all = Array.from({ length: pages }, (_, page) => page);
      const whole = new Layout(shape, WIDTH, all, false);
      const context = surface(this.#canvas, whole.width + 4, whole.height + 4);
      context.translate(2, 2);
      paint(context, whole, { ...scene, mode: "idle" });
      context.strokeStyle = palette.ink;
      context.lineWidth = 1.5;
      for (const page of layout.pages) {
        const at = whole.page(page);
        if (at !== undefined) context.strokeRect(at.x - 1, at.y - 1, at.width + 2, at.height + 2);
      }
    }
    const list =
      layout.pages.length === 1 ? `page ${layout.pages[0]}` : `${layout.pages.length} pages`;
    write(element("#overview-title"), `Enlarged: ${list}, with all items.`);
    let used = 0;
    for (let at = 0; at < snapshot.pages.length; at += PAGE) {
      if (snapshot.pages[at] !== UNUSED) used += 1;
    }
    write(
      element("#overview-text"),
      `${count(pages)} pages of ${bytes(pageSize)}, ${count(pages - used)} of them unused.`,
    );
    this.#order(scene, current);
  }

  #order(scene: Scene, current: string | undefined): void {
    const { snapshot, palette, keyAt, idAt } = scene;
    const all = snapshot.items.length / ITEM;
    element("#overview h3").hidden = all === 0 || all > LISTED_MAX;
    if (all > LISTED_MAX) return this.#list.replaceChildren();
    const rows = Array.from({ length: all }, (_, item) => {
      const [position = NONE, , , , idle = 0] = snapshot.items.subarray(item * ITEM);
      const { fill, text } = palette.labelled(placeOf(scene, item));
      const key = keyAt(position);
      const last = item === all - 1 && all > 1 ? ", next to go" : "";
      const row = make(
        "li",
        { data: { key: idAt(position) } },
        make("code", { textContent: key.slice(0, 40) }),
        make("span", { textContent: `idle ${seconds(idle)}${last}` }),
      );
      row.style.background = fill;
      row.style.color = text;
      row.classList.toggle("linked", row.dataset.key === current);
      return row;
    });
    const gone = this.evicted();
    if (gone !== undefined && all > 0 && all < LISTED_MAX) {
      const key = make("code", { textContent: gone.text });
      rows.push(make("li", { className: "gone" }, key, make("span", { textContent: "evicted" })));
    }
    this.#list.replaceChildren(...rows);
  }
}
