/** Finds the byte on its way to a client before which a fault strikes. */

import type { WireFaultPoint } from "./wire_fault.ts";

/** The line that a fault may have to wait for, and how much of it passes. */
const LINE_START = new TextEncoder().encode("data:");
const BYTES_INTO_LINE = 4;

/** Follows the bytes of one connection up to the point where a fault strikes. */
export class StrikePoint {
  #bytesLeft: number;
  #isSearching: boolean;
  #matched = 0;

  constructor({ afterBytes = 0, inMidLine = false }: WireFaultPoint) {
    this.#bytesLeft = afterBytes;
    this.#isSearching = inMidLine;
  }

  /** Whether the next byte must not pass. */
  get isReached(): boolean {
    return this.#bytesLeft === 0 && !this.#isSearching;
  }

  /** Lets as many of the bytes pass as may, and tells how many. */
  pass(bytes: Uint8Array): number {
    let passed = 0;
    while (passed < bytes.length && !this.isReached) {
      if (this.#bytesLeft > 0) {
        const step = Math.min(this.#bytesLeft, bytes.length - passed);
        passed += step;
        this.#bytesLeft -= step;
      } else {
        this.#search(bytes[passed]!);
        passed++;
      }
    }
    return passed;
  }

  /** Looks for the line, which may come in several chunks. */
  #search(byte: number): void {
    const isNext = byte === LINE_START[this.#matched];
    this.#matched = isNext ? this.#matched + 1 : byte === LINE_START[0] ? 1 : 0;
    if (this.#matched === LINE_START.length) {
      this.#isSearching = false;
      this.#bytesLeft = BYTES_INTO_LINE;
    }
  }
}
