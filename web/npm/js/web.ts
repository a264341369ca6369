/** The entry that fetches the WebAssembly: a smaller script, and `await init()` comes first. */

import { setDefaultSource } from './wasm.js'

setDefaultSource(() => new URL('./dynamidb.wasm', import.meta.url))

export * from './api.js'
