// What goes beyond get and set.
import { equal, late, passesOn, rejects, throws } from './check.mjs'
import { snapshots } from './snapshots.mjs'

export async function features(dynamidb) {
  const { Cache } = dynamidb
  reading(Cache)
  texts(Cache)
  sizes(Cache)
  ttls(Cache)
  policies(Cache)
  slabSizes(Cache)
  iteration(Cache)
  prefixes(Cache)
  codecs(dynamidb)
  evictions(Cache)
  unreported(Cache)
  fakeTimers(Cache)
  await fetches(Cache)
  await snapshots(Cache)
  await initialisation(dynamidb)
}

function reading(Cache) {
  const cache = new Cache(1 << 16, { maxItems: 2 })
  equal(cache.set('text', 'grüße').set('bytes', Uint8Array.of(104, 105, 255)), cache)
  equal(cache.getString('text'), 'grüße')
  equal(cache.getBytes('text').join(), '103,114,195,188,195,159,101')
  equal(cache.getString('bytes'), 'hi\ufffd')
  equal(cache.getBytes('bytes').join(), '104,105,255')
  equal(cache.getString('none'), undefined)
  equal(cache.getBytes('none'), undefined)
  // To peek is no use; to get is.
  equal(cache.peek('text') + cache.has('text') + cache.remainingTtl('text'), 'grüßetrueInfinity')
  cache.set('third', '3')
  equal([...cache.keys()].join(), 'third,bytes')
  cache.getString('bytes')
  equal([...cache.keys()].join(), 'bytes,third')
  // What was read is a copy.
  cache.getBytes('bytes').fill(0)
  equal(cache.getBytes('bytes').join(), '104,105,255')
}

function texts(Cache) {
  const cache = new Cache(1 << 22, { maxItemSize: 1 << 20 })
  const units = ['a', 'ß', '€', '🙂', '\u0000', '\u007f', '\u0080', '\ufeff', '\ufffd']
  for (const length of [0, 1, 7, 8, 9, 23, 24, 25, 31, 32, 33, 100, 5000, 90_000, 300_000])
    for (const unit of units)
      for (const text of [unit.repeat(length), 'a'.repeat(length) + unit, unit + 'a'.repeat(length)]) {
        if (text.length > 300_000) continue
        cache.set('key', text)
        equal(cache.get('key'), text)
      }
  const key = '\ufeffü€🙂\u0000'
  cache.set(key, 'value')
  equal(cache.get(key), 'value')
  equal([...cache.keys()][0], key)
}

function sizes(Cache) {
  const cache = new Cache(1 << 24, { maxItemSize: 1 << 21 })
  for (const length of [0, 1, 100, 4000, 4096, (1 << 18) - 1, 1 << 18, (1 << 18) + 1, (1 << 21) - 3]) {
    const value = Uint8Array.from({ length }, (_, index) => (index * 7) % 253)
    cache.set('key', value)
    const found = cache.get('key')
    equal(found.length, length)
    equal(found.findIndex((byte, index) => byte !== value[index]), -1)
    // Between large values, small ones.
    cache.set('small', `${length}`)
    equal(cache.get('small'), `${length}`)
  }
  throws('VALUE_TOO_LARGE', () => cache.set('key', new Uint8Array((1 << 21) - 2)))
  throws('VALUE_TOO_LARGE', () => cache.set('key', 'v'.repeat((1 << 21) - 2)))
  throws('VALUE_TOO_LARGE', () => cache.set('key', 'ß'.repeat(1 << 20)))
}

function ttls(Cache) {
  let time = 0
  const cache = new Cache(1 << 16, { now: () => time, ttl: 100 })
  cache.set('default', '1').set('own', '2', 50).set('named', '3', { ttl: 70 }).set('never', '4', { ttl: Infinity })
  cache.set('empty', '5', {})
  equal(cache.add('added', '6'), true)
  const left = () => ['default', 'own', 'named', 'never', 'empty', 'added'].map((key) => cache.remainingTtl(key)).join()
  equal(left(), '100,50,70,Infinity,100,100')
  time = 60
  equal(left(), '40,,10,Infinity,40,40')
  equal(cache.touch('named'), true)
  equal(cache.touch('default', Infinity), true)
  equal(left(), 'Infinity,,100,Infinity,40,40')
  equal(cache.remainingTtl('none'), undefined)
  for (const ttl of [-1, Number.NaN, '5', 5n, null, {}]) throws('ARGUMENT', () => new Cache(1 << 16, { ttl }))
  // The default clock is read as soon as an item expires, whichever call says so.
  for (const store of [(own) => own.set('key', 'v', 0), (own) => own.set('key', 'v') && own.touch('key', 0)]) {
    const own = new Cache(1 << 16)
    own.set('other', 'v')
    store(own)
    equal(own.has('key'), false)
    equal(own.get('other'), 'v')
  }
  const own = new Cache(1 << 16, { ttl: 3_600_000 })
  own.set('key', 'v')
  equal(own.remainingTtl('key') > 3_500_000 && own.remainingTtl('key') <= 3_600_000, true)
}

function policies(Cache) {
  const fill = (cache) => {
    for (let number = 0; number < 2000; number++) cache.set(`key ${number}`, 'v'.repeat(100))
  }
  const refusing = new Cache(1 << 16, { policy: 'refuse' })
  throws('OUT_OF_MEMORY', () => fill(refusing))
  equal(refusing.get('key 0').length, 100)
  equal(refusing.stats().evictions, 0)
  for (const policy of ['lru', 's3lru', 'density']) {
    const cache = new Cache(1 << 16, { policy })
    for (let number = 0; number < 100; number++) cache.set(`hot ${number}`, 'value')
    for (let number = 0; number < 100; number++) cache.get(`hot ${number}`)
    fill(cache)
    // Items that are used again outlive a scan, but not with the LRU.
    equal(cache.has('hot 50'), policy !== 'lru')
  }
}

function slabSizes(Cache) {
  const cache = new Cache(1 << 16, { slabSizes: [48, 512] })
  cache.set('key', 'v'.repeat(29))
  // A header of 16 bytes for ASCII, of 28 for all else, a key and a value.
  equal(cache.stats().bytes, 48)
  cache.set('key', 'v'.repeat(30))
  equal(cache.stats().bytes > 48, true)
  for (const value of [(length) => new Uint8Array(length), (length) => 'ß' + 'v'.repeat(length - 2)]) {
    cache.set('key', value(17))
    equal(cache.stats().bytes, 48)
    cache.set('key', value(18))
    equal(cache.stats().bytes > 48, true)
  }
  for (const slabSizes of [[], [33], [64, 48], [16], [1 << 20], Array(64).fill(64)])
    throws('ARGUMENT', () => new Cache(1 << 16, { slabSizes }))
}

function iteration(Cache) {
  let time = 0
  const cache = new Cache(1 << 18, { now: () => time })
  for (let number = 0; number < 300; number++) cache.set(`${number}`, `v${number}`, number === 7 ? 5 : undefined)
  time = 10
  const keys = [...cache.keys()]
  equal(keys.length, 299)
  equal(keys[0] + keys[298] + keys.includes('7'), '2990false')
  equal([...cache].join() === [...cache.entries()].join(), true)
  equal([...cache.values()].join(), keys.map((key) => `v${key}`).join())
  let seen = 0
  cache.forEach((value, key, whole) => {
    equal(value, `v${key}`)
    equal(whole, cache)
    seen++
  })
  equal(seen, 299)
  // Iterators go on while the cache changes, and begin when they are made.
  const [entries, all] = [cache.entries(), cache.keys()]
  entries.next()
  cache.clear()
  cache.set('new', 'value')
  equal(entries.next().done, true)
  equal([...all].length, 299)
  equal([...cache].join(), 'new,value')
}

function prefixes(Cache) {
  const cache = new Cache(1 << 20)
  for (let number = 0; number < 500; number++) cache.set(`ü:${number}`, 'old').set(`v:${number}`, 'old')
  equal(cache.deletePrefix('ü:'), undefined)
  cache.set('ü:7', 'new')
  equal(cache.get('ü:6') ?? cache.peek('ü:5') ?? cache.has('ü:4'), false)
  equal(cache.get('ü:7') + cache.get('v:7'), 'newold')
  equal([...cache.keys()].length, 501)
  while (cache.maintain());
  equal(cache.size, 501)
  // More at once than are under way at once, also in the smallest cache.
  const small = new Cache(12_500)
  for (let number = 0; number < 200; number++) {
    small.set(`${number}:key`, 'value')
    cache.deletePrefix(`v:${number}`)
    small.deletePrefix(`${number}:`)
    equal(small.has(`${number}:key`) || cache.has(`v:${number}`), false)
  }
  equal([...cache.keys()].join(), 'ü:7')
  throws('KEY_LENGTH', () => cache.deletePrefix(''))
  throws('KEY_LENGTH', () => cache.deletePrefix('ü'.repeat(126)))
  throws('ARGUMENT', () => cache.deletePrefix(5))
}

function codecs({ Cache, json }) {
  const objects = new Cache(1 << 18, { codec: json() })
  const value = { name: 'Grüße', list: [1, null, { deep: true }] }
  objects.set('key', value).set('number', 5).set('null', null)
  equal(JSON.stringify(objects.get('key')), JSON.stringify(value))
  equal(objects.get('key') === objects.get('key'), false)
  equal(objects.getString('key'), JSON.stringify(value))
  equal(objects.peek('null'), null)
  equal(objects.increment('number', 2), 7)
  equal(objects.get('number'), 7)
  throws('ARGUMENT', () => objects.set('key', undefined))
  throws('ARGUMENT', () => objects.set('key', () => 5))
  const cycle = {}
  cycle.itself = cycle
  let failure
  try {
    objects.set('key', cycle)
  } catch (error) {
    failure = error
  }
  equal(failure instanceof TypeError && failure.code, undefined)
  equal(JSON.stringify(objects.get('key')), JSON.stringify(value))
  const dates = {
    encode: (date) => Uint8Array.of(date.getUTCFullYear() - 1900),
    decode: ([years]) => new Date(Date.UTC(years + 1900, 0)),
  }
  const years = new Cache(1 << 16, { codec: dates })
  years.set('key', new Date('1999-05-05'))
  equal(years.get('key').toISOString().slice(0, 4), '1999')
  const failing = new Cache(1 << 16, { codec: { encode: String, decode: late } })
  failing.set('key', 5)
  passesOn(() => failing.get('key'))
  equal(failing.getString('key'), '5')
  for (const codec of [{}, { encode: String }, 'json']) throws('ARGUMENT', () => new Cache(1 << 16, { codec }))
  // A codec may use the cache, this one or another.
  const nested = new Cache(1 << 16, {
    codec: {
      encode: (value) => (objects.set('inner', 'x'.repeat(50)), value),
      decode: (stored) => stored + objects.get('inner').length,
    },
  })
  nested.set('key', 'value')
  equal(nested.get('key'), 'value50')
}

function evictions(Cache) {
  let time = 0
  const seen = []
  const onEviction = (key, reason) => seen.push(`${key} ${reason}`)
  const cache = new Cache(1 << 16, { maxItems: 2, now: () => time, onEviction })
  cache.set('a', '1').set('b', '2').set('ü', '3', 10)
  equal(seen.join(), 'a evict')
  cache.set('b', '4')
  cache.delete('b')
  equal(seen.length, 1)
  time = 10
  equal(cache.get('ü'), undefined)
  equal(seen.join(), 'a evict,ü expire')
  cache.set('c', '5', 10)
  time = 50
  while (cache.maintain());
  equal(seen.join(), 'a evict,ü expire,c expire')
  cache.set('d', '6').clear()
  equal(seen.length, 3)
  // All are reported, also those that make space for one large item.
  const many = new Set()
  const full = new Cache(1 << 18, { onEviction: (key) => many.add(key) })
  for (let number = 0; number < 5000; number++) full.set(`${number}`, 'v')
  const before = full.size
  full.set('large', 'v'.repeat(60_000))
  equal(before - full.size > 500, true)
  equal(many.size, full.stats().evictions)
  equal(full.stats().unreported, 0)
  // It may use the cache: what that removes is reported as well.
  const chain = []
  const nested = new Cache(1 << 16, {
    maxItems: 1,
    onEviction: (key) => {
      chain.push(key)
      if (chain.length < 5) nested.set(`${chain.length}`, 'v')
    },
  })
  nested.set('first', 'v').set('second', 'v')
  equal(chain.join(), 'first,second,1,2,3')
  // An exception is passed on, and the rest comes with the next call.
  const rest = []
  const failing = new Cache(1 << 16, {
    maxItems: 1,
    onEviction: (key) => {
      rest.push(key)
      if (key === 'a') late()
    },
  })
  failing.set('a', '1')
  passesOn(() => failing.set('b', '2'))
  equal(failing.get('b'), '2')
  failing.set('c', '3')
  equal(rest.join(), 'a,b')
  // It may free the cache.
  const freed = new Cache(1 << 16, { maxItems: 1, onEviction: () => freed.free() })
  freed.set('a', '1').set('b', '2')
  throws('FREED', () => freed.size)
}

// The engine records at least a thousand removals for each operation.
function unreported(Cache) {
  let time = 0
  const count = (items) => {
    let reported = 0
    const options = { now: () => time, maxItemSize: 64, onEviction: () => reported++ }
    const cache = new Cache(1 << 20, options)
    for (let number = 0; number < items; number++) cache.set(`${number}`, 'v', 10)
    time += 10
    while (cache.maintain());
    equal(cache.size, 0)
    equal(reported + cache.stats().unreported, items)
    return cache.stats().unreported
  }
  equal(count(1001), 0)
  equal(count(5000) > 0, true)
}

// A test framework replaces these globals. The default clock stays, `() => Date.now()` follows.
function fakeTimers(Cache) {
  const { now: date } = Date
  const { now: monotonic } = performance
  let time = 1_000_000
  const follows = new Cache(1 << 16, { now: () => Date.now() })
  const stays = new Cache(1 << 16)
  try {
    Date.now = () => time
    performance.now = () => time
    for (const cache of [follows, stays]) cache.set('key', 'value', 60_000)
    time += 60_000
    equal(follows.get('key'), undefined)
    equal(stays.get('key'), 'value')
  } finally {
    Date.now = date
    performance.now = monotonic
  }
}

async function fetches(Cache) {
  const cache = new Cache(1 << 16, { maxItemSize: 1000 })
  let loads = 0
  const load = async (key) => {
    loads++
    await Promise.resolve()
    return `${key} ${loads}`
  }
  const all = await Promise.all(Array.from({ length: 64 }, () => cache.fetch('key', load)))
  equal(new Set(all).size + all[0], '1key 1')
  equal(await cache.fetch('key', load), 'key 1')
  equal(cache.get('key'), 'key 1')
  equal(await cache.fetch('brief', load, { ttl: 60_000 }), 'brief 2')
  equal(cache.remainingTtl('brief') <= 60_000, true)
  equal(await cache.fetch('sync', () => 'value'), 'value')
  equal(cache.get('sync'), 'value')
  // A failure reaches all who wait, and the next call loads again.
  const fail = async () => late()
  const failed = await Promise.allSettled([cache.fetch('bad', fail), cache.fetch('bad', load)])
  equal(failed.map(({ reason }) => reason.message).join(), 'late,late')
  equal((await Promise.allSettled([cache.fetch('bad', late)]))[0].status, 'rejected')
  equal(await cache.fetch('bad', load), 'bad 3')
  // Nothing, or too much, is passed on and not stored.
  equal(await cache.fetch('none', () => undefined), undefined)
  equal((await cache.fetch('large', () => 'v'.repeat(2000))).length, 2000)
  equal(cache.has('none') || cache.has('large'), false)
  await rejects('ARGUMENT', cache.fetch('wrong', () => 5))
  await rejects('ARGUMENT', cache.fetch(5, load))
  await rejects('ARGUMENT', cache.fetch('wrong', load, -1))
  await rejects('KEY_LENGTH', cache.fetch('', load))
  // What is stored or deleted meanwhile wins over what was loaded before.
  for (const [change, expected] of [
    [() => cache.set('race', 'newer'), 'newer'],
    [() => cache.add('race', 'newer'), 'newer'],
    [() => cache.delete('race'), undefined],
    [() => cache.deletePrefix('ra'), undefined],
    [() => cache.deletePrefix('rb'), 'older'],
    [() => cache.clear(), undefined],
  ]) {
    cache.delete('race')
    let release
    const slow = cache.fetch('race', () => new Promise((resolve) => (release = resolve)))
    await Promise.resolve()
    await Promise.resolve()
    change()
    release('older')
    equal(await slow, 'older')
    equal(cache.get('race'), expected)
  }
  // A load that was forgotten leaves a newer one alone.
  const gates = []
  const gate = () => new Promise((resolve) => gates.push(resolve))
  const first = cache.fetch('twice', gate)
  cache.delete('twice')
  const second = cache.fetch('twice', gate)
  for (let turn = 0; turn < 5; turn++) await Promise.resolve()
  gates[0]('first')
  equal(await first, 'first')
  equal(cache.has('twice'), false)
  gates[1]('second')
  equal(await second, 'second')
  equal(cache.get('twice'), 'second')
  // A cache may be freed while it waits.
  const freed = new Cache(1 << 16)
  const waiting = freed.fetch('key', load)
  freed.free()
  equal((await waiting).startsWith('key'), true)
  await rejects('FREED', freed.fetch('key', load))
}

async function initialisation({ Cache, init, initSync }) {
  // Again, and at once: nothing is lost.
  const cache = new Cache(1 << 16)
  cache.set('key', 'value')
  await init()
  initSync()
  equal(cache.get('key'), 'value')
}
