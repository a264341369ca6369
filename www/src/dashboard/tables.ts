// The lists beside the map: slab classes, shards, connections.

import { say, show } from "../table.ts";
import { bytes, count, duration, percent } from "../units.ts";
import { number, type ServerStats } from "./api.ts";

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
