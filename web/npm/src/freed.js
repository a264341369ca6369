
// What `build` appends for both kinds of module: a cache that was freed throws errors with a code as
// other mistakes do, and may be freed again, as `using` does. A live cache pays nothing for it.
const Freed = Object.create(Cache.prototype)
for (const [name, member] of Object.entries(Object.getOwnPropertyDescriptors(Cache.prototype))) {
  if (name === 'constructor' || name.startsWith('_')) continue
  const fail = () => {
    throw Object.assign(new TypeError('the cache was freed'), { code: 'FREED' })
  }
  Object.defineProperty(Freed, name, member.get ? { get: fail } : { value: fail, writable: true })
}
const free = Cache.prototype.free
Cache.prototype.free = function () {
  free.call(this)
  Object.setPrototypeOf(this, Freed)
}
Freed.free = () => {}
if (Symbol.dispose) {
  Cache.prototype[Symbol.dispose] = Cache.prototype.free
  Freed[Symbol.dispose] = Freed.free
}
