// The dashboard of a server: asks its admin port once a second, and shows what it answers.

import { percentDecoded } from "../bytes.ts";
import { curve } from "../curve.ts";
import { element, figure, make, write } from "../dom.ts";
import { onFrame, realTime } from "../frames.ts";
import { type HotKeys, hotKeys } from "../hot-keys.ts";
import { MemoryMap } from "../memory.ts";
import { Order } from "../order.ts";
import { BY_USE_ALONE } from "../order-words.ts";
import { Selection } from "../selection.ts";
import { ITEM, PAGE } from "../snapshot.ts";
import { say } from "../table.ts";
import { Tabs } from "../tabs.ts";
import { themes } from "../theme.ts";
import { bytes, count, duration, percent, sentence, share } from "../units.ts";
import {
  type Advice,
  ask,
  askMap,
  type Latency,
  number,
  type SentHotKeys,
  type ServerFacts,
  type ServerStats,
} from "./api.ts";
import { Attached } from "./attached.ts";
import { History, RANGES } from "./history.ts";
import { barsOf, combined, difference, percentile, time } from "./latency.ts";
import { area, histogram, MARKS, sparkline } from "./plot.ts";
import { connections, shards, slabs } from "./tables.ts";

/** Real milliseconds between two questions, and while nobody looks. */
const [PERIOD, HIDDEN] = [1000, 10_000];
/** What changes slowly is asked for every so many times. */
const SLOW = 10;
/** Latency is shown for this time, in answers. */
const LATENCY_ANSWERS = 60;
/** The height of the map. */
const [MAP_HEIGHT, MAP_HEIGHT_NARROW] = [321, 380];

const TABS = ["hot", "slabs", "shards", "conns", "order"] as const;
/** memcached’s counters of requests. */
const REQUESTS = [
  "cmd_get",
  "cmd_set",
  "cmd_touch",
  "cmd_flush",
  "delete_hits",
  "delete_misses",
  "incr_hits",
  "incr_misses",
  "decr_hits",
  "decr_misses",
];

const canvas = (selector: string) => element<HTMLCanvasElement>(`${selector} canvas`);
const lines = [...document.querySelectorAll<HTMLCanvasElement>("#headline canvas")];

class Dashboard {
  readonly #history = new History();
  readonly #selection = new Selection();
  readonly #map: MemoryMap;
  readonly #order: Order;
  readonly #tabs: Tabs<(typeof TABS)[number]>;
  readonly #shard = element<HTMLSelectElement>("#shard");
  readonly #latencyOf = element<HTMLSelectElement>("#latency-of");
  #facts: ServerFacts | undefined;
  #stats: ServerStats | undefined;
  #hot: HotKeys | undefined;
  #advice: Advice | undefined;
  #attached: Attached = empty();
  #latencies: Record<string, Latency>[] = [];
  #range = 0;
  #turn = 0;
  /** When the server answered last, in real time. */
  #answeredAt: number | undefined;
  #lostAt: number | undefined;
  #wake: () => void = () => {};

  constructor() {
    this.#map = new MemoryMap(
      () => this.#attached,
      this.#selection,
      () => {},
    );
    this.#map.gone = "removed";
    this.#map.place = (item) => this.#attached.placeOf(item);
    this.#order = new Order(() => this.#attached, this.#selection);
    this.#tabs = new Tabs(TABS, () => this.#lists());
    this.#selection.onChange(() => this.#lists());
    this.#shard.addEventListener("change", () => {
      this.#attached = empty();
      this.#map.clear();
      this.#soon();
    });
    this.#latencyOf.addEventListener("change", () => this.#charts());
    for (const radio of document.querySelectorAll<HTMLInputElement>("input[name=range]")) {
      radio.addEventListener("change", () => {
        this.#range = Number(radio.value);
        this.#charts();
      });
    }
    document.addEventListener("keydown", (event) => {
      if (event.key === "Escape") this.#selection.choose(undefined);
    });
    document.addEventListener("visibilitychange", () => this.#soon());
    addEventListener("resize", () => this.draw());
    themes(() => {
      this.#map.recolour();
      this.draw();
    });
    onFrame(() => {
      if (this.#attached.pages > 0) this.#map.frame();
      this.#lost();
    });
  }

  /** Asks for ever. */
  async run(): Promise<void> {
    for (;;) {
      try {
        await this.#ask();
        this.#answeredAt = realTime();
        this.#lostAt = undefined;
      } catch {
        this.#lostAt ??= this.#answeredAt ?? realTime();
      }
      this.#state();
      await this.#pause(document.hidden ? HIDDEN : PERIOD);
    }
  }

  #pause(millis: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, millis);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  /** Asks again at once. */
  #soon(): void {
    this.#wake();
  }

  async #ask(): Promise<void> {
    if (this.#turn % SLOW === 0 || this.#lostAt !== undefined) {
      this.#facts = await ask<ServerFacts>("/api/server");
      this.#hot = decoded(await ask<SentHotKeys>("/api/hotkeys"));
      this.#advice = await ask<Advice>("/api/advice");
    }
    this.#turn += 1;
    const stats = await ask<ServerStats>("/api/stats");
    if (stats === undefined) throw new Error("the server has no statistics");
    this.#note(stats);
    if (!document.hidden) await this.#askMap(stats);
    this.draw();
  }

  /** Keeps what the charts need. */
  #note(stats: ServerStats): void {
    this.#stats = stats;
    const of = (name: string) => number(stats.stats, name);
    this.#history.add({
      at: stats.now_ms,
      hits: of("get_hits"),
      gets: of("get_hits") + of("get_misses"),
      requests: REQUESTS.reduce((sum, name) => sum + of(name), 0),
      evictions: of("evictions"),
      bytes: of("bytes") + of("hash_bytes"),
      items: of("curr_items"),
      connections: of("curr_connections"),
    });
    this.#latencies.push(stats.latency);
    if (this.#latencies.length > LATENCY_ANSWERS) this.#latencies.shift();
    options(
      this.#shard,
      stats.shards.map((_, place) => [String(place), String(place)]),
    );
    options(this.#latencyOf, [
      ["all", "all requests"],
      ...Object.keys(stats.latency).map((name): [string, string] => [name, name]),
    ]);
  }

  async #askMap(stats: ServerStats): Promise<void> {
    const shard = Number(this.#shard.value);
    const map = await askMap(shard);
    if (map === undefined || shard !== Number(this.#shard.value)) return;
    const attached = new Attached(map, stats.now_ms);
    if (this.#facts?.policy.startsWith("density")) attached.words = BY_USE_ALONE;
    for (const { kind, position } of attached.since(this.#attached)) {
      this.#map.event(kind, position);
    }
    this.#attached = attached;
  }

  draw(): void {
    if (this.#stats === undefined) return;
    this.#headline(this.#stats);
    this.#header();
    this.#drawMap();
    this.#lists();
    this.#charts();
    document.body.dataset.ready ??= String(Math.round(realTime()));
  }

  #headline({ stats }: ServerStats): void {
    const of = (name: string) => number(stats, name);
    const ratio = this.#history.ratio();
    const figures: [string, string, string][] = [
      [
        "hits",
        ratio === undefined ? "–" : (100 * ratio).toFixed(1),
        ratio === undefined ? "" : " %",
      ],
      ["requests", whole(this.#history.rate("requests")), " per s"],
      ["memory", ...share(of("bytes") + of("hash_bytes"), of("limit_maxbytes"))],
      ["items", ...large(of("curr_items"))],
      ["evictions", whole(this.#history.rate("evictions")), " per s"],
      ["connections", count(of("curr_connections")), ` of ${count(of("max_connections"))}`],
    ];
    for (const [name, text, small] of figures) figure(element(`#figure-${name}`), text, small);
    const points = [
      this.#history.ratios(this.#range),
      this.#history.rates(this.#range, "requests"),
      this.#history.levels(this.#range, "bytes"),
      this.#history.levels(this.#range, "items"),
      this.#history.rates(this.#range, "evictions"),
      this.#history.levels(this.#range, "connections"),
    ];
    lines.forEach((line, at) => sparkline(line, points[at] ?? [], at === 4 ? "--gone" : "--s4"));
  }

  #header(): void {
    const facts = this.#facts;
    if (facts === undefined) return;
    const address = facts.listen[0] ?? location.host;
    document.title = `${address} · DynamiDB`;
    write(element("#fact-address"), address);
    const up = this.#stats === undefined ? facts.uptime_s : number(this.#stats.stats, "uptime");
    write(element("#fact-uptime"), `up ${duration(1000 * up)}`);
    write(element("#fact-shards"), facts.shards === 1 ? "1 shard" : `${facts.shards} shards`);
    write(element("#fact-policy"), facts.policy.toUpperCase());
    write(element("#fact-version"), facts.version);
  }

  #drawMap(): void {
    const map = this.#attached;
    if (map.pages === 0) return;
    const drawn = map.snapshot.pages.length / PAGE;
    const isSampled = drawn < map.begun;
    const text = isSampled
      ? `${count(drawn)} of ${count(map.begun)} pages in use, spread evenly, refreshed every second`
      : `${count(drawn)} pages in use of ${count(map.pages)}, refreshed every second`;
    write(element("#map-text"), text);
    this.#map.height = matchMedia("(max-width: 759.9px)").matches ? MAP_HEIGHT_NARROW : MAP_HEIGHT;
    this.#map.note =
      map.waste === undefined ? "" : `${percent(map.waste, 1)} of the memory in use is waste`;
    const items = map.snapshot.items.length / ITEM;
    this.#map.draw(map.snapshot, { pages: drawn, pageSize: map.pageSize, items });
  }

  /** The list that is shown. */
  #lists(): void {
    const stats = this.#stats;
    if (stats === undefined) return;
    const panel = element(`#panel-${this.#tabs.current}`);
    const { items } = this.#attached.snapshot;
    const lists = {
      hot: () => this.#hotKeys(panel),
      slabs: () => slabs(panel, stats),
      shards: () => shards(panel, stats),
      conns: () => connections(panel, stats),
      order: () => this.#order.draw(this.#attached.snapshot, items.length / ITEM),
    };
    lists[this.#tabs.current]();
    this.#selection.mark();
  }

  #hotKeys(panel: HTMLElement): void {
    if (this.#hot === undefined) {
      return say(
        panel,
        "Not counted by this server",
        "The keys that are asked for most, and their share of all requests, would be here.",
        "They are counted with “--insight on”, and shown if the admin port shows keys.",
      );
    }
    const requests = this.#history.rate("requests");
    hotKeys(panel, this.#hot, (share) =>
      requests === undefined ? "–" : count(Math.round(share * requests)),
    );
  }

  #charts(): void {
    const range = RANGES[this.#range] ?? RANGES[0];
    const [evictions, open] = [
      this.#history.rates(this.#range, "evictions"),
      this.#history.levels(this.#range, "connections"),
    ];
    const short = (value: number) => count(Number(value.toPrecision(3)));
    area(canvas("#chart-evictions"), evictions, range, "--gone", short);
    area(canvas("#chart-connections"), open, range, "--s4", short);
    const last = (points: { value: number }[]) => short(points.at(-1)?.value ?? 0);
    const most = (points: { value: number }[]) =>
      short(Math.max(0, ...points.map(({ value }) => value)));
    write(element("#evictions-text"), `Now ${last(evictions)}, at most ${most(evictions)}.`);
    write(element("#connections-text"), `Now ${last(open)}, at most ${most(open)}.`);
    this.#latency();
    this.#adviceChart();
  }

  #latency(): void {
    const [first, last] = [this.#latencies[0], this.#latencies.at(-1)];
    if (last === undefined) return;
    const name = this.#latencyOf.value || "all";
    const now = combined(last, name);
    const before = first === last || first === undefined ? undefined : combined(first, name);
    const bars = barsOf(difference(now, before));
    const all = bars.reduce((sum, { count }) => sum + count, 0);
    const text = before === undefined ? "since the start" : "last minute";
    write(
      element("#latency-text"),
      all === 0 ? `No requests, ${text}` : `Readable to answered, ${text}`,
    );
    element("#latency-figures").replaceChildren(
      ...MARKS.map(([label, part]) => {
        const found = percentile(bars, part);
        const value = found === undefined ? "–" : time(found);
        return make(
          "div",
          {},
          make("dt", { textContent: label }),
          make("dd", { textContent: value }),
        );
      }),
    );
    histogram(canvas("#chart-latency"), bars);
  }

  #adviceChart(): void {
    const advice = this.#advice;
    const isDrawn = advice?.ready === true && advice.points.length > 0;
    element("#chart-advice .plot").hidden = !isDrawn;
    const missing =
      "The hit ratio that this load would have with less and with more memory would be here. " +
      "This server does not predict it: start it with “--insight on”.";
    write(element("#advice-text"), advice === undefined ? missing : sentence(advice.text));
    if (!isDrawn) return;
    const limit = number(this.#stats?.stats ?? {}, "limit_maxbytes");
    curve(canvas("#chart-advice"), advice.points, bytes(limit), (factor) =>
      bytes(Math.round(factor * limit)),
    );
  }

  #state(): void {
    const isLost = this.#lostAt !== undefined;
    document.body.dataset.state = isLost ? "lost" : "attached";
    write(element("#fact-state"), isLost ? "no answer" : "attached");
    write(element("#lost-status"), isLost ? "No answer. Trying again." : "");
    element("#lost").hidden = !isLost;
    this.#lost();
  }

  #lost(): void {
    if (this.#lostAt === undefined) return;
    const since = duration(realTime() - this.#lostAt).replace(/\.\d/, "");
    write(element("#lost"), `No answer since ${since}. Trying again.`);
  }
}

function decoded(sent: SentHotKeys | undefined): HotKeys | undefined {
  if (sent === undefined) return undefined;
  return { ...sent, keys: sent.keys.map((hot) => ({ ...hot, key: percentDecoded(hot.key) })) };
}

function empty(): Attached {
  return new Attached(new Uint32Array(6).buffer, 0);
}

/** Makes these the options of a list, if they are others. */
function options(list: HTMLSelectElement, all: [string, string][]): void {
  if (
    list.options.length === all.length &&
    all.every(([value], at) => list.options[at]?.value === value)
  )
    return;
  const before = list.value;
  list.replaceChildren(
    ...all.map(([value, textContent]) => make("option", { value, textContent })),
  );
  if (all.some(([value]) => value === before)) list.value = before;
}

function whole(rate: number | undefined): string {
  return rate === undefined ? "–" : count(Math.round(rate));
}

/** `41.2`, ` million`; smaller numbers as they are. */
function large(number: number): [string, string] {
  return number < 10_000_000 ? [count(number), ""] : [(number / 1e6).toFixed(1), " million"];
}

void new Dashboard().run();
