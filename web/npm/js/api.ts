/** What every entry exports. */

export { Cache, type CacheStats, type Pieces, type Restored, type Ttl } from './cache.js'
export { type Codec, json, type Stored } from './codec.js'
export type { CacheError, ErrorCode } from './errors.js'
export type { CacheOptions, Policy, RemovalReason } from './options.js'
export { init, initSync, type WasmModule, type WasmSource } from './wasm.js'
