/// <reference lib="esnext.disposable" preserve="true" />
/** The cache that programs see. */

import { type Engine, Restore } from '../dist/engine.js'
import { isBytes, lengthOf } from './bytes.js'
import type { Codec, Stored } from './codec.js'
import { argumentError, type CacheError, freedError, NOT_STORED, statusError } from './errors.js'
import * as memory from './memory.js'
import { drawSeed, openEngine, tryOpen } from './open.js'
import { Removals } from './removals.js'
import {
  type CacheOptions,
  monotonic,
  readOptions,
  type Settings,
  ttlOf,
  valueMax,
} from './options.js'
import { initSync } from './wasm.js'

/** Counters since the cache was made, and what it holds now. */
export interface CacheStats {
  items: number
  /** Bytes of the items' chunks. */
  bytes: number
  /** The budget in bytes. */
  limit: number
  hits: number
  misses: number
  evictions: number
  /** Expired items whose memory was reclaimed. */
  expired: number
  /** Items that went without a call of `onEviction`, because one operation removed thousands. */
  unreported: number
}

/** In the order of `src/lib.rs`. */
const STATS = ['items', 'bytes', 'limit', 'hits', 'misses', 'evictions', 'expired'] as const

/** What became of the items of a snapshot. */
export interface Restored {
  /** If memory is full, later ones have evicted earlier ones. */
  stored: number
  /** Items that have expired meanwhile. */
  expired: number
  /** Items that are too large, or whose key is not UTF-8. */
  refused: number
}

/** Bytes in one or more pieces, cut anywhere: an array of them, a stream, a file. */
export type Pieces = Uint8Array | Iterable<Uint8Array> | AsyncIterable<Uint8Array>

/** How long an item lives: a number of milliseconds, `Infinity` for ever, also as `{ ttl }`. */
export type Ttl = number | { ttl?: number | undefined }

/**
 * A cache with a hard memory bound: by default of strings and bytes, with a codec of values of type
 * `V`.
 *
 * When memory is full, the least recently used item is evicted. Expired items are never served.
 * Errors have a `code`: see `CacheError`. Every method throws `ARGUMENT` for arguments of a wrong
 * type, and `FREED` after `free()`.
 */
export class Cache<V = Stored> {
  /** None after `free()`, and before the first use if no seed could be drawn yet. */
  private engine: Engine | undefined
  /** Only until there is an engine. */
  private settings: Settings<V> | undefined
  private readonly codec: Codec<V> | undefined
  private readonly clock: () => number
  /** Whether the time matters: not before the first item that may expire, but for a given clock. */
  private timed: boolean
  private readonly ttl: number
  private readonly valueMax: number
  /** What is being loaded, by key. */
  private readonly loads = new Map<string, Promise<V | undefined>>()
  private readonly removals: Removals | undefined

  /**
   * Makes a cache with a budget of `bytes` for everything: items, index and records.
   *
   * Throws `ARGUMENT` if the budget is too small or too large, and `OUT_OF_MEMORY` if it could not
   * be allocated.
   */
  constructor(bytes: number, options: CacheOptions<V> & { codec: Codec<V> })
  constructor(bytes: V extends Stored ? number : never, options?: CacheOptions<V>)
  constructor(bytes: number, options?: CacheOptions<V>) {
    const settings = readOptions<V>(bytes, options)
    this.codec = settings.codec
    this.clock = settings.now ?? monotonic
    this.timed = settings.now !== undefined || settings.ttl !== Number.POSITIVE_INFINITY
    this.ttl = settings.ttl
    this.valueMax = valueMax(settings)
    this.removals = settings.onEviction && new Removals(settings.onEviction)
    initSync()
    this.engine = tryOpen(settings)
    this.settings = this.engine === undefined ? settings : undefined
  }

  /** Returns a value, or `undefined` if there is none. Counts as use. */
  get(key: string): V | undefined {
    const found = this.find(key)
    const value = found === 0 ? undefined : this.value(found - 1)
    this.report()
    return value
  }

  /** Returns a value, or `undefined` if there is none. Does not count as use. */
  peek(key: string): V | undefined {
    const now = this.timed ? this.now() : 0
    const found = (this.engine ?? this.open()).peek(now, memory.writeKey(key))
    return found === 0 ? undefined : this.value(found - 1)
  }

  /** Returns a value as it is stored, as a string: bytes are read as UTF-8. Counts as use. */
  getString(key: string): string | undefined {
    const found = this.find(key)
    const text = found === 0 ? undefined : memory.readText(found - 1 === memory.ASCII)
    this.report()
    return text
  }

  /** Returns a value as it is stored, as bytes: of a string, its UTF-8. Counts as use. */
  getBytes(key: string): Uint8Array | undefined {
    const bytes = this.find(key) === 0 ? undefined : memory.readBytes()
    this.report()
    return bytes
  }

  /** Returns whether there is a value. Does not count as use. */
  has(key: string): boolean {
    const now = this.timed ? this.now() : 0
    return (this.engine ?? this.open()).has(now, memory.writeKey(key))
  }

  /**
   * Stores a value, by default for the `ttl` of the cache's options.
   *
   * Throws `KEY_LENGTH` if the key is empty or longer than 250 bytes of UTF-8, `VALUE_TOO_LARGE`,
   * and
   * `OUT_OF_MEMORY` if no space could be freed. A value that was there is deleted all the same.
   */
  set(key: string, value: V, ttl?: Ttl): this {
    this.store(key, value, ttl, false)
    return this
  }

  /** Stores a value if there is none. Returns whether it did. Throws as `set`. */
  add(key: string, value: V, ttl?: Ttl): boolean {
    return this.store(key, value, ttl, true)
  }

  /**
   * Returns the value under a key, or else calls `loader`, stores what it returns, and returns
   * that. While it is being loaded, further calls for this key wait for the same result.
   *
   * If the loader fails, all of them fail, and nothing is stored; nor is `undefined`, or a value
   * for which there is no space. `set`, `add`, `delete`, `deletePrefix` and `clear` forget the
   * load: its result goes to those who wait for it and is not stored.
   */
  async fetch(
    key: string,
    loader: (key: string) => V | undefined | PromiseLike<V | undefined>,
    ttl?: Ttl,
  ): Promise<V | undefined> {
    const value = this.get(key)
    if (value !== undefined) return value
    return this.loads.get(key) ?? this.load(key, loader, this.millis(ttl))
  }

  /**
   * Sets a value's time to live, by default that of the options. Returns whether there is a value.
   */
  touch(key: string, ttl?: Ttl): boolean {
    const millis = this.millis(ttl)
    const now = this.timed ? this.now() : 0
    const isThere = (this.engine ?? this.open()).touch(now, memory.writeKey(key), millis)
    this.report()
    return isThere
  }

  /**
   * Returns how many milliseconds a value has left: `Infinity` if it does not expire, `undefined`
   * if there is none. Does not count as use.
   */
  remainingTtl(key: string): number | undefined {
    const now = this.timed ? this.now() : 0
    const millis = (this.engine ?? this.open()).remaining(now, memory.writeKey(key))
    return millis < 0 ? undefined : millis
  }

  /** Deletes a value. Returns whether there was one. */
  delete(key: string): boolean {
    const now = this.timed ? this.now() : 0
    const wasThere = (this.engine ?? this.open()).delete(now, memory.writeKey(key))
    this.loads.delete(key)
    this.report()
    return wasThere
  }

  /**
   * Adds to a whole number that is stored as a string, and returns the sum; `undefined` if there is
   * no value. Stops at 0.
   *
   * Throws `NOT_A_NUMBER` if the value is none.
   */
  increment(key: string, delta = 1): number | undefined {
    if (!Number.isInteger(delta) || Math.abs(delta) >= 2 ** 32)
      throw argumentError('the number to add is a whole number below 2 ** 32')
    const now = this.timed ? this.now() : 0
    const sum = (this.engine ?? this.open()).increment(now, memory.writeKey(key), delta)
    this.report()
    if (sum < -1) throw statusError(-sum)
    return sum < 0 ? undefined : sum
  }

  /** Deletes all values. */
  clear(): void {
    const engine = this.engine ?? this.open()
    this.loads.clear()
    engine.clear()
  }

  /**
   * Deletes all values whose keys begin with this, at once, however many there are. Their memory is
   * reclaimed by `maintain`, and by calls that come across them.
   *
   * Throws `KEY_LENGTH` if the prefix is empty or longer than 250 bytes of UTF-8.
   */
  deletePrefix(prefix: string): void {
    const now = this.timed ? this.now() : 0
    const engine = this.engine ?? this.open()
    const status = engine.deletePrefix(now, memory.writeKey(prefix))
    this.report()
    if (status !== 0) throw statusError(status)
    for (const key of this.loads.keys()) if (key.startsWith(prefix)) this.loads.delete(key)
  }

  /**
   * Reclaims the memory of expired items and of those that `deletePrefix` has deleted, a bounded
   * number at a time. They are never served, with or without this. Returns whether there is more
   * to do.
   */
  maintain(): boolean {
    const now = this.timed ? this.now() : 0
    const isMore = (this.engine ?? this.open()).maintain(now)
    this.report()
    return isMore
  }

  /** The number of items, including those that are gone but whose memory is not reclaimed yet. */
  get size(): number {
    return (this.engine ?? this.open()).size
  }

  /**
   * The keys that are there when this is called, the most recently used first. All iterators go on
   * if the cache is changed meanwhile; none counts as use.
   */
  keys(): IterableIterator<string> {
    const now = this.timed ? this.now() : 0
    const keys: string[] = []
    const receive = (address: number, length: number) => {
      keys.push(memory.keyAtAddress(address, length))
    }
    ;(this.engine ?? this.open()).keys(now, { receive })
    return keys.values()
  }

  /** The keys that are there when this is called, with their values unless they have gone since. */
  entries(): IterableIterator<[string, V]> {
    return entriesOf(this, this.keys())
  }

  /** The values, in the order of the keys. */
  values(): IterableIterator<V> {
    return valuesOf(this.entries())
  }

  [Symbol.iterator](): IterableIterator<[string, V]> {
    return this.entries()
  }

  /** Calls `action` for each entry. */
  forEach(action: (value: V, key: string, cache: this) => void): void {
    for (const [key, value] of this.entries()) action(value, key, this)
  }

  /** Returns the counters. */
  stats(): CacheStats {
    const engine = this.engine ?? this.open()
    const stats = { unreported: this.removals?.unreported ?? 0 } as CacheStats
    for (const [index, name] of STATS.entries()) stats[name] = engine.stat(index)
    return stats
  }

  /**
   * Returns the pieces of a snapshot: all items in the order of use, with their times to live.
   * Write them to a file, one after the other; `restore` reads them again, and so does the server.
   *
   * Throws `OUT_OF_MEMORY` if there is no memory for a piece.
   */
  save(): Uint8Array[] {
    const now = this.timed ? this.now() : 0
    const pieces: Uint8Array[] = []
    const receive = (address: number, length: number) => {
      pieces.push(memory.bytesAtAddress(address, length))
    }
    const status = (this.engine ?? this.open()).save(now, Date.now(), { receive })
    if (status !== 0) throw statusError(status)
    return pieces
  }

  /**
   * Stores the items of a snapshot, and returns what became of them. Times to live go on by the
   * system's clock between `save` and `restore`. What the cache has stays, unless the snapshot has
   * the same key.
   *
   * Throws `SNAPSHOT` if the bytes are no snapshot, or one that is truncated, corrupted or of a
   * newer version. What was stored before that stays, until `clear`.
   */
  async restore(pieces: Pieces): Promise<Restored> {
    if (!isIterable(pieces))
      throw argumentError('a snapshot is a Uint8Array, or several of them in an array or a stream')
    // From now on, items may expire.
    this.timed = true
    this.engine ??= this.open()
    const restore = new Restore(this.now(), Date.now())
    try {
      if (isBytes(pieces)) this.feed(restore, pieces)
      else for await (const piece of pieces) this.feed(restore, piece)
      const status = restore.finish()
      if (status !== 0) throw statusError(status)
      return { stored: restore.count(0), expired: restore.count(1), refused: restore.count(2) }
    } finally {
      restore.free()
    }
  }

  /** Frees the cache's memory now instead of when it is garbage-collected. May be called again. */
  free(): void {
    this.engine?.free()
    this.engine = undefined
    this.settings = undefined
    this.loads.clear()
  }

  /** Frees the cache at the end of a `using` declaration's scope. */
  declare [Symbol.dispose]: () => void

  /** Makes the engine that the constructor could not make yet. */
  private open(): Engine {
    if (this.settings === undefined) throw freedError()
    this.engine = openEngine(this.settings, drawSeed())
    this.settings = undefined
    return this.engine
  }

  private now(): number {
    const now = this.clock()
    if (typeof now === 'number' && now >= 0 && now <= Number.MAX_SAFE_INTEGER) return now
    throw argumentError('the clock returns a number of milliseconds')
  }

  private millis(ttl: Ttl | undefined): number {
    const given = typeof ttl === 'object' && ttl !== null ? ttl.ttl : ttl
    const millis = ttlOf(given, this.ttl)
    if (millis !== Number.POSITIVE_INFINITY) this.timed = true
    return millis
  }

  /** Looks for a value: 0 if there is none, otherwise 1 more than its flags. */
  private find(key: string): number {
    const now = this.timed ? this.now() : 0
    return (this.engine ?? this.open()).get(now, memory.writeKey(key))
  }

  /** The value that was found. */
  private value(flags: number): V {
    const stored =
      flags === memory.BYTES ? memory.readBytes() : memory.readText(flags === memory.ASCII)
    return this.codec === undefined ? (stored as V) : this.codec.decode(stored)
  }

  /** The program's own code, a codec or a clock, runs before anything is written to the memory. */
  private store(key: string, value: V, ttl: Ttl | undefined, onlyNew: boolean): boolean {
    const millis = ttl === undefined ? this.ttl : this.millis(ttl)
    const stored = this.codec === undefined ? value : this.codec.encode(value)
    const now = this.timed ? this.now() : 0
    const engine = this.engine ?? this.open()
    const size = this.write(stored)
    const status = engine.store(
      now,
      memory.writeKey(key),
      size,
      memory.flags,
      millis,
      onlyNew,
    )
    memory.trim()
    if (status !== NOT_STORED && this.loads.size > 0) this.loads.delete(key)
    this.report()
    if (status > NOT_STORED) throw statusError(status)
    return status !== NOT_STORED
  }

  /** Writes a value for the engine, and returns its size in bytes. */
  private write(value: unknown): number {
    if (typeof value === 'string') return memory.writeText(value, this.valueMax)
    if (isBytes(value)) return memory.writeBytes(value, this.valueMax)
    throw argumentError('a value is a string or a Uint8Array')
  }

  /** Calls `onEviction`, at the end of whatever may have removed items. */
  private report(): void {
    if (this.removals !== undefined && this.engine !== undefined) this.removals.report(this.engine)
  }

  private feed(restore: Restore, piece: Uint8Array): void {
    if (!isBytes(piece)) throw argumentError('a piece of a snapshot is a Uint8Array')
    for (let at = 0; at < lengthOf(piece); ) {
      const engine = this.engine ?? this.open()
      const length = memory.writePart(piece, at)
      const status = restore.feed(engine, length)
      this.report()
      if (status !== 0) throw statusError(status)
      at += length
    }
  }

  private load(
    key: string,
    loader: (key: string) => V | undefined | PromiseLike<V | undefined>,
    millis: number,
  ): Promise<V | undefined> {
    const run = async () => {
      // The loader begins when this load can be found.
      await undefined
      try {
        const value = await loader(key)
        if (value !== undefined && this.loads.get(key) === load) this.keep(key, value, millis)
        return value
      } finally {
        if (this.loads.get(key) === load) this.loads.delete(key)
      }
    }
    const load = run()
    this.loads.set(key, load)
    return load
  }

  /** Stores a value if there is space for it. */
  private keep(key: string, value: V, millis: number): void {
    try {
      this.set(key, value, millis)
    } catch (error) {
      const { code } = error as Partial<CacheError>
      if (code !== 'VALUE_TOO_LARGE' && code !== 'OUT_OF_MEMORY') throw error
    }
  }
}

Object.defineProperty(Cache.prototype, Symbol.dispose ?? Symbol('dispose'), {
  value: Cache.prototype.free,
  configurable: true,
  writable: true,
})

// What Node shows of a cache: how many items there are, never which.
Object.defineProperty(Cache.prototype, Symbol.for('nodejs.util.inspect.custom'), {
  value(this: { engine?: Engine }) {
    return `Cache(${this.engine?.size ?? 0})`
  },
})

function* entriesOf<V>(cache: Cache<V>, keys: Iterable<string>): IterableIterator<[string, V]> {
  for (const key of keys) {
    const value = cache.peek(key)
    if (value !== undefined) yield [key, value]
  }
}

function* valuesOf<V>(entries: Iterable<[string, V]>): IterableIterator<V> {
  for (const [, value] of entries) yield value
}

/** Whether `for await` takes a value. */
function isIterable(value: unknown): boolean {
  const of = value as { [name: symbol]: unknown } | null | undefined
  const makers = [of?.[Symbol.asyncIterator], of?.[Symbol.iterator]]
  return makers.some((make) => typeof make === 'function')
}
