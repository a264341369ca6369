
// `build` appends this to both kinds of module: the methods of a freed cache throw errors with a code,
// and freeing it again is allowed, as `using` does. It costs a live cache nothing.
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
