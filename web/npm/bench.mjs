// The package beside lru-cache in one run, in processor time per operation: `make bench-npm`.
import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { Cache } from './pkg/index.js'
import { load } from './test/tools/load.mjs'

const { LRUCache } = await load('lru-cache')
const SIZE = 64
const ROUNDS = 3
const value = 'v'.repeat(SIZE)
const key = (number) => `user:${number}:profile`
const keys = (count) => Array.from({ length: count }, (_, number) => key(number))
let sink = 0

/** Nanoseconds of this process for each of `count` calls. */
function cost(count, action) {
  const before = process.cpuUsage()
  for (let number = 0; number < count; number++) action(number)
  const { user, system } = process.cpuUsage(before)
  return ((user + system) * 1000) / count
}

const CACHES = {
  dynamidb: (items) => new Cache(items * 256 + (1 << 20)),
  'dynamidb, ttl': (items) => new Cache(items * 256 + (1 << 20), { ttl: 3_600_000 }),
  'lru-cache': (max) => new LRUCache({ max }),
  'lru-cache, ttl': (max) => new LRUCache({ max, ttl: 3_600_000 }),
  'lru-cache, maxSize': (items) =>
    new LRUCache({ maxSize: items * 256, sizeCalculation: (value, key) => value.length + key.length }),
}

/** What is measured, on a cache that holds this many items. */
function measure(make, items) {
  const cache = make(items)
  const known = keys(items)
  const calls = Math.max(items, 300_000)
  // Each of the same strings again, in another order than they were stored.
  const next = (number) => known[(number * 7919) % items]
  for (const name of known) cache.set(name, value)
  return {
    get: cost(calls, (number) => (sink += cache.get(next(number)).length)),
    'get, new string': cost(calls, (number) => (sink += cache.get(key((number * 7919) % items)).length)),
    miss: cost(calls, (number) => (sink += cache.get(`absent:${number}`) === undefined)),
    set: cost(calls, (number) => cache.set(next(number), value)),
  }
}

/** Stores of new keys in a full cache. */
function evicting(make, items) {
  const cache = make(items)
  const fill = items * 4
  for (let number = 0; number < fill; number++) cache.set(key(number), value)
  return cost(300_000, (number) => cache.set(key(fill + number), value))
}

const BOUNDED = {
  dynamidb: (items) => new Cache(items * 128),
  'dynamidb, ttl': (items) => new Cache(items * 128, { ttl: 3_600_000 }),
  'lru-cache': CACHES['lru-cache'],
  'lru-cache, ttl': CACHES['lru-cache, ttl'],
  'lru-cache, maxSize': (items) =>
    new LRUCache({ maxSize: items * 84, sizeCalculation: (value, key) => value.length + key.length }),
}

function least(rounds) {
  return Object.fromEntries(
    Object.keys(rounds[0]).map((name) => [name, Math.round(Math.min(...rounds.map((round) => round[name])))]),
  )
}

function speed() {
  for (const items of [10_000, 1_000_000]) {
    const rounds = items > 100_000 ? 1 : ROUNDS
    const results = Object.fromEntries(Object.keys(CACHES).map((name) => [name, []]))
    for (let round = 0; round < rounds; round++)
      for (const name of Object.keys(CACHES)) {
        const figures = measure(CACHES[name], items)
        figures['evicting set'] = evicting(BOUNDED[name], items)
        results[name].push(figures)
      }
    console.log(`\nns of processor time, ${items.toLocaleString('en')} items of ${SIZE} characters`)
    console.table(Object.fromEntries(Object.entries(results).map(([name, rounds]) => [name, least(rounds)])))
  }
}

/** In a process of its own: a full garbage collection, and what the items added to its memory. */
function memory(name, items) {
  const make = { dynamidb: () => new Cache(items * 160), 'lru-cache': CACHES['lru-cache'] }[name]
  gc()
  const before = process.memoryUsage.rss()
  const cache = make(items)
  for (let number = 0; number < items; number++) cache.set(key(number), `${number}`.padEnd(SIZE, 'v'))
  gc()
  const pauses = Array.from({ length: 5 }, () => cost(1, () => gc()) / 1e6)
  return {
    items: cache.size,
    'bytes per item': Math.round((process.memoryUsage.rss() - before) / cache.size),
    'garbage collection, ms': Number(Math.min(...pauses).toFixed(1)),
  }
}

const [, , task, name] = process.argv
if (task === 'memory') {
  console.log(JSON.stringify(memory(name, 500_000)))
} else {
  console.log(`Node ${process.version}`)
  const figures = ['dynamidb', 'lru-cache'].map((name) => {
    const output = execFileSync('node', ['--expose-gc', fileURLToPath(import.meta.url), 'memory', name])
    return [name, JSON.parse(output)]
  })
  console.log(`\n500,000 items of ${SIZE} characters`)
  console.table(Object.fromEntries(figures))
  speed()
}
