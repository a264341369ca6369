/** Errors that programs can tell apart by their `code`. */

export type ErrorCode =
  | 'ARGUMENT'
  | 'FREED'
  | 'KEY_LENGTH'
  | 'NOT_A_NUMBER'
  | 'NOT_INITIALIZED'
  | 'OUT_OF_MEMORY'
  | 'SNAPSHOT'
  | 'VALUE_TOO_LARGE'

/** An error of this package. */
export interface CacheError extends Error {
  /** `ARGUMENT` and `FREED` are codes of a `TypeError`. */
  code: ErrorCode
}

/** What the engine returns, in the order of `src/lib.rs`: 0 for a value that was stored. */
export const NOT_STORED = 1
const STATUSES: Record<number, [ErrorCode, string]> = {
  2: ['KEY_LENGTH', 'the key is empty or longer than 250 bytes of UTF-8'],
  3: ['VALUE_TOO_LARGE', 'the item is larger than the largest that the cache takes'],
  4: ['OUT_OF_MEMORY', 'no space could be freed for the item'],
  5: ['NOT_A_NUMBER', 'the value is not a number'],
  6: ['SNAPSHOT', 'it is not a snapshot'],
  7: ['SNAPSHOT', 'the snapshot is of a newer version'],
  8: ['SNAPSHOT', 'the snapshot is corrupted'],
  9: ['SNAPSHOT', 'the snapshot is truncated'],
}

export function argumentError(message: string): CacheError {
  return Object.assign(new TypeError(message), { code: 'ARGUMENT' as const })
}

export function freedError(): CacheError {
  return Object.assign(new TypeError('the cache was freed'), { code: 'FREED' as const })
}

export function cacheError(code: ErrorCode, message: string): CacheError {
  return Object.assign(new Error(message), { code })
}

export function statusError(status: number): CacheError {
  const [code, message] = STATUSES[status] ?? ['OUT_OF_MEMORY', 'unknown status']
  return cacheError(code, message)
}
