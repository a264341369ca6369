/**
 * What is known of an array of bytes without running the program's code: subclasses can override
 * all properties.
 */

const TypedArray = Object.getPrototypeOf(Uint8Array.prototype)
const kind = Object.getOwnPropertyDescriptor(TypedArray, Symbol.toStringTag)!.get!
const length = Object.getOwnPropertyDescriptor(TypedArray, 'length')!.get!

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

export function lengthOf(bytes: Uint8Array): number {
  return length.call(bytes)
}
