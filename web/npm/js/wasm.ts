/** Loads the WebAssembly once: on demand if the entry has it, otherwise by `init`. */

import start, * as engine from '../dist/engine.js'
import { attach } from './memory.js'
import { cacheError } from './errors.js'

/** The compiled WebAssembly or its bytes. */
export type WasmModule = WebAssembly.Module | BufferSource
/** Where the WebAssembly comes from: compiled, as bytes, as a response, or its address. */
export type WasmSource = WasmModule | Response | Request | URL | string

let ready = false
let starting: Promise<void> | undefined
/** Set by an entry: the WebAssembly itself, or where to fetch it. */
let defaultModule: (() => WasmModule) | undefined
let defaultSource: (() => WasmSource) | undefined

/** For an entry that has the WebAssembly. */
export function setDefaultModule(module: () => WasmModule): void {
  defaultModule = module
}

/** For an entry that knows where the WebAssembly can be fetched. */
export function setDefaultSource(source: () => WasmSource): void {
  defaultSource = source
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
  const given = (await source) ?? (defaultModule ?? defaultSource)?.()
  if (given === undefined) throw missing()
  const { memory } = await start({ module_or_path: given })
  finish(memory)
}

/** The same at once, from a compiled module or from bytes. */
export function initSync(module?: WasmModule): void {
  if (ready) return
  const given = module ?? defaultModule?.()
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
