// The commands. Completion, the syntax hint, the prompt for a value and `help` use this table.

import table from "./commands.json" with { type: "json" };

export interface Command {
  dialect: "DynamiDB" | "memcached";
  verb: string;
  /** The arguments. One in square brackets is optional. */
  words: string[];
  /** The index of the argument that is the size of the value on the next line. */
  size?: number;
  help: string;
}

/** The core has the table; `make generate` writes it. */
export const COMMANDS = table.commands as readonly Command[];

/** What `stats` can be asked for. */
export const STATS =
  COMMANDS.find(({ verb }) => verb === "stats")
    ?.words[0]?.replace(/[[\]]/g, "")
    .split("|") ?? [];

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
