/** The entry for Cloudflare's workers, which do not compile WebAssembly but import it compiled. */

import wasm from './dynamidb.wasm'
import { bringModule } from './wasm.js'

bringModule(() => wasm)

export * from './api.js'
