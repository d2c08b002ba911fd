import { ownCopy } from "../values/own_copy.ts";

/**
 * Text that arrives in pieces and is joined later, or never. The first and the last piece may keep
 * the chunks alive that they were cut from. The pieces between are copied and joined in blocks, so
 * that neither many chunks nor millions of tiny strings stay alive.
 */
export class TextPieces {
  #first = "";
  #last = "";
  #isLastCut = false;
  #between: string[] | undefined;
  #blocks: string[] | undefined;

  /**
   * Appends a piece.
   *
   * @param isCut Whether the piece was cut from a text of more than twice its length.
   */
  push(piece: string, isCut: boolean): void {
    if (this.#first === "") {
      this.#first = piece;
      return;
    }
    if (this.#last !== "") this.#pack();
    this.#last = piece;
    this.#isLastCut = isCut;
  }

  toString(): string {
    if (this.#between === undefined) return this.#first + this.#last;
    return [
      this.#first,
      ...this.#blocks ?? [],
      ...this.#between,
      this.#last,
    ].join("");
  }

  clear(): void {
    this.#first = this.#last = "";
    this.#between = this.#blocks = undefined;
  }

  #pack(): void {
    const between = this.#between ??= [];
    between.push(this.#isLastCut ? ownCopy(this.#last) : this.#last);
    if (between.length < BLOCK_PIECES) return;
    (this.#blocks ??= []).push(between.join(""));
    between.length = 0;
  }
}

const BLOCK_PIECES = 1024;
