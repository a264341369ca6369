// The package as users get it: packed, and installed into an empty program.
import { execFileSync } from 'node:child_process'
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const here = fileURLToPath(new URL('.', import.meta.url))

export class Program {
  folder = mkdtempSync(join(tmpdir(), 'dynamidb-npm-'))

  constructor() {
    const [{ filename }] = JSON.parse(this.run('npm', 'pack', '--json', join(here, '../pkg')))
    this.write('package.json', '{ "name": "program", "private": true }')
    this.run('npm', 'install', '--offline', '--no-audit', '--no-fund', `./${filename}`)
    cpSync(join(here, 'program'), this.folder, { recursive: true })
  }

  path(...names) {
    return join(this.folder, ...names)
  }

  write(name, text) {
    writeFileSync(this.path(name), text)
  }

  /** Runs a command in the program's folder and returns its output. */
  run(command, ...args) {
    const options = { cwd: this.folder, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] }
    return execFileSync(command, args, options).trim()
  }

  remove() {
    rmSync(this.folder, { recursive: true })
  }
}

/** A page that uses the package and says so in its title. */
export const PAGE = `<!doctype html><script type="module">
  import * as dynamidb from 'dynamidb'
  import { use } from './use.mjs'
  use(dynamidb).catch((error) => error.stack).then((title) => (document.title = title))
  </script>`

/** The title that a page gives itself. */
export async function titleOf(chromium, address) {
  const browser = await chromium.launch({
    executablePath: process.env.CHROME ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--disable-background-networking'],
  })
  try {
    const tab = await browser.newPage()
    tab.on('pageerror', (error) => console.error(error))
    await tab.goto(address)
    await tab.waitForFunction(() => document.title !== '', undefined, { timeout: 120_000 })
    return await tab.title()
  } finally {
    await browser.close()
  }
}
