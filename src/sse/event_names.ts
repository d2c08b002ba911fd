/**
 * Event names, the same string each time: comparing them later is comparing pointers, and no slice
 * keeps the chunk alive that it was cut from. A bounded table; a newer name takes an older one's place.
 */
export class EventNames {
  readonly #names: string[] = new Array(PLACES).fill("");
  /** What stands in front of the data of an event, from `event:` to `data:`, by place. */
  readonly #heads: string[] = new Array(PLACES).fill("");
  readonly #namesOfHeads: string[] = new Array(PLACES).fill("");

  /** The one string for this name, which must not be empty. */
  intern(name: string): string {
    const place = placeOf(name.length, name.charCodeAt(name.length - 1));
    const known = this.#names[place]!;
    if (known === name) return known;
    const copy = ownCopy(name);
    // A node that sends ever new names must not make us keep large ones.
    if (name.length <= MOST_UNITS) this.#names[place] = copy;
    return copy;
  }

  /**
   * The event name in a head, `event: x⏎data: `, with or without the spaces; `undefined` if it is
   * none. One comparison with a head seen before tells all of it, which is why this is fast.
   *
   * @param text The chunk.
   * @param start Where the head begins.
   * @param nameEnd Where its first line ends.
   * @param end Where its data would begin.
   */
  ofHead(
    text: string,
    start: number,
    nameEnd: number,
    end: number,
  ): string | undefined {
    const place = placeOf(end - start, text.charCodeAt(nameEnd - 1));
    const head = text.slice(start, end);
    if (this.#heads[place] === head) return this.#namesOfHeads[place];
    const found = HEAD.exec(head);
    const name = found?.[1] ?? found?.[2];
    if (name === undefined) return undefined;
    const known = this.intern(name);
    if (head.length <= MOST_UNITS) {
      this.#heads[place] = ownCopy(head);
      this.#namesOfHeads[place] = known;
    }
    return known;
  }
}

const HEAD = /^event:(?: ([^\n]+)|([^ \n][^\n]*))\ndata: ?$/;
const PLACES = 64;
const MOST_UNITS = 64;

function placeOf(length: number, lastUnit: number): number {
  return (length * 7 + lastUnit) & (PLACES - 1);
}

/** A copy that does not refer to the text that it was cut from. */
export function ownCopy(text: string): string {
  // Shorter slices are copies already.
  return text.length < 13 ? text : (" " + text).slice(1);
}
