// Tables that are drawn again and again, and what is said where there is nothing to list.

import { make, write } from "./dom.ts";

export interface Column<Row> {
  title: string;
  /** The text of a row, or the length of its bar, from 0 to 1. */
  cell: (row: Row) => string | number;
  isText?: boolean;
}

/** Fills a panel with a table. What is there already is changed in place, so that a click or a
 * selection is not lost. */
export function show<Row>(
  panel: HTMLElement,
  caption: string,
  columns: Column<Row>[],
  rows: Row[],
  keyOf: (row: Row) => string | undefined = () => undefined,
): void {
  const table = panel.querySelector("table") ?? newTable(panel, columns);
  write(table.caption ?? table.createCaption(), caption);
  const body = table.tBodies[0] ?? table.createTBody();
  while (body.rows.length > rows.length) body.rows[body.rows.length - 1]?.remove();
  rows.forEach((row, at) => {
    const line = body.rows[at] ?? body.appendChild(newRow(columns));
    const key = keyOf(row);
    if (key === undefined) delete line.dataset.key;
    else line.dataset.key = key;
    columns.forEach(({ cell }, column) => {
      const place = line.cells[column];
      const value = cell(row);
      if (place === undefined) return;
      if (typeof value === "string") write(place, value);
      else place.style.setProperty("--share", String(Math.min(1, Math.max(0, value || 0))));
    });
  });
}

function newTable<Row>(panel: HTMLElement, columns: Column<Row>[]): HTMLTableElement {
  const head = columns.map(({ title, isText }) =>
    title === ""
      ? make("td")
      : make("th", { scope: "col", textContent: title, className: isText ? "text" : "" }),
  );
  const top = make("thead", {}, make("tr", {}, ...head));
  const table = make("table", { className: "plain" }, make("caption"), top);
  panel.replaceChildren(table);
  return table;
}

function newRow<Row>(columns: Column<Row>[]): HTMLTableRowElement {
  const cells = columns.map(({ title, isText }) =>
    make("td", { className: title === "" ? "share" : isText ? "text" : "" }),
  );
  return make("tr", {}, ...cells);
}

/** Fills a panel with a title and sentences, instead of a table. */
export function say(panel: HTMLElement, title: string, ...sentences: string[]): void {
  if (panel.querySelector("h3")?.textContent === title) return;
  panel.replaceChildren(
    make("h3", { textContent: title }),
    ...sentences.map((textContent) => make("p", { textContent })),
  );
}
