/** The entry that fetches the WebAssembly: a smaller script, and `await init()` comes first. */

import { bringSource } from './wasm.js'

bringSource(() => new URL('./dynamidb.wasm', import.meta.url))

export * from './api.js'
