// What a server's admin port answers. This is the only file that knows the network.

import type { Prediction } from "../curve.ts";

/** How long an answer may take, in milliseconds. */
const TIMEOUT = 5000;

/** `/api/server`. */
export interface ServerFacts {
  version: string;
  uptime_s: number;
  policy: string;
  shards: number;
  memory_limit: number;
  keys_shown: boolean;
  listen: string[];
}

/** `/api/stats`. */
export interface ServerStats {
  now_ms: number;
  stats: Record<string, number | string>;
  slabs: Record<string, number>[];
  latency: Record<string, Latency>;
  shards: Record<string, number>[];
  conns: { addr: string; state: string; age_s: number; idle_s: number }[];
}

/** How many requests took at most so long, and the last number: longer than that. */
export interface Latency {
  le_us: number[];
  count: number[];
}

/** `/api/hotkeys`. Keys are percent-encoded. */
export interface SentHotKeys {
  seconds: number;
  sampled: number;
  keys: { key: string; share: number; kind: string; error: number }[];
}

/** `/api/advice`. */
export interface Advice {
  ready: boolean;
  hit_ratio: number;
  points: Prediction[];
  text: string;
}

async function get(path: string): Promise<Response> {
  return fetch(path, { signal: AbortSignal.timeout(TIMEOUT), cache: "no-store" });
}

/** The answer as JSON; `undefined` if the server does not offer it. Throws if there is none. */
export async function ask<T>(path: string): Promise<T | undefined> {
  const response = await get(path);
  if (response.status === 404) return undefined;
  if (!response.ok) throw new Error(`${path}: ${response.status}`);
  return (await response.json()) as T;
}

/** The bytes of a shard's map; `undefined` if the server has none. Throws if there is no answer. */
export async function askMap(shard: number): Promise<ArrayBuffer | undefined> {
  const response = await get(`/api/map?shard=${shard}`);
  if (response.status === 404) return undefined;
  if (!response.ok) throw new Error(`map: ${response.status}`);
  return response.arrayBuffer();
}

/** A number of the statistics; 0 if it is missing. */
export function number(stats: Record<string, unknown>, name: string): number {
  const value = Number(stats[name] ?? 0);
  return Number.isFinite(value) ? value : 0;
}
