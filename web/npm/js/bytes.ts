/**
 * What is known of an array of bytes without running the program's code: subclasses can override
 * all properties.
 */

const TypedArray = Object.getPrototypeOf(Uint8Array.prototype)
const kind = Object.getOwnPropertyDescriptor(TypedArray, Symbol.toStringTag)!.get!
const length = Object.getOwnPropertyDescriptor(TypedArray, 'length')!.get!
const buffer = Object.getOwnPropertyDescriptor(TypedArray, 'buffer')!.get!
const byteOffset = Object.getOwnPropertyDescriptor(TypedArray, 'byteOffset')!.get!

/** Whether a value is a `Uint8Array`, of this or of another realm. */
export function isBytes(value: unknown): value is Uint8Array {
  if (kind.call(value) !== 'Uint8Array') return false
  if (length.call(value) > 0) return true
  // The length is 0, too, if the buffer was transferred or shrunk; then it cannot be copied.
  try {
    return new Uint8Array(value as Uint8Array).length === 0
  } catch {
    return false
  }
}

/** A part of the bytes, at most this long. */
export function partOf(bytes: Uint8Array, at: number, most: number): Uint8Array {
  const size = Math.min(lengthOf(bytes) - at, most)
  return new Uint8Array(buffer.call(bytes), byteOffset.call(bytes) + at, size)
}

export function lengthOf(bytes: Uint8Array): number {
  return length.call(bytes)
}
