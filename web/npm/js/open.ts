/** Opens an engine for a cache, with a seed that is drawn as soon as that is possible. */

import { Engine } from '../dist/engine.js'
import { argumentError, cacheError } from './errors.js'
import { readText, writeNumbers, writeSeed } from './memory.js'
import { SEED_LENGTH, type Settings } from './options.js'

/** The engine refuses one more than it can use, so there is no need to pass on all. */
const SLAB_SIZES_MAX = 63

/** Opens an engine. `seed` has 16 bytes. */
export function openEngine(settings: Settings<unknown>, seed: Uint8Array): Engine {
  writeSeed(seed)
  const engine = Engine.make(
    settings.memory,
    settings.maxItems,
    settings.maxItemSize,
    settings.policy,
    writeNumbers(settings.slabSizes.slice(0, SLAB_SIZES_MAX)),
    settings.onEviction !== undefined,
  )
  if (engine !== undefined) return engine
  const reason = readText(false)
  if (reason !== '') throw argumentError(reason)
  throw cacheError('OUT_OF_MEMORY', 'the budget could not be allocated')
}

/** Checks the settings if no seed can be drawn yet: in a Cloudflare worker, outside of requests. */
export function tryOpen(settings: Settings<unknown>): Engine | undefined {
  const seed = settings.seed ?? tryDraw()
  const engine = openEngine(settings, seed ?? new Uint8Array(SEED_LENGTH))
  if (seed !== undefined) return engine
  engine.free()
  return undefined
}

export function drawSeed(): Uint8Array {
  return crypto.getRandomValues(new Uint8Array(SEED_LENGTH))
}

function tryDraw(): Uint8Array | undefined {
  try {
    return drawSeed()
  } catch {
    return undefined
  }
}
