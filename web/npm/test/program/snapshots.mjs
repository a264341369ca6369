// A cache as a file, and back.
import { equal, rejects, throws } from './check.mjs'

export async function snapshots(Cache) {
  await values(Cache)
  await order(Cache)
  await pieces(Cache)
  await ttls(Cache)
  await foreignFlags(Cache)
  await bad(Cache)
  await misuse(Cache)
}

/** All pieces in one. */
function joined(pieces) {
  const file = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0))
  let at = 0
  for (const piece of pieces) {
    file.set(piece, at)
    at += piece.length
  }
  return file
}

function cut(file, size) {
  const pieces = []
  for (let at = 0; at < file.length; at += size) pieces.push(file.subarray(at, at + size))
  return pieces
}

function some(Cache, count = 300) {
  const cache = new Cache(1 << 20)
  for (let number = 0; number < count; number++) cache.set(`key${number}`, `value ${number}`)
  return cache
}

async function values(Cache) {
  const cache = new Cache(1 << 22)
  const large = 'ß'.repeat(200_000)
  cache.set('ascii', 'text').set('text', 'grüße').set('empty', '').set('ünï', '1').set('large', large)
  cache.set('bytes', Uint8Array.of(104, 105, 255)).set('letters', Uint8Array.of(104, 105))
  const restored = new Cache(1 << 22)
  restored.set('mine', '1').set('ascii', 'old')
  const counts = await restored.restore(cache.save())
  equal(JSON.stringify(counts), '{"stored":7,"expired":0,"refused":0}')
  for (const key of ['ascii', 'text', 'empty', 'ünï', 'large']) equal(restored.get(key), cache.get(key))
  equal(restored.get('bytes').join(), '104,105,255')
  equal(restored.get('letters').join(), '104,105')
  equal(restored.get('mine'), '1')
  equal(restored.get('large'), large)
  const none = await restored.restore(new Cache(1 << 16).save())
  equal(none.stored, 0)
  equal(restored.size, 8)
  const small = new Cache(1 << 22, { maxItemSize: 1000 })
  equal((await small.restore(cache.save())).refused, 1)
}

async function order(Cache) {
  for (const policy of ['lru', 's3lru', 'density']) {
    const cache = new Cache(1 << 20, { policy })
    for (let number = 0; number < 100; number++) cache.set(`key${number}`, `${number}`)
    for (const number of [7, 3, 50]) cache.get(`key${number}`)
    const restored = new Cache(1 << 20, { policy })
    await restored.restore(cache.save())
    equal([...restored.keys()].sort().join(), [...cache.keys()].sort().join())
    if (policy === 'density') continue
    equal([...restored.keys()].join(), [...cache.keys()].join())
    const few = new Cache(1 << 20, { maxItems: 2 })
    await few.restore(cache.save())
    if (policy === 'lru') equal([...few.keys()].join(), 'key50,key3')
    else equal(few.size, 2)
  }
}

async function pieces(Cache) {
  const cache = some(Cache)
  const file = joined(cache.save())
  for (const size of [1, 7, 1000, file.length]) {
    const restored = new Cache(1 << 20)
    equal((await restored.restore(cut(file, size))).stored, 300)
    equal([...restored.keys()].join(), [...cache.keys()].join())
  }
  async function* stream() {
    for (const piece of cut(file, 100)) {
      // Others go on meanwhile.
      await Promise.resolve()
      yield piece
    }
  }
  const [one, other] = [new Cache(1 << 20), new Cache(1 << 20)]
  const restores = [one.restore(stream()), other.restore(stream())]
  one.set('meanwhile', '1')
  for (const counts of await Promise.all(restores)) equal(counts.stored, 300)
  equal(one.size + other.size, 601)
  class Lying extends Uint8Array {
    get length() {
      return 1e9
    }
    subarray() {
      throw new Error('the own method was called')
    }
  }
  equal((await new Cache(1 << 20).restore(new Lying(file))).stored, 300)
  // More than one piece, and values that are longer than what is passed on at once.
  const much = new Cache(1 << 23, { maxItemSize: 1 << 20 })
  for (let number = 0; number < 5; number++) much.set(`key${number}`, new Uint8Array(700_000).fill(number))
  const saved = much.save()
  equal(saved.length > 5, true)
  const again = new Cache(1 << 23, { maxItemSize: 1 << 20 })
  equal((await again.restore(saved)).stored, 5)
  for (let number = 0; number < 5; number++) equal(again.get(`key${number}`).at(-1), number)
}

async function ttls(Cache) {
  let time = 1000
  const now = () => time
  const cache = new Cache(1 << 16, { now })
  cache.set('brief', '1', 100).set('hour', '2', 3_600_000).set('never', '3')
  time += 100
  const saved = cache.save()
  time = 5
  const restored = new Cache(1 << 16, { now })
  equal((await restored.restore(saved)).stored, 2)
  // Times count by the system's clock, which goes on between the two.
  const left = restored.remainingTtl('hour')
  equal(left <= 3_599_900 && left > 3_000_000, true)
  equal(restored.remainingTtl('never'), Infinity)
  equal(restored.has('brief'), false)
  // A cache without any time to live begins to look at the clock.
  const untimed = new Cache(1 << 16)
  await untimed.restore(saved)
  const untimedLeft = untimed.remainingTtl('hour')
  equal(untimedLeft <= 3_599_900 && untimedLeft > 3_000_000, true)
}

/** A server's file: flags mean something else there, and keys and values are any bytes. */
async function foreignFlags(Cache) {
  const file = Uint8Array.from(atob(SERVER_FILE), (character) => character.charCodeAt(0))
  const cache = new Cache(1 << 16)
  const counts = await cache.restore(file)
  equal(JSON.stringify(counts), '{"stored":4,"expired":0,"refused":1}')
  equal(cache.get('ascii'), 'text')
  equal(cache.get('utf8'), 'grüße')
  equal(cache.get('latin1').join(), '103,252')
  equal(cache.get('bytes').join(), '104,105')
}

async function bad(Cache) {
  const file = joined(some(Cache).save())
  const fresh = () => new Cache(1 << 20)
  for (const length of [0, 1, 31, 32, 100, file.length - 1])
    await rejects('SNAPSHOT', fresh().restore(file.subarray(0, length)))
  for (let at = 0; at < file.length; at += 61) {
    const changed = file.slice()
    changed[at] ^= 1
    await rejects('SNAPSHOT', fresh().restore(cut(changed, 1000)))
  }
  await rejects('SNAPSHOT', fresh().restore(new Uint8Array(1000)))
  await rejects('SNAPSHOT', fresh().restore([file, Uint8Array.of(0)]))
  const messages = []
  const newer = file.slice()
  newer[8] = 2
  for (const wrong of [new Uint8Array(100), newer, file.subarray(0, 50), [file, file]])
    messages.push(await fresh().restore(wrong).catch((error) => error.message))
  equal(
    messages.join('; '),
    'it is not a snapshot; the snapshot is of a newer version; the snapshot is truncated; the snapshot is corrupted',
  )
  // The cache can be used after that.
  const cache = fresh()
  await rejects('SNAPSHOT', cache.restore(file.subarray(0, 3000)))
  cache.clear()
  equal((await cache.restore(file)).stored, 300)
}

async function misuse(Cache) {
  const cache = some(Cache)
  const saved = cache.save()
  for (const wrong of [['text'], [[1, 2]], [new Uint16Array(2)], 'text'])
    await rejects('ARGUMENT', new Cache(1 << 20).restore(wrong))
  for (const wrong of [undefined, null, 5, {}, new ArrayBuffer(3), { [Symbol.iterator]: 5 }])
    await rejects('ARGUMENT', new Cache(1 << 20).restore(wrong))
  async function* frees() {
    yield saved[0]
    cache.free()
    yield* saved.slice(1)
  }
  await rejects('FREED', cache.restore(frees()))
  throws('FREED', () => cache.save())
  await rejects('FREED', cache.restore(saved))
}

const SERVER_FILE = 
  'iUR5bkRCDQoBAAEAAAAAAAAAAAAAAAAAoS9gGMsMAdCsc2aKpWCNk2AAAAAFAAAAAAAAAAAAAAABBQQA' +
  'AAAAAAAABwAAAGFzY2lpdGV4dAAEBwAAAAAAAAB1dGY4Z3LDvMOfZQAGAgAAAAAAAABsYXRpbjFn/AEF' +
  'AgAAAAAAAAACAAAAYnl0ZXNoaQACAQAAAAAAAABr/3ZpbdLL4kfocggAAAAAAAAAAAAAAAAAAAAFAAAA' +
  'AAAAAA=='
