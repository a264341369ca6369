/**
 * UTF-8 where it is not built in: jsdom has no `TextEncoder`. `build` puts these in the place of
 * the global names.
 */

class Encoder {
  encodeInto(text: string, bytes: Uint8Array): { read: number; written: number } {
    let [read, written] = [0, 0]
    for (const character of text) {
      let point = character.codePointAt(0)!
      if (point >= 0xd800 && point < 0xe000) point = 0xfffd
      const more = point < 0x80 ? 0 : point < 0x800 ? 1 : point < 0x10000 ? 2 : 3
      if (written + more >= bytes.length) break
      bytes[written++] = more ? (point >> (6 * more)) | ((-0x80 >> more) & 0xff) : point
      for (let left = more - 1; left >= 0; left--)
        bytes[written++] = ((point >> (6 * left)) & 0x3f) | 0x80
      read += character.length
    }
    return { read, written }
  }
}

class Decoder {
  /** Of valid UTF-8; of anything else, what a lenient decoder makes of it. */
  decode(bytes: Uint8Array = new Uint8Array()): string {
    let text = ''
    for (let at = 0; at < bytes.length; ) {
      const first = bytes[at++]!
      const more = first < 0xc0 ? 0 : first < 0xe0 ? 1 : first < 0xf0 ? 2 : 3
      let point = first < 0x80 ? first : more ? first & (0x3f >> more) : 0xfffd
      for (let left = more; left > 0; left--) {
        const next = bytes[at] ?? 0
        if ((next & 0xc0) !== 0x80) {
          point = 0xfffd
          break
        }
        point = (point << 6) | (next & 0x3f)
        at++
      }
      text += String.fromCodePoint(point > 0x10ffff ? 0xfffd : point)
    }
    return text
  }
}

const own = globalThis as { TextDecoder?: unknown; TextEncoder?: unknown }
const textDecoder = (own.TextDecoder ?? Decoder) as typeof TextDecoder
const textEncoder = (own.TextEncoder ?? Encoder) as typeof TextEncoder
export { textDecoder as TextDecoder, textEncoder as TextEncoder }
