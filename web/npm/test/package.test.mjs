// The package as users get it: packed, installed into an empty program, type-checked, and used in Node
// by `import` and by `require`, and in Chromium. `bundlers` does this with everything else.
import assert from 'node:assert/strict'
import { readFileSync, statSync } from 'node:fs'
import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { PAGE, Program, titleOf } from './installed.mjs'

const here = fileURLToPath(new URL('.', import.meta.url))
// Vite, esbuild, TypeScript and Playwright come from the playground.
const www = join(here, '../../../www')
const tools = createRequire(join(www, 'package.json'))
const bin = (name) => join(www, 'node_modules/.bin', name)
const program = new Program()

after(() => program.remove())

const MAIN = `import * as dynamidb from 'dynamidb'
  import { use } from './use.mjs'
  console.log(await use(dynamidb))`

/** What Node prints when it runs this module. */
function node(text, name = 'main.mjs') {
  program.write(name, text)
  return program.run('node', '--no-warnings', name)
}

test('the package stays below its size limits', () => {
  const size = (name) => statSync(program.path('node_modules/dynamidb', name)).size
  assert.ok(size('dynamidb.wasm') < 95_000, `${size('dynamidb.wasm')} bytes`)
  assert.ok(size('index.js') < 166_000, `${size('index.js')} bytes`)
  assert.ok(size('web.js') < 45_000, `${size('web.js')} bytes`)
})

test('Node imports the package', () => {
  assert.equal(node(MAIN), 'used')
})

test('Node requires the package', () => {
  const main = `const dynamidb = require('dynamidb')
    import('./use.mjs').then(({ use }) => use(dynamidb)).then(console.log)`
  assert.equal(node(main, 'main.cjs'), 'used')
})

test('values are stored after one for which there was no memory', () => {
  const main = `import assert from 'node:assert/strict'
    import { Cache } from 'dynamidb'
    const cache = new Cache(1 << 26, { maxItemSize: 1 << 24 })
    const others = []
    for (let bytes = 2 ** 31; bytes >= 2 ** 20; bytes /= 2) {
      assert.throws(() => { for (;;) others.push(new Cache(bytes)) }, { code: 'OUT_OF_MEMORY' })
    }
    const large = 'v'.repeat(1 << 23)
    assert.throws(() => cache.set('large', large), { code: 'OUT_OF_MEMORY' })
    cache.set('small', 'value')
    assert.equal(cache.get('small'), 'value')
    for (const other of others) other.free()
    cache.set('large', large)
    assert.equal(cache.get('large'), large)
    console.log('stored')`
  assert.equal(node(main), 'stored')
})

test('the examples of the readme run', () => {
  const readme = readFileSync(program.path('node_modules/dynamidb/README.md'), 'utf8')
  const examples = [...readme.matchAll(/^```js\n(.*?)^```/gms)].map(([, example]) => example)
  assert.ok(examples.length >= 5, `${examples.length} examples`)
  for (const [index, example] of examples.entries()) {
    // A comment after an expression says what it is.
    const checked = example.replaceAll(
      /^(\S.*\S) +\/\/ => (.*)$/gm,
      (_, expression, value) => `assert.deepEqual(${expression}, ${value})`,
    )
    node(`import assert from 'node:assert/strict'\n${checked}`, `example${index}.mjs`)
  }
})

// As in jsdom, the browser of many Jest tests.
test('it works where UTF-8 is not built in', () => {
  const main = `for (const name of ['TextDecoder', 'TextEncoder', 'Buffer']) {
      Object.defineProperty(globalThis, name, { value: undefined })
    }
    ${MAIN.replace("import * as dynamidb from 'dynamidb'", "const dynamidb = await import('dynamidb')")}`
  assert.equal(node(main), 'used')
})

// As in Cloudflare's workers, outside of requests.
test('a cache can be made before there are random numbers', () => {
  const main = `import { Cache } from 'dynamidb'
    let fails = true
    const draw = crypto.getRandomValues.bind(crypto)
    crypto.getRandomValues = (array) => {
      if (fails) throw new RangeError('too early')
      return draw(array)
    }
    const cache = new Cache(1 << 16)
    const invalid = () => new Cache(1)
    const codes = [() => invalid(), () => cache.get('key')].map((action) => {
      try { action() } catch (error) { return error.code ?? error.message }
    })
    fails = false
    cache.set('key', 'value')
    codes.push(cache.get('key'))
    cache.free()
    try { cache.get('key') } catch (error) { codes.push(error.code) }
    const unused = new Cache(1 << 16)
    unused.free()
    console.log(codes.join())`
  assert.equal(node(main), 'ARGUMENT,too early,value,FREED')
})

test('caches that nobody refers to are freed', () => {
  const main = `import { Cache } from 'dynamidb'
    // Together more than WebAssembly's 4 GiB.
    for (let made = 0; made < 20; made++) {
      new Cache(2 ** 29).set('key', 'value')
      gc()
      // What was collected is freed between two tasks.
      await new Promise((resolve) => setTimeout(resolve))
    }
    console.log('freed')`
  program.write('freed.mjs', main)
  assert.equal(program.run('node', '--expose-gc', 'freed.mjs'), 'freed')
})

test('Node shows how many items there are, never which', () => {
  const main = `import { inspect } from 'node:util'
    import { Cache } from 'dynamidb'
    const cache = new Cache(1 << 16, { seed: new Uint8Array(16) })
    cache.set('secret', 'value')
    cache.fetch('hidden', () => 'value')
    const shown = [inspect(cache), inspect({ cache }, { depth: 9 })]
    cache.free()
    console.log([...shown, inspect(cache)].join())`
  assert.equal(node(main), 'Cache(1),{ cache: Cache(1) },Cache(0)')
})

test('bytes may come from another realm', () => {
  const main = `import { runInNewContext } from 'node:vm'
    import { Cache } from 'dynamidb'
    const cache = new Cache(1 << 16)
    cache.set('key', runInNewContext('Uint8Array.of(1, 2, 3)'))
    console.log(cache.get('key').join())`
  assert.equal(node(main), '1,2,3')
})

test('the entry for the web waits for init, and starts from what it is given', () => {
  const main = `import { readFileSync } from 'node:fs'
    import { createRequire } from 'node:module'
    import * as dynamidb from 'dynamidb/web'
    import { use } from './use.mjs'
    const codes = [() => new dynamidb.Cache(1 << 16), () => dynamidb.initSync()].map((action) => {
      try { action() } catch (error) { return error.code }
    })
    // One attempt fails, the next succeeds.
    await dynamidb.init(new Uint8Array(8)).catch((error) => codes.push(error.name))
    const path = createRequire(import.meta.url).resolve('dynamidb/dynamidb.wasm')
    await Promise.all([dynamidb.init(readFileSync(path)), dynamidb.init()])
    codes.push(await use(dynamidb))
    console.log(codes.join())`
  assert.equal(node(main), 'NOT_INITIALIZED,NOT_INITIALIZED,CompileError,used')
})

test('the types are correct for Node and for bundlers', () => {
  const main = `import { Cache, json, type CacheError, type CacheStats, type Stored } from 'dynamidb'
    const cache = new Cache(1 << 20, { maxItems: 10, now: () => 0, seed: new Uint8Array(16), policy: 's3lru' })
    cache.set('key', new Uint8Array(1), 5).set('key', 'text', { ttl: 5 })
    const value: Stored | undefined = cache.get('key')
    const text: string | undefined = cache.getString('key')
    const added: boolean = cache.add('key', 'text')
    const sum: number | undefined = cache.increment('key')
    const { items }: CacheStats = cache.stats()
    const keys: string[] = [...cache.keys()]
    const pairs: [string, Stored][] = [...cache]
    const code = (error: CacheError) => error.code === 'KEY_LENGTH'
    interface User { name: string }
    const users = new Cache(1 << 20, { codec: json<User>(), ttl: 5, onEviction: (key, reason) => key + reason })
    const user: User | undefined = users.set('key', { name: 'a' }).get('key')
    const loaded: Promise<User | undefined> = users.fetch('key', async (key) => ({ name: key }))
    const texts = new Cache<string>(1 << 20)
    const exact: string | undefined = texts.get('key')
    class Users extends Cache<User> {}
    const more: User | undefined = new Users(1 << 20, { codec: json<User>() }).get('key')
    { using scoped = new Cache(1 << 20); scoped.get('key') }
    // @ts-expect-error
    cache.set('key', 5)
    // @ts-expect-error
    cache.get(5)
    // @ts-expect-error
    users.set('key', { nam: 'a' })
    // @ts-expect-error
    texts.set('key', new Uint8Array(1))
    // @ts-expect-error
    new Cache<User>(1 << 20)
    // @ts-expect-error
    new Cache(1 << 20, { policy: 'fifo' })
    export { added, code, exact, items, keys, loaded, more, pairs, sum, text, user, value }`
  for (const name of ['types.mts', 'types.cts']) program.write(name, main)
  program.write('web.mts', `import { Cache, init } from 'dynamidb/web'
    await init(new URL('https://example.org/dynamidb.wasm'))
    export const cache = new Cache(1 << 20)`)
  const checks = ['--noEmit', '--strict', '--lib', 'es2023,dom', '--target', 'es2022']
  program.run(bin('tsc'), '--module', 'nodenext', ...checks, 'types.mts', 'types.cts', 'web.mts')
  const bundler = ['--module', 'esnext', '--moduleResolution', 'bundler']
  program.run(bin('tsc'), ...bundler, ...checks, 'types.mts', 'web.mts')
})

test('esbuild bundles it for Node, as both kinds of module', async () => {
  const { build } = tools('esbuild')
  program.write('main.mjs', MAIN.replace('console.log(await use(dynamidb))', 'use(dynamidb).then(console.log)'))
  for (const [format, outfile] of [['esm', 'out/bundle.mjs'], ['cjs', 'out/bundle.cjs']]) {
    const options = { absWorkingDir: program.folder, logLevel: 'warning', bundle: true, platform: 'node' }
    await build({ ...options, entryPoints: ['main.mjs'], format, outfile })
    assert.equal(program.run('node', outfile), 'used')
  }
})

test('Chromium uses the package, as Vite builds and as it serves it', async () => {
  const { build, createServer, preview } = await import(tools.resolve('vite'))
  const { chromium } = tools('playwright-core')
  program.write('index.html', PAGE)
  const options = { root: program.folder, logLevel: 'error', configFile: false }
  await build(options)
  const built = await preview({ ...options, preview: { port: 0, host: '127.0.0.1' } })
  const served = await createServer({ ...options, server: { port: 0, host: '127.0.0.1' } })
  try {
    assert.equal(await titleOf(chromium, built.resolvedUrls.local[0]), 'used')
    await served.listen()
    assert.equal(await titleOf(chromium, served.resolvedUrls.local[0]), 'used')
  } finally {
    await built.close()
    await served.close()
  }
})

test('Chromium fetches the WebAssembly of the entry for the web, without a bundler', async () => {
  const { chromium } = tools('playwright-core')
  const page = PAGE.replace(
    '<script',
    `<script type="importmap">{ "imports": { "dynamidb": "/node_modules/dynamidb/web.js" } }</script><script`,
  ).replace('use(dynamidb)', 'dynamidb.init().then(() => use(dynamidb))')
  program.write('plain.html', page)
  const kinds = { html: 'text/html', js: 'text/javascript', mjs: 'text/javascript', wasm: 'application/wasm' }
  const asked = []
  const server = createServer(({ url }, response) => {
    const kind = kinds[url.split('.').pop()]
    asked.push(url)
    if (kind === undefined) return response.writeHead(404).end()
    response.writeHead(200, { 'content-type': kind }).end(readFileSync(program.path(url)))
  })
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  try {
    const address = `http://127.0.0.1:${server.address().port}/plain.html`
    assert.equal(await titleOf(chromium, address), 'used')
    assert.ok(asked.includes('/node_modules/dynamidb/dynamidb.wasm'), asked.join())
  } finally {
    server.close()
  }
})
