// The views of the cache's internals, drawn together and not too often.

import { Chosen } from "./chosen.ts";
import type { Clock } from "./clock.ts";
import { element, figure, write } from "./dom.ts";
import { realTime } from "./frames.ts";
import { Feed } from "./feed.ts";
import { Insight } from "./insight.ts";
import { ItemView } from "./item.ts";
import { MemoryMap } from "./memory.ts";
import type { Model } from "./model.ts";
import { Order } from "./order.ts";
import { Removals } from "./removals.ts";
import { idOf, type Selection } from "./selection.ts";
import type { Track } from "./track.ts";
import { count, share } from "./units.ts";
import { Wheel } from "./wheel.ts";
import type { Wire } from "./wire.ts";
import { Yours } from "./yours.ts";
import { readable } from "./bytes.ts";

/** The most items that are drawn individually. */
const ITEMS_MAX = 20_000;
/** Real milliseconds between two drawings: after a command, under load, while only time passes. */
const [AT_ONCE, BUSY, QUIET] = [30, 120, 250];
/** Drawing takes at most one part in so many of the time. */
const SHARE = 16;
/** The most items for which the digest is shown: it takes time to compute. */
const DIGEST_ITEMS_MAX = 5000;
/** How long an evicted item stays in the list beside the map, in the cache's milliseconds. */
const GONE = 5000;

export class Views {
  readonly #model: Model;
  readonly #clock: Clock;
  readonly #track: Track;
  readonly #selection: Selection;
  readonly #item = new ItemView(() => this.changed());
  readonly #order: Order;
  readonly #wheel = new Wheel();
  readonly insight = new Insight();
  readonly #chosen: Chosen;
  readonly map: MemoryMap;
  readonly removals = new Removals();
  readonly yours = new Yours();
  readonly feed = new Feed();
  #drawn = 0;
  #cost = 0;
  #before = 0;
  #isChanged = true;
  #isUrgent = true;
  /** Whether there are messages that may have to be highlighted. */
  #hasMessages = false;

  constructor(model: Model, clock: Clock, track: Track, selection: Selection, wire: Wire) {
    [this.#model, this.#clock, this.#track] = [model, clock, track];
    this.#selection = selection;
    const open = (position: number) => void this.#item.open(model.shown, position);
    this.map = new MemoryMap(() => model.shown, selection, open);
    this.map.yours = () => this.yours.ids;
    this.map.evicted = () => {
      const { age } = model.shown;
      const last = this.removals.lastEvicted(age, GONE);
      if (last === undefined || last.at > age) return undefined;
      return { id: idOf(last.removal.key), text: readable(last.removal.key) };
    };
    this.#order = new Order(() => model.shown, selection);
    this.#chosen = new Chosen(selection, () => model.shown, open);
    this.#chosen.lastMessage = (id) => wire.lastAbout(id);
    selection.onChange(() => this.changed());
    clock.onRun = () => this.changed();
    model.onChange((change) => {
      this.map.isQuiet = clock.speed === 100 || model.isPast;
      this.map.add(change);
      this.removals.add(change.removals, model.engine.age);
      this.feed.add(change.requests);
      track.sample(model.engine);
      this.#hasMessages ||= change.isCommand;
      if (change.isCommand || !clock.isRunning) this.changed();
      else if (change.removals.length + change.requests.length > 0) this.#isChanged = true;
    });
    model.onShow(() => {
      this.removals.refresh();
      this.insight.refresh();
      this.changed();
    });
    model.onReplace(() => {
      this.map.clear();
      this.removals.clear();
      this.feed.clear();
      this.yours.clear();
      this.insight.refresh();
      track.clear();
      selection.choose(undefined);
      this.changed();
    });
    addEventListener("resize", () => {
      this.insight.refresh();
      this.changed();
    });
  }

  /** Draws everything again soon. */
  changed(): void {
    this.#isChanged = true;
    this.#isUrgent = true;
  }

  /** Draws if something has changed, and not too often. */
  frame(): void {
    const since = realTime() - this.#drawn;
    const wait = Math.max(this.#isChanged ? BUSY : QUIET, SHARE * this.#cost);
    const isDue = this.#isChanged || this.#clock.isRunning;
    const soon = Math.max(AT_ONCE, 3 * this.#cost);
    if (this.#isUrgent ? since >= soon : isDue && since >= wait) this.draw();
    this.map.frame();
    this.feed.draw(realTime());
  }

  draw(): void {
    this.#isChanged = false;
    this.#isUrgent = false;
    const start = realTime();
    const engine = this.#model.shown;
    const [stats, snapshot, wheel] = [engine.stats(), engine.snapshot(ITEMS_MAX), engine.wheel()];
    this.#clock.draw();
    const pages = this.#chosen.draw(engine, snapshot, wheel);
    this.map.draw(snapshot, stats);
    this.#order.draw(snapshot, stats.items);
    const isMarkDue = this.insight.draw(engine, stats.limit) || this.#hasMessages;
    if (isMarkDue) this.#selection.mark();
    this.#hasMessages = false;
    this.#wheel.draw(wheel, snapshot, pages);
    this.removals.draw(stats.evictions, stats.expired, engine.age);
    const isLesson = document.body.dataset.lesson !== undefined;
    this.yours.draw(engine, snapshot, !isLesson, this.#selection.current);
    const { isPast } = this.#model;
    this.#track.draw(this.#model.engine.age, engine.age, isPast, this.#selection.current);
    write(element("#stat-items"), count(stats.items));
    figure(element("#stat-memory"), ...share(stats.bytes + stats.indexBytes, stats.limit));
    const ratio = stats.gets === 0 ? "–" : ((100 * stats.hits) / stats.gets).toFixed(1);
    figure(element("#stat-hits"), ratio, stats.gets === 0 ? "" : " %");
    write(element("#stat-evicted"), count(stats.evictions));
    write(element("#stat-expired"), count(stats.expired));
    const hasDigest = !this.#clock.isRunning && stats.items <= DIGEST_ITEMS_MAX;
    element("#digest").hidden = !hasDigest;
    if (hasDigest) write(element("#stat-digest"), engine.digest());
    this.#drawn = realTime();
    // The smaller of two: a machine that was busy with something else does not slow the next ones.
    const cost = this.#drawn - start;
    [this.#cost, this.#before] = [Math.min(cost, this.#before), cost];
  }
}
