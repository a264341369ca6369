/** Loads the WebAssembly: once, on demand if it is at hand, otherwise when the program says so. */

import start, * as engine from '../dist/engine.js'
import { attach } from './memory.js'
import { cacheError } from './errors.js'

/** The compiled WebAssembly or its bytes. */
export type WasmModule = WebAssembly.Module | BufferSource
/** Where the WebAssembly comes from: compiled, as bytes, as a response, or its address. */
export type WasmSource = WasmModule | Response | Request | URL | string

let ready = false
let starting: Promise<void> | undefined
/** What an entry brings along: the WebAssembly itself, or where to fetch it. */
let local: (() => WasmModule) | undefined
let remote: (() => WasmSource) | undefined

/** For entries: the WebAssembly is at hand. */
export function bringModule(module: () => WasmModule): void {
  local = module
}

/** For entries: the WebAssembly can be fetched. */
export function bringSource(source: () => WasmSource): void {
  remote = source
}

/**
 * Compiles the WebAssembly without blocking the thread. Needed before the first cache of
 * `dynamidb/web`; otherwise caches start it when they are made. Calls after the first have no
 * effect, unless that failed.
 *
 * `source` takes the place of the package's own WebAssembly, `dynamidb/dynamidb.wasm`.
 */
export async function init(source?: WasmSource | Promise<WasmSource>): Promise<void> {
  if (ready) return
  starting ??= load(source).finally(() => {
    starting = undefined
  })
  return starting
}

async function load(source?: WasmSource | Promise<WasmSource>): Promise<void> {
  const given = (await source) ?? (local ?? remote)?.()
  if (given === undefined) throw missing()
  const { memory } = await start({ module_or_path: given })
  finish(memory)
}

/** The same at once, from a compiled module or from bytes. */
export function initSync(module?: WasmModule): void {
  if (ready) return
  const given = module ?? local?.()
  if (given === undefined) throw missing()
  finish(engine.initSync({ module: given }).memory)
}

function finish(memory: WebAssembly.Memory): void {
  if (ready) return
  attach(memory)
  ready = true
}

function missing(): Error {
  return cacheError('NOT_INITIALIZED', 'call `await init()` before the first cache is made')
}
