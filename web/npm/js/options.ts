/** The options of a cache: read once and checked. The default clock is here. */

import { isBytes, lengthOf } from './bytes.js'
import type { Codec } from './codec.js'
import { argumentError } from './errors.js'

/** Which item is evicted when memory is full. */
export type Policy = 'lru' | 's3lru' | 'density' | 'refuse'

/** Why an item is no longer there: `evict` for memory or `maxItems`, `expire` for its `ttl`. */
export type RemovalReason = 'evict' | 'expire'

/** The options of a cache. */
export interface CacheOptions<V = unknown> {
  /** The item limit. By default, only memory limits the number of items. */
  maxItems?: number
  /**
   * The largest item, in bytes of key and value. 1 MiB by default, at most a quarter of the budget.
   */
  maxItemSize?: number
  /**
   * The time to live of items that are stored without one, in milliseconds. By default they stay.
   */
  ttl?: number
  /**
   * Which item is evicted when memory is full: the least recently used one (`lru`, the default);
   * one that was asked for once before others (`s3lru`); the one that takes the most memory for the
   * longest time (`density`); none, so that `set` fails (`refuse`).
   */
  policy?: Policy
  /**
   * The chunk sizes of memory, ascending multiples of 16. By default up to 64, 128, 256, 1024,
   * 4096.
   */
  slabSizes?: readonly number[]
  /**
   * The clock: returns the time in milliseconds. By default it is `performance.now` as it was when
   * this module was loaded: changes of the system's time have no effect, nor have fake timers of
   * tests. `() => Date.now()` follows both.
   */
  now?: () => number
  /** The seed of the keys' hash: 16 bytes. Random by default. */
  seed?: Uint8Array
  /** Turns values into strings or bytes and back. By default, values are strings or bytes. */
  codec?: Codec<V>
  /**
   * Is called for each item that is evicted or has expired, after the call that noticed it. It may
   * use the cache. An exception is passed on to whoever made that call.
   */
  onEviction?: (key: string, reason: RemovalReason) => void
}

export interface Settings<V> {
  memory: number
  maxItems: number | undefined
  maxItemSize: number | undefined
  ttl: number
  policy: number
  slabSizes: readonly number[]
  now: (() => number) | undefined
  seed: Uint8Array | undefined
  codec: Codec<V> | undefined
  onEviction: ((key: string, reason: RemovalReason) => void) | undefined
}

/** In the order of `src/lib.rs`. */
const POLICIES: readonly unknown[] = ['lru', 's3lru', 'refuse', 'density']
export const SEED_LENGTH = 16
const WHOLE_MAX = 2 ** 32 - 1
const ITEM_SIZE_MAX = 1 << 20

/** The default clock: no test framework has replaced it yet. */
export const monotonic: () => number = performance.now.bind(performance)

export function readOptions<V>(memory: unknown, options: unknown): Settings<V> {
  if (!isWhole(memory)) throw argumentError('the budget is a number of bytes')
  const given = (options === undefined ? {} : options) as Record<keyof CacheOptions, unknown>
  if (given === null || typeof given !== 'object')
    throw argumentError('the options are an object')
  const settings = {
    memory,
    maxItems: optional(given.maxItems, isWhole, 'maxItems is a number of items'),
    maxItemSize: optional(given.maxItemSize, isWhole, 'maxItemSize is a number of bytes'),
    ttl: ttlOf(given.ttl, Number.POSITIVE_INFINITY),
    policy: POLICIES.indexOf(given.policy === undefined ? 'lru' : given.policy),
    slabSizes: optional(given.slabSizes, isSizes, 'slabSizes is a list of sizes in bytes') ?? [],
    now: optional(given.now, isFunction<() => number>, 'the clock is a function'),
    seed: optional(given.seed, isSeed, 'the seed is a Uint8Array of 16 bytes'),
    codec: optional(given.codec, isCodec<V>, 'a codec has the functions `encode` and `decode`'),
    onEviction: optional(
      given.onEviction,
      isFunction<(key: string, reason: RemovalReason) => void>,
      'onEviction is a function',
    ),
  }
  if (settings.policy < 0) throw argumentError("policy is 'lru', 's3lru', 'density' or 'refuse'")
  settings.seed &&= new Uint8Array(settings.seed)
  return settings
}

/** A time to live in milliseconds, which may be never. */
export function ttlOf(given: unknown, otherwise: number): number {
  if (given === undefined) return otherwise
  if (typeof given === 'number' && given >= 0) return given
  throw argumentError('a time to live is a number of milliseconds')
}

/** The largest value worth passing on. */
export function valueMax(settings: Settings<unknown>): number {
  return Math.min(settings.maxItemSize ?? ITEM_SIZE_MAX, settings.memory)
}

function optional<T>(given: unknown, isValid: (given: unknown) => given is T, message: string) {
  if (given === undefined || isValid(given)) return given
  throw argumentError(message)
}

function isWhole(given: unknown): given is number {
  return Number.isInteger(given) && (given as number) >= 0 && (given as number) <= WHOLE_MAX
}

function isSizes(given: unknown): given is number[] {
  return Array.isArray(given) && given.length > 0 && given.every(isWhole)
}

function isFunction<F>(given: unknown): given is F {
  return typeof given === 'function'
}

function isSeed(given: unknown): given is Uint8Array {
  return isBytes(given) && lengthOf(given) === SEED_LENGTH
}

function isCodec<V>(given: unknown): given is Codec<V> {
  const codec = given as Codec<V> | null
  return typeof codec?.encode === 'function' && typeof codec.decode === 'function'
}
