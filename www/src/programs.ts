// Messages as programs that send them to a server.

export type Language = "nc" | "python" | "php" | "rust";

const PORT = 11212;
const HOST = "127.0.0.1";

/** A program in this language that sends these bytes and prints the replies. */
export function program(language: Language, bytes: Uint8Array): string {
  switch (language) {
    case "nc":
      return `printf '${shell(bytes)}' | nc ${HOST} ${PORT}`;
    case "python":
      return [
        "import socket",
        "",
        `with socket.create_connection(("${HOST}", ${PORT})) as server:`,
        `    server.sendall(b"${escaped(bytes, "")}")`,
        "    server.shutdown(socket.SHUT_WR)",
        "    while data := server.recv(65536):",
        '        print(data.decode(errors="replace"), end="")',
        "",
      ].join("\n");
    case "php":
      return [
        "<?php",
        `$server = fsockopen("${HOST}", ${PORT});`,
        `fwrite($server, "${escaped(bytes, "$")}");`,
        "stream_socket_shutdown($server, STREAM_SHUT_WR);",
        "echo stream_get_contents($server);",
        "",
      ].join("\n");
    case "rust":
      return [
        "use std::io::{Read, Write};",
        "use std::net::{Shutdown, TcpStream};",
        "",
        "fn main() -> std::io::Result<()> {",
        `    let mut server = TcpStream::connect(("${HOST}", ${PORT}))?;`,
        `    server.write_all(b"${escaped(bytes, "")}")?;`,
        "    server.shutdown(Shutdown::Write)?;",
        "    let mut replies = Vec::new();",
        "    server.read_to_end(&mut replies)?;",
        '    print!("{}", String::from_utf8_lossy(&replies));',
        "    Ok(())",
        "}",
        "",
      ].join("\n");
  }
}

/** For `printf` in single quotes: octal, which every shell knows. */
function shell(bytes: Uint8Array): string {
  const named: Record<string, string> = { "\r": "\\r", "\n": "\\n", "\\": "\\\\", "%": "%%" };
  return Array.from(bytes, (byte) => {
    const char = String.fromCharCode(byte);
    if (named[char] !== undefined) return named[char];
    const isPlain = byte >= 32 && byte < 127 && char !== "'";
    return isPlain ? char : `\\${byte.toString(8).padStart(3, "0")}`;
  }).join("");
}

/** For double quotes: hexadecimal, which Python, PHP and Rust share. */
function escaped(bytes: Uint8Array, special: string): string {
  const named: Record<string, string> = { "\r": "\\r", "\n": "\\n", "\\": "\\\\", '"': '\\"' };
  return Array.from(bytes, (byte) => {
    const char = String.fromCharCode(byte);
    if (named[char] !== undefined) return named[char];
    const isPlain = byte >= 32 && byte < 127 && !special.includes(char);
    return isPlain ? char : `\\x${byte.toString(16).padStart(2, "0")}`;
  }).join("");
}
