import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import { type Language, program } from "../src/programs.ts";

const ALL = Uint8Array.from({ length: 256 }, (_, at) => at);
const bytes = (text: string) => new TextEncoder().encode(text);

test("the shell command sends exactly these bytes", () => {
  const command = program("nc", ALL).split(" | ")[0] ?? "";
  assert.deepEqual(Uint8Array.from(execFileSync("sh", ["-c", command])), ALL);
  assert.equal(program("nc", bytes("get a\r\n")), "printf 'get a\\r\\n' | nc 127.0.0.1 11212");
});

test("the literals of the other languages have exactly these bytes", () => {
  // The escapes that are used mean the same in JavaScript as in Python, PHP and Rust.
  const escape = /\\(x[0-9a-f]{2}|[rn\\"])/g;
  const named: Record<string, number> = { r: 13, n: 10, "\\": 92, '"': 34 };
  for (const language of ["python", "php", "rust"] satisfies Language[]) {
    const literal = /"((?:[^"\\]|\\.)*)"\)(?:\?)?;?\n/g;
    const found = [...program(language, ALL).matchAll(literal)].map((match) => match[1] ?? "");
    const text = found.find((text) => text.includes("\\x00")) ?? "";
    const read = text.replace(escape, (_, code: string) =>
      String.fromCharCode(named[code] ?? Number.parseInt(code.slice(1), 16)),
    );
    assert.deepEqual(
      Uint8Array.from(read, (char) => char.charCodeAt(0)),
      ALL,
      language,
    );
    if (language === "php") assert.ok(!/[^\\]\$/.test(text), "PHP replaces $names in strings");
  }
});
