// The commands there are. Completion, the syntax shown while one types, the value that is asked
// for and `help` all come from this table.

export interface Command {
  dialect: "DynamiDB" | "memcached";
  verb: string;
  /** The words after the verb. One in square brackets may be left out. */
  words: string[];
  /** Which of them says how many bytes follow on the next line. */
  size?: number;
  help: string;
}

const STORE = ["<key>", "<flags>", "<exptime>", "<bytes>", "[noreply]"];

function own(verb: string, words: string[], help: string, size?: number): Command {
  return { dialect: "DynamiDB", verb, words, help, ...(size === undefined ? {} : { size }) };
}

function classic(verb: string, words: string[], help: string, size?: number): Command {
  return { ...own(verb, words, help, size), dialect: "memcached" };
}

export const COMMANDS: readonly Command[] = [
  own(
    "SET",
    ["<key>", "<expire_seconds>", "<value_size>"],
    "Stores a value; 0 seconds: for ever.",
    2,
  ),
  own("GET", ["<key>"], "Reads a value."),
  own("DELETE", ["<key>"], "Removes a value."),
  own("QUIT", [], "Ends the connection."),
  classic("set", STORE, "Stores a value, whatever was there.", 3),
  classic("add", STORE, "Stores a value if there is none.", 3),
  classic("replace", STORE, "Stores a value if there is one.", 3),
  classic("append", STORE, "Adds bytes behind a value.", 3),
  classic("prepend", STORE, "Adds bytes in front of a value.", 3),
  classic(
    "cas",
    ["<key>", "<flags>", "<exptime>", "<bytes>", "<unique>", "[noreply]"],
    "Stores a value if nobody has changed it since `gets` gave this unique number.",
    3,
  ),
  classic("get", ["<key>…"], "Reads values."),
  classic("gets", ["<key>…"], "Reads values, each with its unique number."),
  classic("gat", ["<exptime>", "<key>…"], "Reads values and lets them end at another time."),
  classic("gats", ["<exptime>", "<key>…"], "The same, with unique numbers."),
  classic("touch", ["<key>", "<exptime>", "[noreply]"], "Lets a value end at another time."),
  classic("delete", ["<key>", "[noreply]"], "Removes a value."),
  classic("incr", ["<key>", "<number>", "[noreply]"], "Adds to a number."),
  classic("decr", ["<key>", "<number>", "[noreply]"], "Subtracts from a number, down to 0."),
  classic("mg", ["<key>", "[flags…]"], "Reads what the flags ask for: `v` value, `t` time."),
  classic("ms", ["<key>", "<bytes>", "[flags…]"], "Stores: `T` seconds, `F` flags, `C` cas.", 1),
  classic("md", ["<key>", "[flags…]"], "Removes, or with `I` marks as stale."),
  classic("ma", ["<key>", "[flags…]"], "Counts: `N` and `J` the first number, `D` the step."),
  classic("me", ["<key>"], "What the engine knows of an item."),
  classic("mn", [], "Answers `MN`: all before it is done."),
  classic("flush_all", ["[delay]", "[noreply]"], "Removes everything, now or later."),
  classic("stats", ["[settings|items|slabs|sizes|reset]"], "What the engine has counted."),
  classic("version", [], "The version of memcached whose protocol this is."),
  classic("verbosity", ["<level>", "[noreply]"], "Accepted, and without effect."),
  classic("quit", [], "Ends the connection."),
];

/** The command that a line begins with. The verb in other letters is the other dialect's. */
export function commandOf(line: string): Command | undefined {
  const verb = line.trimStart().split(" ")[0] ?? "";
  return COMMANDS.find((command) => command.verb === verb);
}

/** The verbs that begin like this. */
export function completions(start: string): string[] {
  const verbs = COMMANDS.map((command) => command.verb);
  return [...verbs, "help"].filter((verb) => verb.startsWith(start) && verb !== start);
}

/** How a command is written: `SET <key> <expire_seconds> <value_size>`. */
export function syntax(command: Command): string {
  return [command.verb, ...command.words].join(" ");
}

/** The words of a command, and which of them is being typed at the end of this line. */
export function typing(line: string): { words: string[]; at: number } | undefined {
  const command = commandOf(line);
  if (command === undefined) return undefined;
  const words = [command.verb, ...command.words];
  const at = line.trimStart().split(/ +/).length - 1;
  const last = words.at(-1) ?? "";
  return { words, at: last.endsWith("…") ? Math.min(at, words.length - 1) : at };
}

/** How many bytes of a value a line announces. */
export function announced(line: string): number | undefined {
  const command = commandOf(line);
  const word = command?.size === undefined ? undefined : line.trim().split(/ +/)[command.size + 1];
  return word !== undefined && /^\d+$/.test(word) ? Number(word) : undefined;
}

/** What `help` answers: all commands, or those of one name in either dialect. */
export function help(line: string): string {
  const verb = line.trim().split(/ +/)[1]?.toLowerCase();
  if (verb !== undefined) {
    const meant = COMMANDS.filter((command) => command.verb.toLowerCase() === verb);
    if (meant.length === 0) return `There is no command “${verb}”. Try: help`;
    return meant.map(entry).join("\n");
  }
  const dialect = (name: Command["dialect"]) =>
    COMMANDS.filter((command) => command.dialect === name)
      .map((command) => `  ${syntax(command)}`)
      .join("\n");
  return [
    "DynamiDB’s own commands, in capital letters:",
    dialect("DynamiDB"),
    "memcached’s, in small letters:",
    dialect("memcached"),
    "After a command with a size, the value comes on the next line. More: help <command>",
  ].join("\n");
}

function entry(command: Command): string {
  const block = command.size === undefined ? "" : " The value comes on the next line.";
  return `${syntax(command)}\n  ${command.help.replaceAll("`", "")}${block}`;
}
