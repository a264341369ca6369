// The package as users get it: packed, installed into an empty program, type-checked, and used in Node
// by `import` and by `require`, and in Chromium as Vite bundles it.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'

const here = fileURLToPath(new URL('.', import.meta.url))
// Vite, TypeScript and Playwright come from the playground.
const www = join(here, '../../../www')
const tools = createRequire(join(www, 'package.json'))
const bin = (name) => join(www, 'node_modules/.bin', name)
const program = mkdtempSync(join(tmpdir(), 'dynamidb-npm-'))

const run = (command, ...args) =>
  execFileSync(command, args, { cwd: program, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] })

before(() => {
  const [{ filename }] = JSON.parse(run('npm', 'pack', '--json', join(here, '../pkg')))
  writeFileSync(join(program, 'package.json'), '{ "name": "program", "private": true }')
  run('npm', 'install', '--offline', '--no-audit', '--no-fund', `./${filename}`)
  writeFileSync(join(program, 'use.mjs'), readFileSync(join(here, 'use.mjs')))
})

after(() => rmSync(program, { recursive: true }))

test('the WebAssembly stays below its size limit', () => {
  const { size } = statSync(join(program, 'node_modules/dynamidb/web/dynamidb_bg.wasm'))
  assert.ok(size < 90_000, `${size} bytes`)
})

test('Node imports the package', () => {
  const main = `import * as dynamidb from 'dynamidb'
    import { use } from './use.mjs'
    console.log(use(dynamidb))`
  writeFileSync(join(program, 'main.mjs'), main)
  assert.equal(run('node', 'main.mjs').trim(), 'used')
})

test('Node requires the package', () => {
  const main = `const { Cache } = require('dynamidb')
    const cache = new Cache(1 << 20)
    cache.set('greeting', 'hello', 30_000)
    console.log(cache.get('greeting'))`
  writeFileSync(join(program, 'main.cjs'), main)
  assert.equal(run('node', 'main.cjs').trim(), 'hello')
})

test('the types are correct for Node and for bundlers', () => {
  const main = `import { Cache, type CacheError, type CacheStats } from 'dynamidb'
    const cache = new Cache(1 << 20, { maxItems: 10, now: () => 0, seed: new Uint8Array(16) })
    cache.set('key', new Uint8Array(1), 5)
    const value: string | Uint8Array | undefined = cache.get('key')
    const added: boolean = cache.add('key', 'text')
    const sum: number | undefined = cache.increment('key')
    const { items }: CacheStats = cache.stats()
    const keys: string[] = cache.keys()
    const code = (error: CacheError) => error.code === 'KEY_LENGTH'
    // @ts-expect-error
    cache.set('key', 5)
    // @ts-expect-error
    cache.get(5)
    export { added, code, items, keys, sum, value }`
  writeFileSync(join(program, 'types.mts'), main)
  const checks = ['--noEmit', '--strict', '--lib', 'es2023,dom,esnext.disposable', 'types.mts']
  run(bin('tsc'), '--module', 'nodenext', '--target', 'es2022', ...checks)
  run(bin('tsc'), '--module', 'esnext', '--moduleResolution', 'bundler', '--target', 'es2022', ...checks)
})

test('Chromium uses the package bundled by Vite', async () => {
  const { build, preview } = await import(tools.resolve('vite'))
  const { chromium } = tools('playwright-core')
  const page = `<!doctype html><script type="module">
    import * as dynamidb from 'dynamidb'
    import { use } from './use.mjs'
    try { document.title = use(dynamidb) } catch (error) { document.title = error.stack }
    </script>`
  writeFileSync(join(program, 'index.html'), page)
  const options = { root: program, logLevel: 'error', configFile: false }
  await build({ ...options, build: { target: 'es2022' } })
  const server = await preview({ ...options, preview: { port: 0, host: '127.0.0.1' } })
  const browser = await chromium.launch({
    executablePath: process.env.CHROME ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--disable-background-networking'],
  })
  try {
    const tab = await browser.newPage()
    await tab.goto(server.resolvedUrls.local[0])
    await tab.waitForFunction(() => document.title !== '')
    assert.equal(await tab.title(), 'used')
  } finally {
    await browser.close()
    await server.close()
  }
})
