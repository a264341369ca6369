// The lists beside the map: hot keys, slab classes, shards, connections.

import { percentDecoded, readable } from "../bytes.ts";
import { make, write } from "../dom.ts";
import { idOf } from "../selection.ts";
import { bytes, count, duration, percent, seconds } from "../units.ts";
import { type HotKeys, number, type ServerStats } from "./api.ts";

interface Column<Row> {
  title: string;
  /** The text of a row, or the length of its bar, from 0 to 1. */
  cell: (row: Row) => string | number;
  isText?: boolean;
}

/** Fills a panel with a table. What is there already is changed in place, so that a click or a
 * selection is not lost. */
function show<Row>(
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
  const table = make("table", {}, make("caption"), make("thead", {}, make("tr", {}, ...head)));
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

/** `requests`: how many come in a second, if that is known. */
export function hotKeys(
  panel: HTMLElement,
  hot: HotKeys | undefined,
  requests: number | undefined,
): void {
  if (hot === undefined) {
    return say(
      panel,
      "Not counted by this server",
      "The keys that are asked for most, and their share of all requests, would be here.",
      "They are counted with “--insight on”, and shown if the admin port shows keys.",
    );
  }
  if (hot.keys.length === 0) {
    return say(panel, "No hot keys", "No key was asked for often in the last minute.");
  }
  const most = Math.max(...hot.keys.map(({ share }) => share));
  const rate = (share: number) =>
    requests === undefined ? "–" : count(Math.round(share * requests));
  const sampled = `${count(hot.sampled)} requests sampled`;
  show(
    panel,
    `Most asked for in the last ${seconds(hot.seconds)}, ${sampled}`,
    [
      { title: "Key", cell: ({ key }) => readable(percentDecoded(key)), isText: true },
      { title: "Per s", cell: ({ share }) => rate(share) },
      { title: "", cell: ({ share }) => share / most },
      { title: "Share", cell: ({ share }) => percent(share, 1) },
      { title: "± at most", cell: ({ error }) => percent(error, 1) },
      { title: "Kind", cell: ({ kind }) => kind, isText: true },
    ],
    hot.keys,
    ({ key }) => idOf(percentDecoded(key)),
  );
}

export function slabs(panel: HTMLElement, { slabs }: ServerStats): void {
  if (slabs.length === 0) return say(panel, "No slab classes", "Nothing was stored yet.");
  const size = (slab: Record<string, number>) => number(slab, "chunk_size");
  const used = (slab: Record<string, number>) => number(slab, "used_chunks") * size(slab);
  const all = Math.max(1, ...slabs.map(used));
  show(
    panel,
    "Memory by chunk size. An item may have chunks of several sizes.",
    [
      { title: "Chunk", cell: (slab) => bytes(size(slab)) },
      { title: "Pages", cell: (slab) => count(number(slab, "pages")) },
      { title: "Used", cell: (slab) => bytes(used(slab)) },
      { title: "", cell: (slab) => used(slab) / all },
      {
        title: "Of chunks",
        cell: (slab) => percent(number(slab, "used_chunks"), number(slab, "total_chunks")),
      },
      { title: "Evicted", cell: (slab) => count(number(slab, "evicted")) },
    ],
    slabs,
  );
}

export function shards(panel: HTMLElement, { shards }: ServerStats): void {
  const rows = shards.map((shard, place) => ({ shard, place }));
  show(
    panel,
    "Each key lives in one shard; their shares of the memory move.",
    [
      { title: "Shard", cell: ({ place }) => String(place) },
      { title: "Share", cell: ({ shard }) => bytes(number(shard, "limit_bytes")) },
      { title: "Used", cell: ({ shard }) => bytes(number(shard, "used_bytes")) },
      {
        title: "",
        cell: ({ shard }) => number(shard, "used_bytes") / number(shard, "limit_bytes"),
      },
      { title: "Items", cell: ({ shard }) => count(number(shard, "items")) },
      { title: "Evicted", cell: ({ shard }) => count(number(shard, "evictions")) },
    ],
    rows,
  );
}

export function connections(panel: HTMLElement, { conns, stats }: ServerStats): void {
  if (conns.length === 0) return say(panel, "No connections", "No client is connected.");
  const all = Math.max(conns.length, number(stats, "curr_connections"));
  const some = all > conns.length ? `${count(conns.length)} of ${count(all)} connections` : "All";
  show(
    panel,
    `${some}. Idle: since the last request.`,
    [
      { title: "Client", cell: ({ addr }) => addr, isText: true },
      { title: "State", cell: ({ state }) => STATES[state] ?? state, isText: true },
      { title: "Open for", cell: ({ age_s }) => duration(1000 * age_s) },
      { title: "Idle", cell: ({ idle_s }) => duration(1000 * idle_s) },
    ],
    conns,
  );
}

/** memcached’s states of a connection. */
const STATES: Record<string, string> = {
  conn_parse_cmd: "waits for a request",
  conn_nread: "sends a value",
  conn_mwrite: "reads replies",
  conn_watch: "watches",
};
