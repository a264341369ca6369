/** How values that are neither strings nor bytes are stored. */

/** What a cache stores as it is. */
export type Stored = string | Uint8Array

/**
 * Turns values into strings or bytes and back. Exceptions of a codec are passed on.
 *
 * @example Node's structured clone, for maps, dates, typed arrays and cycles:
 * ```js
 * import { deserialize, serialize } from 'node:v8'
 * const cache = new Cache(1 << 20, { codec: { encode: serialize, decode: deserialize } })
 * ```
 */
export interface Codec<V> {
  encode(value: V): Stored
  decode(stored: Stored): V
}

/**
 * The codec for values of JSON.
 *
 * @example
 * ```ts
 * const users = new Cache(1 << 20, { codec: json<User>() })
 * ```
 */
export function json<V = unknown>(): Codec<V> {
  return JSON_CODEC
}

const JSON_CODEC: Codec<any> = {
  encode: (value) => JSON.stringify(value),
  decode: (stored) => JSON.parse(stored as string),
}
