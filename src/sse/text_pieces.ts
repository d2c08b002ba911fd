import { ownCopy } from "./event_names.ts";

/**
 * Text that arrives in pieces and is wanted whole later, or never. Pieces are joined in blocks as
 * they come, so that neither millions of tiny strings nor the chunks that they were cut from stay
 * alive, and every character is copied a bounded number of times.
 */
export class TextPieces {
  readonly #separator: string;
  #blocks: string[] = [];
  #pieces: string[] = [];

  /** @param separator What stands between two pieces. */
  constructor(separator: string) {
    this.#separator = separator;
  }

  /** Whether nothing was pushed since the last {@linkcode TextPieces.clear}. */
  get isEmpty(): boolean {
    return this.#pieces.length === 0 && this.#blocks.length === 0;
  }

  /** Appends a piece. */
  push(piece: string): void {
    // One piece may hold its chunk, many must not.
    if (!this.isEmpty && piece.length < LARGE_UNITS) piece = ownCopy(piece);
    if (this.#pieces.length === PIECES_PER_BLOCK) {
      this.#blocks.push(this.#pieces.join(this.#separator));
      this.#pieces = [];
    }
    this.#pieces.push(piece);
  }

  /** All pieces, joined. */
  toString(): string {
    if (this.#blocks.length === 0) {
      return this.#pieces.length === 1
        ? this.#pieces[0]!
        : this.#pieces.join(this.#separator);
    }
    return [...this.#blocks, ...this.#pieces].join(this.#separator);
  }

  /** Forgets all pieces. */
  clear(): void {
    if (this.#blocks.length > 0) this.#blocks = [];
    if (this.#pieces.length > 0) this.#pieces = [];
  }
}

const PIECES_PER_BLOCK = 1024;
/** A piece of this size wastes little of its chunk, and copying it costs more. */
const LARGE_UNITS = 16 * 1024;
