/** When the blocks of recent slots came over gossip, in a ring of a fixed size. */
export class GossipTimes {
  readonly #slots: number[] = new Array(PLACES).fill(NONE);
  readonly #times: number[] = new Array(PLACES).fill(0);

  /**
   * Remembers a block, unless one of that slot is remembered already.
   *
   * @param slot Its slot.
   * @param time When it came, Unix time in milliseconds.
   */
  add(slot: number, time: number): void {
    const place = slot % PLACES;
    if (this.#slots[place] === slot) return;
    this.#slots[place] = slot;
    this.#times[place] = time;
  }

  /** Forgets the block of a slot. Returns when it came; `undefined` if that is not known. */
  take(slot: number): number | undefined {
    const place = slot % PLACES;
    if (this.#slots[place] !== slot) return undefined;
    this.#slots[place] = NONE;
    return this.#times[place];
  }
}

/** Two epochs of mainnet. */
const PLACES = 64;
const NONE = -1;
