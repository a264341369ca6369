/** The entry for Cloudflare's workers, which do not compile WebAssembly but import it compiled. */

import wasm from './dynamidb.wasm'
import { setDefaultModule } from './wasm.js'

setDefaultModule(() => wasm)

export * from './api.js'
