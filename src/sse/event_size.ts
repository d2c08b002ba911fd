import { utf8Length } from "./utf8_length.ts";

/**
 * Counts the bytes of UTF-8 that an event holds against its cap. They are counted exactly, but only
 * once it could matter: until then the UTF-16 code units, three bytes each at most, prove that it fits.
 */
export class EventSize {
  /** The cap, in bytes. */
  readonly mostBytes: number;
  readonly #held: () => string[];
  #units = 0;
  #bytes = UNMEASURED;

  /**
   * @param mostBytes The cap.
   * @param held What the event holds at the moment, as far as it is counted.
   */
  constructor(mostBytes: number, held: () => string[]) {
    this.mostBytes = mostBytes;
    this.#held = held;
  }

  /** So many UTF-16 code units are within the cap, whichever they are. */
  get fittingUnits(): number {
    return Math.floor(this.mostBytes / MOST_BYTES_PER_UNIT);
  }

  /**
   * Counts a piece, before it is held.
   *
   * @param previousUnit The code unit in front of it, in the same value.
   * @returns Whether the event is within the cap with it.
   */
  add(piece: string, previousUnit = 0): boolean {
    const units = this.#units += piece.length;
    if (this.#bytes !== UNMEASURED) {
      this.#bytes += utf8Length(piece, previousUnit);
    } else if (units * MOST_BYTES_PER_UNIT > this.mostBytes) {
      this.#bytes = utf8Length(piece, previousUnit);
      for (const text of this.#held()) this.#bytes += utf8Length(text);
    }
    return this.#bytes <= this.mostBytes;
  }

  /** Takes off a value that is no longer held. */
  remove(value: string): void {
    this.#units -= value.length;
    if (this.#bytes !== UNMEASURED) this.#bytes -= utf8Length(value);
  }

  /** Begins anew, with nothing held. */
  clear(): void {
    this.#units = 0;
    this.#bytes = UNMEASURED;
  }
}

const MOST_BYTES_PER_UNIT = 3;
const UNMEASURED = -1;
