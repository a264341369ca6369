// Says in a sentence what a store did in memory.

import { readable } from "./bytes.ts";
import { make } from "./dom.ts";
import type { Engine } from "./engine.ts";
import type { Answer } from "./model.ts";
import { bytes, count } from "./units.ts";

const NUMBERS = ["no", "one", "two", "three", "four", "five"];
/** The most keys that are named. */
const NAMED_MAX = 3;

/** The sentence, or nothing if the reply is not of a store. */
export function story(engine: Engine, answer: Answer, text: string): (Node | string)[] | undefined {
  const key = answer.keys.at(-1);
  if (!/STORED\r\n$/.test(text) || text.includes("NOT_STORED") || key === undefined) {
    return undefined;
  }
  const position = engine.locate(key);
  const item = position === undefined ? undefined : engine.inspect(position);
  if (item === undefined) return undefined;
  const size = item.chunks.reduce((sum, { key, value }) => sum + key + value, 0);
  const [first] = item.chunks;
  const number = NUMBERS[item.chunks.length] ?? String(item.chunks.length);
  const sizes = new Set(item.chunks.map((chunk) => chunk.bytes.length));
  const [only = 0] = sizes;
  const of = sizes.size === 1 ? ` of ${bytes(only)}` : "";
  const place =
    item.chunks.length === 1
      ? `${bytes(first?.bytes.length ?? 0)} in page ${first?.page ?? 0}.`
      : `${count(size)} bytes took ${number} chunks${of}.`;
  const evicted = answer.removals.filter(({ reason }) => !reason.startsWith("expired"));
  if (evicted.length === 0) return [place, " Nothing was evicted."];
  const names = evicted
    .slice(0, NAMED_MAX)
    .map((removal) => make("em", { textContent: readable(removal.key).slice(0, 40) }));
  const parts = names.flatMap((name, at) =>
    at === 0
      ? [name]
      : [at === names.length - 1 && evicted.length <= NAMED_MAX ? " and " : ", ", name],
  );
  const more = evicted.length > NAMED_MAX ? ` and ${count(evicted.length - NAMED_MAX)} more` : "";
  const verb = evicted.length === 1 ? " was evicted for it." : " were evicted for it.";
  return [place, " ", ...parts, more + verb];
}
