/** Which chain events a reader that comes from another gateway, or run, has received there. */

import type { Frame } from "./frame.ts";
import type { Digests } from "./position.ts";
import { digestForm, eventsOfDigest } from "./slot_digest.ts";

/** An event, as far as it matters here. */
export type ComparedEvent = Pick<
  Frame,
  "identity" | "ownSlot" | "slot" | "gapTo"
>;

/**
 * Of the slot of its position and the one before, the digests show what the reader has. To read them,
 * one needs the roots of the slot's blocks, which come with this gateway's events and with headers.
 * Of earlier slots the reader has everything, or knows of a gap.
 */
export class HadEvents {
  readonly #slot: number;
  readonly #topics: readonly string[];
  readonly #before: SlotEvents;
  readonly #latest: SlotEvents;

  /**
   * @param slot Slot of the reader's position.
   * @param digests Digests of its position.
   * @param topics The topics that the gateways send.
   */
  constructor(slot: number, digests: Digests, topics: readonly string[]) {
    this.#slot = slot;
    this.#topics = topics;
    this.#before = new SlotEvents(slot - 1, digests[0]);
    this.#latest = new SlotEvents(slot, digests[1]);
  }

  /** Learns of an event that this gateway has. */
  learn({ identity, ownSlot }: ComparedEvent): void {
    if (identity === undefined || ownSlot === undefined) return;
    const own = this.#of(ownSlot);
    if (own === undefined) return;
    const form = digestForm(identity);
    own.forms.push(form);
    own.roots.add(form.split("/")[2]!);
  }

  /** Learns of a block that a node has. */
  learnBlock(slot: number, root: string): void {
    this.#of(slot)?.roots.add(root);
  }

  /** Whether the reader has an event. The same event once more is another one. */
  take(event: ComparedEvent): boolean {
    const { identity, ownSlot, slot, gapTo = slot } = event;
    if (ownSlot === undefined || identity === undefined) {
      return Math.max(slot, gapTo) < this.#slot;
    }
    const own = this.#of(ownSlot);
    if (own === undefined) return ownSlot < this.#slot;
    const form = digestForm(identity);
    if (!own.find(this.#topics) && !own.forms.includes(form)) this.learn(event);
    return own.find(this.#topics)?.take(form) ?? ownSlot < this.#slot;
  }

  /** Whether the reader has an event of a topic about a block, verified or not. */
  has(topic: string, slot: number, root: string): boolean {
    const found = this.#find(slot);
    return found === undefined
      ? slot < this.#slot
      : formsOf(topic, slot, root).some((form) => found.all.has(form));
  }

  /** Whether it has events of its slot, and they are known here. */
  get isFound(): boolean {
    return (this.#find(this.#slot)?.all.size ?? 0) > 0;
  }

  #of(slot: number): SlotEvents | undefined {
    if (slot === this.#slot) return this.#latest;
    return slot === this.#slot - 1 ? this.#before : undefined;
  }

  #find(slot: number): Found | undefined {
    return this.#of(slot)?.find(this.#topics);
  }
}

/** Which events of a slot the reader has, once that is found out. */
class Found {
  readonly all: ReadonlySet<string>;
  readonly #left: string[];

  constructor(forms: readonly string[]) {
    this.all = new Set(forms);
    this.#left = [...forms];
  }

  take(form: string): boolean {
    const place = this.#left.indexOf(form);
    if (place !== -1) this.#left.splice(place, 1);
    return place !== -1;
  }
}

/** The events that a slot may have, and the digest of those that the reader has. */
class SlotEvents {
  readonly forms: string[] = [];
  readonly roots = new Set<string>();
  readonly #slot: number;
  readonly #digest: number;
  #found: Found | undefined;
  #tried = -1;

  constructor(slot: number, digest: number) {
    this.#slot = slot;
    this.#digest = digest;
  }

  find(topics: readonly string[]): Found | undefined {
    const size = this.forms.length + this.roots.size;
    if (this.#found !== undefined || size === this.#tried) return this.#found;
    this.#tried = size;
    const others = [...this.roots].flatMap((root) =>
      topics.flatMap((topic) => formsOf(topic, this.#slot, root))
    ).filter((form) => !this.forms.includes(form));
    // All that is verified comes first.
    others.sort((a, b) => stageIn(a) - stageIn(b));
    const forms = eventsOfDigest(this.#digest, [...this.forms, ...others]);
    if (forms !== undefined) this.#found = new Found(forms);
    return this.#found;
  }
}

/** By topic, the endings of an event's form: how far the node had verified it. */
const FORMS: Readonly<Record<string, readonly string[]>> = {
  block_gossip: [""],
  block: ["", "/stage-0"],
  head: ["", "/stage-0"],
  head_v2: ["", ...[0, 1, 2, 3, 4].map((stage) => `/stage-${stage}`)],
  chain_reorg: ["", "/stage-0"],
};

/** What nodes report of a block. */
function formsOf(topic: string, slot: number, root: string): string[] {
  return (FORMS[topic] ?? []).map((form) => `${topic}/${slot}/${root}${form}`);
}

function stageIn(form: string): number {
  return form.includes("/stage-") ? 1 : 0;
}
