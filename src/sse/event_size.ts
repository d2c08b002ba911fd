/**
 * Compares the bytes of UTF-8 that an event holds with the cap. A UTF-16 code unit takes three bytes
 * at most, so the bytes are counted only when three times the units exceed the cap.
 */
export class EventSize {
  /** The cap, in bytes. */
  readonly mostBytes: number;
  /** How many UTF-16 code units are surely within the cap. */
  readonly fittingUnits: number;
  readonly #held: () => string[];
  #units = 0;
  #bytes = UNMEASURED;

  constructor(mostBytes: number, held: () => string[]) {
    this.mostBytes = mostBytes;
    this.fittingUnits = Math.floor(mostBytes / MOST_BYTES_PER_UNIT);
    this.#held = held;
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
    } else if (units > this.fittingUnits) {
      this.#bytes = utf8Length(piece, previousUnit);
      for (const text of this.#held()) this.#bytes += utf8Length(text);
    }
    return this.#bytes <= this.mostBytes;
  }

  /** Subtracts a value that is no longer held. */
  remove(value: string): void {
    this.#units -= value.length;
    if (this.#bytes !== UNMEASURED) this.#bytes -= utf8Length(value);
  }

  clear(): void {
    this.#units = 0;
    this.#bytes = UNMEASURED;
  }
}

const MOST_BYTES_PER_UNIT = 3;
const UNMEASURED = -1;

/**
 * Bytes of a piece as UTF-8. A surrogate pair that is cut between two pieces counts 4 in all; a lone
 * surrogate counts 3, as U+FFFD does.
 */
function utf8Length(text: string, previous = 0): number {
  let bytes = 0;
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    if (unit < 0x80) bytes += 1;
    else if (unit < 0x800) bytes += 2;
    else if (
      (unit & 0xfc00) === LOW_SURROGATE &&
      (previous & 0xfc00) === HIGH_SURROGATE
    ) bytes += 1;
    else bytes += 3;
    previous = unit;
  }
  return bytes;
}

const HIGH_SURROGATE = 0xd800;
const LOW_SURROGATE = 0xdc00;
