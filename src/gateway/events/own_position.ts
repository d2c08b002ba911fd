/** A reader's own position, as long as it has other events than the stream that it reads. */

import type { Frame } from "./frame.ts";
import { type Digests, formatPosition } from "./position.ts";
import { digestForm, SlotDigests } from "./slot_digest.ts";

/**
 * Follows what one reader receives that came from another gateway, or that received events from
 * headers. The stream's ids would claim too much of it, or too little; its own ids are those of a
 * run of the gateway that no other reader shares. Two slots later nothing differs any more.
 */
export class OwnPosition {
  /** The latest slot of which the reader has other events than the stream. */
  until: number;
  readonly #epoch: string;
  readonly #digests: SlotDigests;
  /** Events of slots that the position has not come to, by slot. */
  readonly #later = new Map<number, string[]>();

  /**
   * @param epoch Name of the gateway's run.
   * @param slot The slot that the reader comes from.
   * @param digests What it has of that slot and the one before; `undefined` where nothing.
   */
  constructor(epoch: string, slot: number, digests: Digests | undefined) {
    this.#epoch = `${epoch}_`;
    this.until = slot;
    this.#digests = new SlotDigests(slot, digests);
  }

  /** The position as an id. */
  get id(): string {
    const { slot, value } = this.#digests;
    return formatPosition({ epoch: this.#epoch, seq: 0, digests: value, slot });
  }

  /** The reader has everything before this slot. */
  moveTo(slot: number): void {
    this.#digests.moveTo(slot);
    for (const [later, forms] of this.#later) {
      if (later > this.#digests.slot) continue;
      this.#later.delete(later);
      for (const form of forms) this.#digests.add(later, form);
    }
  }

  /** The reader has received an event. */
  add(slot: number, identity: string): void {
    const form = digestForm(identity);
    this.until = Math.max(this.until, slot);
    if (slot <= this.#digests.slot) return this.#digests.add(slot, form);
    const forms = this.#later.get(slot) ?? [];
    this.#later.set(slot, [...forms, form]);
  }

  /** The reader receives a frame of the stream. */
  take({ slot, ownSlot, identity }: Frame): void {
    this.moveTo(slot);
    if (identity !== undefined) {
      this.#digests.add(ownSlot, digestForm(identity));
    }
  }
}
