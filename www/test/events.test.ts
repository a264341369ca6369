import assert from "node:assert/strict";
import { test } from "node:test";
import type { Palette } from "../src/map/colours.ts";
import { BUDGET, Events, type Kind } from "../src/map/events.ts";

const palette = { stop: () => "", isDark: false } as unknown as Palette;
/** Counts what is drawn, and draws nothing. */
function recorder() {
  const calls: string[] = [];
  const context = new Proxy({} as CanvasRenderingContext2D, {
    get:
      (_, name) =>
      (...values: number[]) =>
        calls.push(`${String(name)} ${values.join()}`),
    set: () => true,
  });
  return { calls, context };
}
const cell = (x: number) => ({ x, y: 0, width: 20, height: 10 });

test("only the newest events are shown, within the budget", () => {
  for (const kind of Object.keys(BUDGET) as Kind[]) {
    const events = new Events();
    for (let at = 0; at < 100; at++) events.add(kind, [cell(at)], at);
    assert.equal(events.count, BUDGET[kind], kind);
  }
  const events = new Events();
  for (let at = 0; at < 20; at++) events.add("evicted", [cell(100 * at)], 0);
  const { calls, context } = recorder();
  events.draw(context, palette, 1);
  const drawn = calls
    .filter((call) => call.startsWith("fillRect"))
    .map((call) => call.split(",")[0]);
  assert.deepEqual(
    [drawn[0], drawn.length],
    ["fillRect 400", BUDGET.evicted],
    "the oldest are left out",
  );
});

test("an event is over after its time", () => {
  for (const [kind, time] of [
    ["store", 180],
    ["hit", 450],
    ["evicted", 900],
    ["expired", 1200],
  ] as const) {
    const events = new Events();
    events.add(kind, [cell(0)], 0);
    events.draw(recorder().context, palette, time - 1);
    assert.equal(events.count, 1, kind);
    events.draw(recorder().context, palette, time);
    assert.equal(events.count, 0, kind);
  }
});

test("with reduced motion nothing grows, fills or dissolves", () => {
  const events = new Events();
  events.isStill = true;
  for (const kind of ["hit", "expired"] as const) events.add(kind, [cell(5)], 0);
  const shown = [100, 500].map((now) => {
    const { calls, context } = recorder();
    events.draw(context, palette, now);
    return calls;
  });
  assert.deepEqual(shown[0], shown[1]);
  assert.ok(shown[0]?.includes("fillRect 5,0,20,10"), "a hit stays within its chunk");
});
