// The commands. Completion, the syntax hint, the prompt for a value and `help` use this table.

export interface Command {
  dialect: "DynamiDB" | "memcached";
  verb: string;
  /** The arguments. One in square brackets is optional. */
  words: string[];
  /** The index of the argument that is the size of the value on the next line. */
  size?: number;
  help: string;
}

const STORE = ["<key>", "<flags>", "<exptime>", "<bytes>", "[noreply]"];

function dynamidb(verb: string, words: string[], help: string, size?: number): Command {
  return { dialect: "DynamiDB", verb, words, help, ...(size === undefined ? {} : { size }) };
}

function memcached(verb: string, words: string[], help: string, size?: number): Command {
  return { ...dynamidb(verb, words, help, size), dialect: "memcached" };
}

export const COMMANDS: readonly Command[] = [
  dynamidb(
    "SET",
    ["<key>", "<expire_seconds>", "<value_size>"],
    "Stores a value; 0 seconds: never expires.",
    2,
  ),
  dynamidb("GET", ["<key>"], "Reads a value."),
  dynamidb("DELETE", ["<key>"], "Deletes a value."),
  dynamidb("FLUSH", ["<prefix>"], "Deletes all values whose keys begin with this, at once."),
  dynamidb("QUIT", [], "Closes the connection."),
  memcached("set", STORE, "Stores a value, whether or not the key has one.", 3),
  memcached("add", STORE, "Stores a value if the key has none.", 3),
  memcached("replace", STORE, "Stores a value if the key has one.", 3),
  memcached("append", STORE, "Appends bytes to a value.", 3),
  memcached("prepend", STORE, "Prepends bytes to a value.", 3),
  memcached(
    "cas",
    ["<key>", "<flags>", "<exptime>", "<bytes>", "<unique>", "[noreply]"],
    "Stores a value if the key’s value still has this unique number of `gets`.",
    3,
  ),
  memcached("get", ["<key>…"], "Reads values."),
  memcached("gets", ["<key>…"], "Reads values, each with its unique number."),
  memcached("gat", ["<exptime>", "<key>…"], "Reads values and sets their time to live."),
  memcached("gats", ["<exptime>", "<key>…"], "The same, with unique numbers."),
  memcached("touch", ["<key>", "<exptime>", "[noreply]"], "Sets a value’s time to live."),
  memcached("delete", ["<key>", "[noreply]"], "Deletes a value."),
  memcached("incr", ["<key>", "<number>", "[noreply]"], "Adds to a number."),
  memcached("decr", ["<key>", "<number>", "[noreply]"], "Subtracts from a number, down to 0."),
  memcached("mg", ["<key>", "[flags…]"], "Reads what the flags name: `v` value, `t` TTL."),
  memcached(
    "ms",
    ["<key>", "<bytes>", "[flags…]"],
    "Stores a value: `T` seconds, `F` flags, `C` cas.",
    1,
  ),
  memcached("md", ["<key>", "[flags…]"], "Deletes a value, or with `I` marks it as stale."),
  memcached("ma", ["<key>", "[flags…]"], "Adds to a number: `N` and `J` initial, `D` delta."),
  memcached("me", ["<key>"], "Shows an item’s metadata."),
  memcached("mn", [], "Replies `MN` after the replies to all commands before it."),
  memcached("flush_all", ["[delay]", "[noreply]"], "Deletes all values, now or later."),
  memcached(
    "flush_prefix",
    ["<prefix>", "[noreply]"],
    "Deletes all values whose keys begin with this, at once. memcached has no such command.",
  ),
  memcached("stats", ["[reset]"], "Shows counters."),
  memcached("version", [], "Shows the memcached version whose protocol this is."),
  memcached("quit", [], "Closes the connection."),
];

/** The command of a line. The same verb in the other case belongs to the other dialect. */
export function commandOf(line: string): Command | undefined {
  const verb = line.trimStart().split(" ")[0] ?? "";
  return COMMANDS.find((command) => command.verb === verb);
}

/** The verbs with this prefix. */
export function completions(prefix: string): string[] {
  const verbs = COMMANDS.map((command) => command.verb);
  return [...verbs, "help"].filter((verb) => verb.startsWith(prefix) && verb !== prefix);
}

/** The syntax of a command: `SET <key> <expire_seconds> <value_size>`. */
export function syntax(command: Command): string {
  return [command.verb, ...command.words].join(" ");
}

/** The words of a command, and the index of the one being typed at the end of this line. */
export function typing(line: string): { words: string[]; at: number } | undefined {
  const command = commandOf(line);
  if (command === undefined) return undefined;
  const words = [command.verb, ...command.words];
  const at = line.trimStart().split(/ +/).length - 1;
  const last = words.at(-1) ?? "";
  return { words, at: last.endsWith("…") ? Math.min(at, words.length - 1) : at };
}

/** The size of the value that follows this line. */
export function valueSize(line: string): number | undefined {
  const command = commandOf(line);
  const word = command?.size === undefined ? undefined : line.trim().split(/ +/)[command.size + 1];
  return word !== undefined && /^\d+$/.test(word) ? Number(word) : undefined;
}

/** The output of `help`: all commands, or those with one name in either dialect. */
export function help(line: string): string {
  const verb = line.trim().split(/ +/)[1]?.toLowerCase();
  if (verb !== undefined) {
    const meant = COMMANDS.filter((command) => command.verb.toLowerCase() === verb);
    if (meant.length === 0) return `Unknown command “${verb}”. Try: help`;
    return meant.map(entry).join("\n");
  }
  const dialect = (name: Command["dialect"]) =>
    COMMANDS.filter((command) => command.dialect === name)
      .map((command) => `  ${syntax(command)}`)
      .join("\n");
  return [
    "DynamiDB’s own commands, in capital letters:",
    dialect("DynamiDB"),
    "memcached’s commands, in small letters:",
    dialect("memcached"),
    "After a command with a size, the value comes on the next line. More: help <command>",
  ].join("\n");
}

function entry(command: Command): string {
  const block = command.size === undefined ? "" : " The value comes on the next line.";
  return `${syntax(command)}\n  ${command.help.replaceAll("`", "")}${block}`;
}
