// What was meant by a command that the server did not understand, in the page's own voice. The
// server's reply stays as it is.

import table from "./commands.json" with { type: "json" };

/** What the page says, and lines that do what was meant. */
export interface Advice {
  text: string;
  /** The lines that a button sends, or bytes as they are. */
  lines?: string[];
  bytes?: Uint8Array;
}

/** How other caches say it, and how it is said here; `$1` is the first argument. */
const HABITS = new Map(Object.entries(table.habits));

/** Help for a line that was answered with an error; nothing if there is none to give. */
export function advice(line: string, reply: string): Advice | undefined {
  const pasted = fromShell(line);
  if (pasted !== undefined) {
    return {
      text: "That is a shell command. These are the bytes that it sends.",
      bytes: pasted,
    };
  }
  if (!/^(ERROR|CLIENT_ERROR)/.test(reply)) return undefined;
  const words = line.trim().split(/\s+/);
  const [verb = "", ...rest] = words;
  const known = verb.toLowerCase();
  if (known === "set" || known === "setex") return store(known, verb, rest);
  if (known === "keys" || known === "scan") {
    return {
      text: "A cache does not list its keys by command. Order, below the map, has them all.",
    };
  }
  if (known === "get" && verb !== "get" && verb !== "GET" && rest.length > 0) {
    return { text: "`GET` or `get`, but not mixed.", lines: [`GET ${rest[0]}`] };
  }
  const habit = HABITS.get(known);
  if (habit === undefined || (known === verb && /^(incr|decr)$/.test(known) && rest.length > 1)) {
    return undefined;
  }
  const [lines = "", text = ""] = habit;
  const filled = lines
    .replace("$*", rest.join(" "))
    .replace("$1", rest[0] ?? "key:1")
    .replace("$2", rest[1] ?? "60");
  return { text, lines: [filled] };
}

/** A store in the words of another cache, or with something missing. */
function store(known: string, verb: string, rest: string[]): Advice | undefined {
  const [key = "greeting", second, third] = rest;
  const isNumber = (word: string | undefined) => word !== undefined && /^\d+$/.test(word);
  if (known === "setex") {
    const value = rest.slice(2).join(" ") || "hello";
    const size = new TextEncoder().encode(value).length;
    const life = isNumber(second) ? second : "60";
    return {
      text: "Here it is `SET`, and the value comes on a line of its own.",
      lines: [`SET ${key} ${life} ${size}`, value],
    };
  }
  if (verb === "set" && rest.length >= 3 && rest.every((word, at) => at === 0 || isNumber(word))) {
    return {
      text: "`set` needs flags, seconds and the size of the value in bytes. The size is missing.",
      lines: [`set ${key} ${second} ${third} 5`, "hello"],
    };
  }
  if (verb === "SET" && isNumber(second) && third === undefined) {
    return {
      text: "`SET` needs the size in bytes after the seconds; the value is the next line.",
      lines: [`SET ${key} ${second} 5`, "hello"],
    };
  }
  const value = rest.slice(1).join(" ") || "hello";
  const size = new TextEncoder().encode(value).length;
  return {
    text: "Here a store has the seconds to live and the size; the value is the next line.",
    lines: [`SET ${key} 0 ${size}`, value],
  };
}

/** The bytes that `printf '…' | nc …` or `echo …` sends; nothing if it is another line. */
export function fromShell(line: string): Uint8Array | undefined {
  const found =
    /^\s*(?:printf|echo(?:\s+-[ne]+)*)\s+(?:'([^']*)'|"([^"]*)")\s*\|\s*(?:nc|ncat|telnet)\b/.exec(
      line,
    );
  if (found === null) return undefined;
  const bytes = unescaped(found[1] ?? found[2] ?? "");
  const isEcho = /^\s*echo/.test(line) && !/-\w*n/.test(line.split(/['"]/)[0] ?? "");
  return isEcho ? Uint8Array.from([...bytes, 13, 10]) : bytes;
}

const NAMED: Record<string, number> = { r: 13, n: 10, t: 9, "0": 0, "\\": 92, '"': 34, "'": 39 };

/** A text with escapes, such as `\r\n` and `\x00`, as bytes. */
export function unescaped(text: string): Uint8Array {
  const bytes: number[] = [];
  const pattern = /\\x([0-9a-fA-F]{2})|\\([0-7]{3})|\\([rnt0\\"'])|%%|([\s\S])/gu;
  for (const [all, hex, octal, name, char] of text.matchAll(pattern)) {
    if (hex !== undefined) bytes.push(Number.parseInt(hex, 16));
    else if (octal !== undefined) bytes.push(Number.parseInt(octal, 8) & 255);
    else if (name !== undefined) bytes.push(NAMED[name] ?? 0);
    else if (all === "%%") bytes.push(37);
    else bytes.push(...new TextEncoder().encode(char));
  }
  return Uint8Array.from(bytes);
}

/** Whether a line has escapes that the terminal sends as they are written. */
export function hasEscapes(line: string): boolean {
  return /\\x[0-9a-fA-F]{2}|\\[rn](?!\w)/.test(line);
}
