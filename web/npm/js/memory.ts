/**
 * What JavaScript and the engine hand each other: the key and the value of a call, and the value
 * that was found, written and read in the module's memory without a copy in between.
 */

import { foundAddress, keyAddress, resizeInput } from '../dist/engine.js'
import { lengthOf, partOf } from './bytes.js'
import { argumentError, cacheError } from './errors.js'

/**
 * Client flags: none for the most frequent kind, because flags take 4 bytes and a larger header.
 */
export const ASCII = 0
export const TEXT = 1
export const BYTES = 2

/** The longest key, in bytes of UTF-8. */
const KEY_MAX = 250
/** Strings up to this length are written unit by unit, which is then faster than the encoder. */
const WRITE_UNITS = 32
/** The memory for a value that is kept from call to call. */
const INPUT_KEPT = 1 << 18

let memory: WebAssembly.Memory
/** All of the memory: of length 0 when the memory has grown since. */
let bytes = new Uint8Array(0)
let words = new Uint32Array(0)
let keyAt = 0
let foundAt = 0
let inputAt = 0
let inputLength = 0
let input = bytes

/** The flags of the value that was written last. */
export let flags: number = ASCII

const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { ignoreBOM: true })

type Slice = (this: Uint8Array, start: number, end: number) => string
const latin1Slice = findSlice()

/** Node's own way to make a string of bytes, in a third of the decoder's time. */
function findSlice(): Slice | undefined {
  const buffer = (globalThis as { Buffer?: { prototype?: { latin1Slice?: Slice } } }).Buffer
  const slice = buffer?.prototype?.latin1Slice
  try {
    return slice?.call(Uint8Array.of(32, 65, 66), 1, 3) === 'AB' ? slice : undefined
  } catch {
    return undefined
  }
}

/** Strings up to this length are read unit by unit. */
const READ_UNITS = latin1Slice === undefined ? 24 : 8

/** Begins with the memory of a module that has just been started. */
export function attach(wasm: WebAssembly.Memory): void {
  memory = wasm
  keyAt = keyAddress()
  foundAt = foundAddress() / 4
  reserve(INPUT_KEPT)
}

function refresh(): void {
  bytes = new Uint8Array(memory.buffer)
  words = new Uint32Array(memory.buffer)
  input = bytes.subarray(inputAt, inputAt + inputLength)
}

/** Makes the memory for a value this long. */
export function reserve(length: number): void {
  if (resize(length)) return
  // Short values are written without another look, to what was just freed.
  resize(INPUT_KEPT)
  throw cacheError('OUT_OF_MEMORY', 'there is no memory to pass the value on')
}

function resize(length: number): boolean {
  inputAt = resizeInput(length)
  inputLength = inputAt === 0 ? 0 : length
  refresh()
  return inputAt !== 0
}

/** Frees memory that only a large value needed. */
export function trim(): void {
  if (inputLength > INPUT_KEPT) reserve(INPUT_KEPT)
}

/**
 * Writes a key and returns its length in bytes: 0 for a key that is too long, because there is
 * never a value under the empty one.
 */
export function writeKey(key: string): number {
  if (typeof key !== 'string') throw argumentError('a key is a string')
  const units = key.length
  if (units > KEY_MAX) return 0
  if (bytes.length === 0) refresh()
  // Constants spare a look at the variables for each unit.
  const target = bytes
  const at = keyAt
  for (let unit = 0; unit < units; unit++) {
    const code = key.charCodeAt(unit)
    if (code > 0x7f) return writeUnicodeKey(key)
    target[at + unit] = code
  }
  return units
}

function writeUnicodeKey(key: string): number {
  if (!isWellFormed(key)) throw argumentError('a key has no half of a surrogate pair')
  const { read, written } = encoder.encodeInto(key, bytes.subarray(keyAt, keyAt + KEY_MAX))
  return read === key.length ? written : 0
}

/**
 * Writes a string and returns its length in bytes. If that is more than `max`, so is the result.
 */
export function writeText(text: string, max: number): number {
  const units = text.length
  if (units > max) return writeTooLarge(max)
  if (bytes.length === 0) refresh()
  if (units > WRITE_UNITS) return writeLong(text)
  const target = bytes
  const at = inputAt
  for (let unit = 0; unit < units; unit++) {
    const code = text.charCodeAt(unit)
    if (code > 0x7f) return writeLong(text)
    target[at + unit] = code
  }
  flags = ASCII
  return units
}

function writeLong(text: string): number {
  const units = text.length
  if (units > inputLength) reserve(units)
  let { read, written } = encoder.encodeInto(text, input)
  if (read < units) {
    reserve(3 * units)
    written = encoder.encodeInto(text, input).written
  }
  // Only ASCII has as many bytes as units.
  flags = written === units ? ASCII : TEXT
  if (flags === TEXT && !isWellFormed(text))
    throw argumentError('a string to store has no half of a surrogate pair')
  return written
}

/** Writes bytes and returns their length. If that is more than `max`, so is the result. */
export function writeBytes(array: Uint8Array, max: number): number {
  const length = lengthOf(array)
  if (length > max) return writeTooLarge(max)
  flags = BYTES
  if (length > inputLength) reserve(length)
  if (bytes.length === 0) refresh()
  bytes.set(array, inputAt)
  return length
}

/** Any bytes stand for a value that the engine will refuse. */
function writeTooLarge(max: number): number {
  if (max >= inputLength) reserve(max + 1)
  return max + 1
}

/** The value that was found, as a string. */
export function readText(isAscii: boolean): string {
  if (bytes.length === 0) refresh()
  const start = words[foundAt]!
  const end = start + words[foundAt + 1]!
  return isAscii ? asciiText(start, end) : unicodeText(start, end)
}

/** A copy of the value that was found. */
export function readBytes(): Uint8Array {
  if (bytes.length === 0) refresh()
  const start = words[foundAt]!
  return bytes.slice(start, start + words[foundAt + 1]!)
}

function asciiText(start: number, end: number): string {
  if (end - start <= READ_UNITS) {
    let text = ''
    for (let at = start; at < end; at++) text += String.fromCharCode(bytes[at]!)
    return text
  }
  if (latin1Slice !== undefined) return latin1Slice.call(bytes, start, end)
  return decoder.decode(bytes.subarray(start, end))
}

function unicodeText(start: number, end: number): string {
  return decoder.decode(bytes.subarray(start, end))
}

/** A copy of bytes that the engine passes on. */
export function bytesAtAddress(address: number, length: number): Uint8Array {
  if (bytes.length === 0) refresh()
  return bytes.slice(address, address + length)
}

/** Writes a part of some bytes, as much as fits, and returns how much that is. */
export function writePart(array: Uint8Array, at: number): number {
  if (bytes.length === 0) refresh()
  const part = partOf(array, at, inputLength)
  bytes.set(part, inputAt)
  return part.length
}

/** A key that the engine passes on. */
export function keyAtAddress(address: number, length: number): string {
  if (bytes.length === 0) refresh()
  return unicodeText(address, address + length)
}

/** Writes the seed where the engine expects it. */
export function writeSeed(seed: Uint8Array): void {
  if (bytes.length === 0) refresh()
  bytes.set(seed, keyAt)
}

/** Writes 32-bit numbers and returns how many. */
export function writeNumbers(numbers: readonly number[]): number {
  const view = new DataView(input.buffer)
  for (const [index, number] of numbers.entries()) view.setUint32(inputAt + 4 * index, number, true)
  return numbers.length
}

/** Whether UTF-8 can represent a string. */
function isWellFormed(text: string): boolean {
  const native = (text as { isWellFormed?: () => boolean }).isWellFormed
  return native === undefined ? !/\p{Surrogate}/u.test(text) : native.call(text)
}
