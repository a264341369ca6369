/** The entry for all but a few: the WebAssembly is in the file, and starts when it is needed. */

import wasm from '../dist/engine_bg.wasm'
import { setDefaultModule } from './wasm.js'

setDefaultModule(() => Uint8Array.from(atob(wasm), (character) => character.charCodeAt(0)))

export * from './api.js'
