// A program that uses the package, wherever it is loaded.
import { equal, late, passesOn, throws } from './check.mjs'
import { features } from './features.mjs'

export async function use(dynamidb) {
  const { Cache } = dynamidb
  deadlines(Cache)
  values(Cache)
  budget(Cache)
  errors(Cache)
  keys(Cache)
  types(Cache)
  arrays(Cache)
  clocks(Cache)
  getters(Cache)
  freed(Cache)
  await features(dynamidb)
  return 'used'
}

function deadlines(Cache) {
  let time = 1000
  const cache = new Cache(1 << 16, { now: () => time })
  cache.set('brief', 'value', 500)
  cache.set('kept', 'value')
  time = 1499
  equal(cache.get('brief'), 'value')
  equal(cache.touch('brief', 100), true)
  time = 1598
  equal(cache.has('brief'), true)
  time = 1599
  equal(cache.has('brief'), false)
  equal([...cache.keys()].join(), 'kept')
  time = Number.MAX_SAFE_INTEGER
  equal(cache.get('kept'), 'value')
  equal(cache.maintain(), false)
  equal(cache.size, 1)
  equal(cache.stats().expired, 1)
}

function values(Cache) {
  const cache = new Cache(1 << 18, { seed: new Uint8Array(16) })
  cache.set('text', 'grüße 🙂')
  equal(cache.get('text'), 'grüße 🙂')
  cache.set('empty', '')
  equal(cache.get('empty'), '')
  const bytes = Uint8Array.from({ length: 50_000 }, (_, index) => index % 251)
  cache.set('bytes', bytes)
  equal(cache.get('bytes').every((byte, index) => byte === bytes[index]), true)
  equal(cache.get('bytes').length, bytes.length)
  equal(cache.add('text', 'other'), false)
  equal(cache.increment('count'), undefined)
  equal(cache.add('count', '40'), true)
  equal(cache.increment('count', 2), 42)
  equal(cache.increment('count', -50), 0)
  equal(cache.delete('count'), true)
  equal(cache.delete('count'), false)
  equal([...cache.keys()].join(), 'text,bytes,empty')
  cache.clear()
  equal(cache.size, 0)
}

function budget(Cache) {
  const cache = new Cache(1 << 16)
  for (let number = 0; number < 5000; number++) cache.set(`key ${number}`, 'v'.repeat(100))
  const { items, evictions, bytes, limit } = cache.stats()
  equal(items + evictions, 5000)
  equal(bytes < limit && limit === 1 << 16, true)
  equal(cache.get('key 0'), undefined)
  equal(cache.get('key 4999').length, 100)
  const few = new Cache(1 << 16, { maxItems: 3 })
  for (const key of ['a', 'b', 'c', 'd']) few.set(key, key)
  equal([...few.keys()].join(), 'd,c,b')
}

function errors(Cache) {
  for (const bytes of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 5000, '1', undefined])
    throws('ARGUMENT', () => new Cache(bytes))
  throws('OUT_OF_MEMORY', () => new Cache(2 ** 32 - 1))
  for (const options of [{ maxItems: -1 }, { maxItemSize: 0 }, { now: 5 }, { seed: new Uint8Array(15) }])
    throws('ARGUMENT', () => new Cache(1 << 16, options))
  const cache = new Cache(1 << 16)
  throws('KEY_LENGTH', () => cache.set('', 'value'))
  throws('KEY_LENGTH', () => cache.set('k'.repeat(251), 'value'))
  throws('VALUE_TOO_LARGE', () => cache.set('key', 'v'.repeat(1 << 16)))
  throws('ARGUMENT', () => cache.set('key', 5))
  throws('ARGUMENT', () => cache.set('key', 'value', -1))
  throws('ARGUMENT', () => cache.set('key', 'value', Number.NaN))
  cache.set('key', 'value')
  throws('NOT_A_NUMBER', () => cache.increment('key'))
  throws('ARGUMENT', () => cache.increment('key', 0.5))
  throws('ARGUMENT', () => new Cache(1 << 16, { now: () => 'late' }).get('key'))
  equal(cache.get('k'.repeat(251)), undefined)
  equal(cache.get('key'), 'value')
}

// Values of the wrong type for any argument.
const WRONG_TYPES = [5, -0, Number.NaN, 5n, true, Symbol('s'), {}, [], () => 'x', new String('x'), { length: 2 ** 31 }]
const NOT_UNICODE = ['\ud800', '\udfff', 'a\ud83d', '\ude42b', '\ud83d\ufffd']

function keys(Cache) {
  const cache = new Cache(1 << 16)
  const calls = [
    (key) => cache.get(key),
    (key) => cache.peek(key),
    (key) => cache.getString(key),
    (key) => cache.getBytes(key),
    (key) => cache.remainingTtl(key),
    (key) => cache.has(key),
    (key) => cache.set(key, 'value'),
    (key) => cache.add(key, 'value'),
    (key) => cache.touch(key),
    (key) => cache.delete(key),
    (key) => cache.increment(key),
  ]
  for (const call of calls)
    for (const key of [...WRONG_TYPES, ...NOT_UNICODE, null, undefined, new Uint8Array(3)])
      throws('ARGUMENT', () => call(key))
  equal(cache.size, 0)
  // The replacement character itself is valid.
  cache.set('\ufffd', 'one')
  cache.set('\ufffd🙂', 'two')
  equal(cache.get('\ufffd') + cache.get('\ufffd🙂'), 'onetwo')
  cache.set('ü'.repeat(125), 'longest')
  equal(cache.get('ü'.repeat(125)), 'longest')
  throws('KEY_LENGTH', () => cache.set('ü'.repeat(126), 'value'))
  throws('KEY_LENGTH', () => cache.set('k'.repeat(1 << 20), 'value'))
  equal(cache.get('k'.repeat(1 << 20)), undefined)
}

function types(Cache) {
  for (const bytes of [...WRONG_TYPES.slice(2), '1048576', null]) throws('ARGUMENT', () => new Cache(bytes))
  for (const options of [5, 'text', true, 5n, Symbol('s')]) throws('ARGUMENT', () => new Cache(1 << 16, options))
  for (const name of ['maxItems', 'maxItemSize', 'policy', 'slabSizes', 'now', 'seed', 'codec', 'onEviction'])
    for (const value of ['5', 5n, null, Symbol('s'), {}, -1, 1.5, Number.NaN, true])
      throws('ARGUMENT', () => new Cache(1 << 16, { [name]: value }))
  const cache = new Cache(1 << 16)
  for (const value of [...WRONG_TYPES, ...NOT_UNICODE, null, undefined, new ArrayBuffer(3), new Uint16Array(3)]) {
    throws('ARGUMENT', () => cache.set('key', value))
    throws('ARGUMENT', () => cache.add('key', value))
  }
  const notTimes = [Number.NaN, 5n, true, Symbol('s'), () => 'x', '5', null, -1, -0.1, Number.NEGATIVE_INFINITY]
  for (const ttl of [...notTimes, ...notTimes.map((ttl) => ({ ttl }))]) {
    throws('ARGUMENT', () => cache.set('key', 'value', ttl))
    throws('ARGUMENT', () => cache.add('key', 'value', ttl))
    throws('ARGUMENT', () => cache.touch('key', ttl))
  }
  equal(cache.size, 0)
  cache.set('key', '1', Number.POSITIVE_INFINITY)
  equal(cache.touch('key', Number.MAX_VALUE), true)
  equal(cache.get('key'), '1')
  for (const delta of [...WRONG_TYPES.slice(2), '1', 0.5, 2 ** 32, -(2 ** 32), Number.POSITIVE_INFINITY])
    throws('ARGUMENT', () => cache.increment('key', delta))
  equal(cache.increment('key', 2 ** 32 - 1), 2 ** 32)
  equal(cache.increment('key', 1 - 2 ** 32), 1)
}

function arrays(Cache) {
  const cache = new Cache(1 << 18)
  const set = (value) => cache.set('key', value)
  set(new Uint8Array(0))
  equal(cache.get('key').length, 0)
  // jsdom has no `structuredClone`.
  if (typeof structuredClone === 'function') {
    const buffer = new ArrayBuffer(8)
    const views = [new Uint8Array(buffer), new Uint8Array(buffer, 4, 2)]
    structuredClone(buffer, { transfer: [buffer] })
    for (const view of views) throws('ARGUMENT', () => set(view))
    throws('ARGUMENT', () => new Cache(1 << 16, { seed: views[0] }))
  }
  if (ArrayBuffer.prototype.resize) {
    const resizable = new ArrayBuffer(8, { maxByteLength: 16 })
    const [all, end] = [new Uint8Array(resizable), new Uint8Array(resizable, 4, 4)]
    resizable.resize(16)
    set(all)
    equal(cache.get('key').length, 16)
    resizable.resize(6)
    set(all)
    equal(cache.get('key').length, 6)
    throws('ARGUMENT', () => set(end))
  }
  // A subclass may say anything, and do anything meanwhile.
  class Liar extends Uint8Array {
    get [Symbol.toStringTag]() {
      cache.set('other', 'value')
      return 'Liar'
    }
    get length() {
      cache.set('other', 'value')
      return 500
    }
    get byteLength() {
      return 0
    }
    slice = late
  }
  set(new Liar([1, 2, 3]))
  equal(cache.get('key').join(), '1,2,3')
  throws('ARGUMENT', () => new Cache(1 << 16, { seed: new Liar(15) }))
  new Cache(1 << 16, { seed: new Liar(16) }).free()
  if (typeof SharedArrayBuffer !== 'undefined') {
    set(new Uint8Array(new SharedArrayBuffer(3)).fill(7))
    equal(cache.get('key').join(), '7,7,7')
  }
  throws('VALUE_TOO_LARGE', () => set(new Uint8Array(1 << 28)))
  // As with any rejected value, the one before is deleted.
  equal(cache.get('key'), undefined)
  throws('VALUE_TOO_LARGE', () => set('v'.repeat(1 << 28)))
  const small = new Cache(1 << 16, { maxItemSize: 100 })
  small.set('key', new Uint8Array(97))
  throws('VALUE_TOO_LARGE', () => small.set('key', new Uint8Array(98)))
  small.set('key', 'v'.repeat(97))
  throws('VALUE_TOO_LARGE', () => small.set('key', 'v'.repeat(98)))
}

// The methods that read the clock, but for those that store.
const CALLS = [
  ...['get', 'peek', 'getString', 'getBytes', 'has', 'touch', 'remainingTtl', 'delete', 'increment', 'maintain'],
  ...['keys', 'entries', 'values', 'forEach'],
]

function clocks(Cache) {
  const times = [...WRONG_TYPES.slice(2), '1', null, undefined, -1, Number.POSITIVE_INFINITY, 2 ** 53]
  for (const time of times) {
    const cache = new Cache(1 << 16, { now: () => time })
    for (const name of CALLS) throws('ARGUMENT', () => cache[name]('key'))
    for (const name of ['set', 'add']) throws('ARGUMENT', () => cache[name]('key', 'value'))
    equal(cache.size, 0)
  }
  // An exception of the program's clock is passed on, and the clock may use the cache.
  let cache
  const now = () => {
    if (cache.size === 3) late()
    return cache.size
  }
  cache = new Cache(1 << 16, { now })
  for (const key of ['a', 'b', 'c']) cache.set(key, key)
  for (const name of CALLS) passesOn(() => cache[name]('a'))
  cache.clear()
  equal(cache.get('a'), undefined)
}

function getters(Cache) {
  for (const name of ['maxItems', 'maxItemSize', 'ttl', 'policy', 'slabSizes', 'now', 'seed', 'codec', 'onEviction']) {
    const options = Object.defineProperty({}, name, {
      get: late,
    })
    passesOn(() => new Cache(1 << 16, options))
  }
}

function freed(Cache) {
  const cache = new Cache(1 << 16)
  cache.set('key', 'value')
  cache.free()
  for (const name of [...CALLS, 'set', 'add', 'clear', 'deletePrefix', 'stats', Symbol.iterator])
    throws('FREED', () => cache[name]('key', name === 'set' || name === 'add' ? 'value' : undefined))
  throws('FREED', () => cache.size)
  cache.free()
  if (Symbol.dispose) cache[Symbol.dispose]()
  equal(cache instanceof Cache, true)
}
