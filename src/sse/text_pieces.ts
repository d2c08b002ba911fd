import { ownCopy } from "./event_names.ts";

/**
 * Text that arrives in pieces and is wanted whole later, or never. Pieces are packed into blocks of
 * UTF-8 as they come, so that neither millions of tiny strings nor the chunks that they were cut
 * from stay alive. Blocks lie outside the heap: megabytes of strings that survive collections would
 * make the collector keep much more room than they take.
 */
export class TextPieces {
  readonly #separator: string;
  #blocks: (Uint8Array | string)[] = [];
  #pieces: string[] = [];
  #units = 0;

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
    if (this.#units >= BLOCK_UNITS || this.#pieces.length === BLOCK_PIECES) {
      this.#pack();
    }
    // One piece may hold its chunk, many must not.
    this.#pieces.push(
      this.isEmpty || piece.length >= LARGE_UNITS ? piece : ownCopy(piece),
    );
    this.#units += piece.length;
  }

  /** All pieces, joined. */
  toString(): string {
    if (this.#blocks.length === 0) {
      return this.#pieces.length === 1
        ? this.#pieces[0]!
        : this.#pieces.join(this.#separator);
    }
    const blocks = this.#blocks.map((block) =>
      typeof block === "string" ? block : decoder.decode(block)
    );
    return [...blocks, ...this.#pieces].join(this.#separator);
  }

  /** Forgets all pieces. */
  clear(): void {
    if (this.#blocks.length > 0) this.#blocks = [];
    if (this.#pieces.length > 0) this.#pieces = [];
    this.#units = 0;
  }

  #pack(): void {
    const text = this.#pieces.join(this.#separator);
    // A surrogate that stands alone, as where a pair is cut between two blocks, has no UTF-8.
    this.#blocks.push(text.isWellFormed() ? encoder.encode(text) : text);
    this.#pieces = [];
    this.#units = 0;
  }
}

const BLOCK_UNITS = 32 * 1024;
const BLOCK_PIECES = 1024;
/** A piece of this size wastes little of its chunk, and is packed soon. */
const LARGE_UNITS = 16 * 1024;

const encoder = new TextEncoder();
// A block may begin with U+FEFF, which is content here.
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
