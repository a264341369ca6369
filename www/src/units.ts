// Formats numbers and errors for people.

const UNITS = ["B", "KiB", "MiB", "GiB"];

/** Bytes, with three digits at most: `1.25 MiB`. */
export function bytes(count: number): string {
  let unit = 0;
  while (count >= 1024 && unit < UNITS.length - 1) {
    count /= 1024;
    unit += 1;
  }
  return `${unit === 0 ? count : Number(count.toPrecision(3))} ${UNITS[unit]}`;
}

/** A part of a whole, mostly in the unit of the whole: `245`, ` of 256 KiB`. */
export function share(part: number, whole: number): [string, string] {
  const text = bytes(whole);
  const unit = 1024 ** Math.max(0, UNITS.indexOf(text.split(" ")[1] ?? "B"));
  if (part / unit >= 0.1) return [String(Number((part / unit).toPrecision(3))), ` of ${text}`];
  const [number = "", name = ""] = bytes(part).split(" ");
  return [number, ` ${name} of ${text}`];
}

/** A number with thousands separators. */
export function count(number: number): string {
  return number.toLocaleString("en");
}

/** A part of a whole in percent; a dash if the whole is 0. */
export function percent(part: number, whole: number): string {
  return whole === 0 ? "–" : `${((100 * part) / whole).toFixed(1)} %`;
}

/** Milliseconds in two units at most: `0.8 s`, `12 s`, `3 min 20 s`, `2 h 5 min`, `30 d`. */
export function duration(millis: number): string {
  const seconds = millis / 1000;
  if (seconds < 10) return `${(Math.floor(seconds * 10) / 10).toFixed(1)} s`;
  if (seconds < 60) return `${Math.floor(seconds)} s`;
  const parts: [number, string][] = [
    [86_400, "d"],
    [3600, "h"],
    [60, "min"],
    [1, "s"],
  ];
  let rest = Math.floor(seconds);
  const words: string[] = [];
  for (const [size, name] of parts) {
    if (rest >= size) words.push(`${count(Math.floor(rest / size))} ${name}`);
    else if (words.length > 0) break;
    rest %= size;
  }
  return words.slice(0, 2).join(" ");
}

/** Whole seconds in two units at most: `0 s`, `59 s`, `1 min`. */
export function seconds(count: number): string {
  return count < 10 ? `${count} s` : duration(count * 1000);
}

/** The time on a stopwatch: `1:02:03.4`. */
export function stopwatch(millis: number): string {
  const pad = (number: number) => String(Math.floor(number)).padStart(2, "0");
  const [hours, rest] = [Math.floor(millis / 3_600_000), millis % 3_600_000];
  const minutes = hours > 0 ? pad(rest / 60_000) : String(Math.floor(rest / 60_000));
  const tenths = Math.floor((millis % 1000) / 100);
  return `${hours > 0 ? `${hours}:` : ""}${minutes}:${pad((rest % 60_000) / 1000)}.${tenths}`;
}

/** The message of an error, as a sentence. */
export function sentence(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.charAt(0).toUpperCase() + text.slice(1).replace(/\.?$/, ".");
}
