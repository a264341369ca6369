// Where else the packed package works: see `bundlers`. In each place, a whole program uses it.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { PAGE, Program, titleOf } from './installed.mjs'
import { load } from './tools/load.mjs'

const here = fileURLToPath(new URL('.', import.meta.url))
const modules = join(here, 'tools/node_modules')
const require = createRequire(join(here, 'tools/package.json'))
const { chromium } = createRequire(join(here, '../../../www/package.json'))('playwright-core')
const program = new Program()

after(() => program.remove())

const MAIN = `import * as dynamidb from 'dynamidb'
  import { use } from './use.mjs'
  use(dynamidb).then(console.log)`
program.write('main.mjs', MAIN)
program.write('index.html', PAGE)
program.write(
  'page.mjs',
  `import * as dynamidb from 'dynamidb'
  import { use } from './use.mjs'
  use(dynamidb).catch((error) => error.stack).then((title) => (document.title = title))`,
)

/** The title of a page that runs a script. */
async function scriptTitle(path, type = 'text/javascript') {
  const page = `<!doctype html><meta charset="utf-8"><script type="module" src="/script.js"></script>`
  const server = createServer(({ url }, response) => {
    const isScript = url === '/script.js'
    response.writeHead(200, { 'content-type': isScript ? type : 'text/html' })
    response.end(isScript ? readFileSync(path) : page)
  })
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  try {
    return await titleOf(chromium, `http://127.0.0.1:${server.address().port}/`)
  } finally {
    server.close()
  }
}

describe('Vite', () => {
  for (const version of [5, 6, 7, 8]) {
    const options = {
      root: program.folder,
      cacheDir: program.path(`cache${version}`),
      logLevel: 'error',
      configFile: false,
    }
    test(`${version} builds it`, async () => {
      const { build, preview } = await load(`vite${version}`)
      const outDir = `built${version}`
      await build({ ...options, build: { outDir } })
      const server = await preview({ ...options, build: { outDir }, preview: { port: 0, host: '127.0.0.1' } })
      try {
        assert.equal(await titleOf(chromium, server.resolvedUrls.local[0]), 'used')
      } finally {
        await server.close()
      }
    })

    test(`${version} serves it during development`, async () => {
      const { createServer } = await load(`vite${version}`)
      const server = await createServer({ ...options, server: { port: 0, host: '127.0.0.1' } })
      try {
        await server.listen()
        assert.equal(await titleOf(chromium, server.resolvedUrls.local[0]), 'used')
      } finally {
        await server.close()
      }
    })

    test(`${version} bundles it for a server`, async () => {
      const { build } = await load(`vite${version}`)
      const ssr = { noExternal: true }
      await build({ ...options, ssr, build: { ssr: 'main.mjs', outDir: `server${version}`, copyPublicDir: false } })
      const [file] = program.run('ls', `server${version}`).split('\n')
      assert.equal(program.run('node', `server${version}/${file}`), 'used')
    })

    test(`${version} fetches the WebAssembly whose address it was asked for`, async () => {
      const { build, createServer, preview } = await load(`vite${version}`)
      program.write(
        `web${version}.html`,
        PAGE.replaceAll("'dynamidb'", "'dynamidb/web'")
          .replace('import { use }', "import url from 'dynamidb/dynamidb.wasm?url'\nimport { use }")
          .replace('use(dynamidb)', 'dynamidb.init(url).then(() => use(dynamidb))'),
      )
      const outDir = `web${version}`
      const input = program.path(`web${version}.html`)
      await build({ ...options, build: { outDir, rollupOptions: { input } } })
      const built = await preview({ ...options, build: { outDir }, preview: { port: 0, host: '127.0.0.1' } })
      const served = await createServer({ ...options, server: { port: 0, host: '127.0.0.1' } })
      try {
        await served.listen()
        for (const { resolvedUrls } of [built, served])
          assert.equal(await titleOf(chromium, `${resolvedUrls.local[0]}web${version}.html`), 'used')
      } finally {
        await built.close()
        await served.close()
      }
    })
  }
})

describe('webpack 5', () => {
  const bundle = async (options) => {
    const { default: webpack } = await load('webpack')
    const output = { path: program.path('webpack'), filename: `${options.target}.js` }
    const compiler = webpack({ context: program.folder, mode: 'production', output, ...options })
    const stats = await new Promise((resolve, reject) =>
      compiler.run((error, stats) => (error ? reject(error) : resolve(stats))),
    )
    assert.ok(!stats.hasErrors(), stats.toString())
    return join(output.path, output.filename)
  }

  test('bundles it for browsers', async () => {
    assert.equal(await scriptTitle(await bundle({ target: 'web', entry: './page.mjs' })), 'used')
  })

  test('bundles it for Node', async () => {
    assert.equal(program.run('node', await bundle({ target: 'node', entry: './main.mjs' })), 'used')
  })
})

describe('Rollup', () => {
  const bundle = async (input, file) => {
    const { rollup } = await load('rollup')
    const { nodeResolve } = await load('@rollup/plugin-node-resolve')
    const bundle = await rollup({ input: program.path(input), plugins: [nodeResolve()] })
    await bundle.write({ file: program.path(file), format: 'es' })
    return program.path(file)
  }

  test('bundles it for browsers', async () => {
    assert.equal(await scriptTitle(await bundle('page.mjs', 'rollup/page.mjs')), 'used')
  })

  test('bundles it for Node', async () => {
    assert.equal(program.run('node', await bundle('main.mjs', 'rollup/main.mjs')), 'used')
  })
})

describe('esbuild', () => {
  for (const format of ['esm', 'iife'])
    test(`bundles it for browsers as ${format}`, async () => {
      const { build } = await load('esbuild')
      const outfile = program.path(`esbuild/${format}.js`)
      const options = { absWorkingDir: program.folder, logLevel: 'warning', bundle: true, minify: true }
      await build({ ...options, entryPoints: ['page.mjs'], format, outfile })
      assert.equal(await scriptTitle(outfile), 'used')
    })
})

test('Deno imports it', () => {
  assert.equal(program.run(join(modules, '.bin/deno'), 'run', '--no-remote', '--quiet', 'main.mjs'), 'used')
})

describe('Bun', () => {
  const bun = join(modules, `@oven/bun-${process.platform}-${process.arch}/bin/bun`)

  test('imports it', () => {
    assert.equal(program.run(bun, 'main.mjs'), 'used')
  })

  test('requires it', () => {
    program.write('main.cjs', `const dynamidb = require('dynamidb')\nimport('./use.mjs').then(({ use }) => use(dynamidb)).then(console.log)`)
    assert.equal(program.run(bun, 'main.cjs'), 'used')
  })

  test('bundles it for browsers', async () => {
    program.run(bun, 'build', 'page.mjs', '--target=browser', '--outfile=bun/page.js')
    assert.equal(await scriptTitle(program.path('bun/page.js')), 'used')
  })
})

// Both replace the timers and `Date` by fakes that are set forward by a call.
const TESTS = (timers) => `
  test('a program uses the package', async () => {
    expect(await use(dynamidb)).toBe('used')
  })
  test('fake timers set a clock forward that asks for them', () => {
    ${timers}.useFakeTimers()
    const [follows, stays] = [{ now: () => Date.now() }, {}].map((options) => {
      const cache = new dynamidb.Cache(1 << 16, options)
      cache.set('key', 'value', 60_000)
      return cache
    })
    ${timers}.advanceTimersByTime(59_999)
    expect(follows.get('key')).toBe('value')
    ${timers}.advanceTimersByTime(1)
    expect(follows.get('key')).toBe(undefined)
    expect(stays.get('key')).toBe('value')
    ${timers}.useRealTimers()
  })`

test('Vitest imports it', () => {
  program.write('vitest.test.mjs', `import * as dynamidb from 'dynamidb'\nimport { use } from './use.mjs'\n${TESTS('vi')}`)
  const vitest = join(modules, 'vitest/vitest.mjs')
  const output = program.run('node', vitest, 'run', '--globals', '--reporter=json', 'vitest.test.mjs')
  const { numPassedTests, success } = JSON.parse(output.slice(output.indexOf('{"')))
  assert.deepEqual([numPassedTests, success], [2, true])
})

describe('Jest', () => {
  for (const environment of ['node', 'jsdom'])
    test(`requires it in ${environment}`, async () => {
      const { build } = await load('esbuild')
      // Jest reads CommonJS.
      const options = { absWorkingDir: program.folder, bundle: true, format: 'cjs', outfile: 'use.cjs' }
      await build({ ...options, entryPoints: ['use.mjs'] })
      program.write('jest.test.js', `const dynamidb = require('dynamidb')\nconst { use } = require('./use.cjs')\n${TESTS('jest')}`)
      const testEnvironment = require.resolve(`jest-environment-${environment}`)
      program.write('jest.config.json', JSON.stringify({ testEnvironment, testMatch: ['**/jest.test.js'] }))
      const jest = join(modules, 'jest/bin/jest.js')
      const output = program.run('node', jest, '--json', '--config', 'jest.config.json', '--no-cache')
      const { numPassedTests, success } = JSON.parse(output)
      assert.deepEqual([numPassedTests, success], [2, true])
    })
})

test('workerd imports it, bundled as for Cloudflare', async () => {
  const { build } = await load('esbuild')
  const { Miniflare } = await load('miniflare')
  program.write(
    'worker.mjs',
    `import * as dynamidb from 'dynamidb'
    import { use } from './use.mjs'
    // Outside of requests, where there are neither random numbers nor compilers.
    const cache = new dynamidb.Cache(1 << 16)
    export default {
      async fetch(request) {
        try {
          cache.set('count', cache.getString('count') ?? '0')
          return new Response(await use(dynamidb) + cache.increment('count'))
        } catch (error) {
          return new Response(error.stack)
        }
      },
    }`,
  )
  await build({
    absWorkingDir: program.folder,
    logLevel: 'warning',
    bundle: true,
    format: 'esm',
    conditions: ['workerd', 'worker', 'browser'],
    // As Wrangler does with modules of WebAssembly.
    loader: { '.wasm': 'copy' },
    entryPoints: ['worker.mjs'],
    outfile: 'worker/worker.mjs',
  })
  const worker = new Miniflare({
    modules: true,
    modulesRoot: program.path('worker'),
    modulesRules: [{ type: 'CompiledWasm', include: ['**/*.wasm'] }],
    scriptPath: program.path('worker/worker.mjs'),
    compatibilityDate: '2026-01-01',
    cf: false,
  })
  try {
    for (const count of [1, 2]) {
      const response = await worker.dispatchFetch('http://localhost/')
      assert.equal(await response.text(), `used${count}`)
    }
  } finally {
    await worker.dispose()
  }
})
