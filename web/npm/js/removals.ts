/** Tells a program which items were evicted or have expired. */

import type { Engine } from '../dist/engine.js'
import { keyAtAddress } from './memory.js'
import type { RemovalReason } from './options.js'

export class Removals {
  /** How many items the engine could not record. */
  unreported = 0
  private queue: [string, RemovalReason][] = []
  private isReporting = false

  constructor(private readonly action: (key: string, reason: RemovalReason) => void) {}

  /** Called by the engine. */
  receive(address: number, length: number, isExpired: boolean): void {
    this.queue.push([keyAtAddress(address, length), isExpired ? 'expire' : 'evict'])
  }

  /**
   * Passes on what was removed since the last time. The program may use the cache meanwhile: what
   * that removes comes last. If it throws, the rest is passed on next time.
   */
  report(engine: Engine): void {
    this.unreported += engine.removals(this)
    if (this.isReporting || this.queue.length === 0) return
    this.isReporting = true
    let done = 0
    try {
      while (done < this.queue.length) {
        const [key, reason] = this.queue[done++]!
        this.action(key, reason)
      }
    } finally {
      this.queue = this.queue.slice(done)
      this.isReporting = false
    }
  }
}
