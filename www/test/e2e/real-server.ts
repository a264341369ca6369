// The server itself, with its admin port.

import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { connect } from "node:net";
import { createInterface } from "node:readline";

/** What `make test-www` builds first. */
const PROGRAM = process.env.DYNAMIDB ?? "../target/release/dynamidb";

export class RealServer {
  readonly #process: ChildProcess;
  readonly #port: number;
  readonly url: string;

  private constructor(process: ChildProcess, port: number, url: string) {
    [this.#process, this.#port, this.url] = [process, port, url];
  }

  static async start(): Promise<RealServer> {
    assert.ok(existsSync(PROGRAM), `no ${PROGRAM}: run \`cargo build --release\` first`);
    const options = ["-l", "127.0.0.1", "-p", "0", "-t", "1", "--admin", "127.0.0.1:0"];
    const process = spawn(PROGRAM, options, { stdio: ["ignore", "ignore", "pipe"] });
    let [port, url] = [0, ""];
    for await (const line of createInterface({ input: process.stderr })) {
      port ||= Number(/listening on 127\.0\.0\.1:(\d+)/.exec(line)?.[1] ?? 0);
      url ||= /admin port: (http:\S+\/),/.exec(line)?.[1] ?? "";
      if (port !== 0 && url !== "") break;
    }
    assert.ok(port !== 0 && url !== "", "the server did not start");
    return new RealServer(process, port, url);
  }

  /** Sends requests whose replies have one line each, waits for these, and stays connected. */
  async send(requests: string[]): Promise<void> {
    const socket = connect(this.#port, "127.0.0.1");
    let lines = 0;
    await new Promise<void>((resolve, reject) => {
      socket.on("error", reject);
      socket.on("data", (data) => {
        lines += String(data).split("\n").length - 1;
        if (lines >= requests.length) resolve();
      });
      socket.write(requests.join(""));
    });
  }

  async stop(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const ended = new Promise((resolve) => this.#process.once("exit", resolve));
    this.#process.kill("SIGTERM");
    await ended;
  }
}
