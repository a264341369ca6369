// What a program does with the package: the same in Node and in a browser, so it asserts by itself.
function equal(found, wanted) {
  if (found !== wanted) throw new Error(`${String(found)} instead of ${String(wanted)}`)
}

function throws(code, action) {
  try {
    action()
  } catch (error) {
    equal(error instanceof Error && error.code, code)
    return
  }
  throw new Error(`${code} was not thrown`)
}

export function use({ Cache }) {
  deadlines(Cache)
  values(Cache)
  budget(Cache)
  mistakes(Cache)
  const cache = new Cache(1 << 16)
  cache.set('soon gone', 'value', 0)
  cache.set('later', 'value', 60_000)
  equal(cache.get('soon gone'), undefined)
  equal(cache.get('later'), 'value')
  cache.free()
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
  equal(cache.keys().join(), 'kept')
  time = Number.MAX_SAFE_INTEGER
  equal(cache.get('kept'), 'value')
  equal(cache.tick(), false)
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
  equal(cache.keys().join(), 'text,bytes,empty')
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
  equal(few.keys().join(), 'd,c,b')
}

function mistakes(Cache) {
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
