/** Events once, though several nodes report them: the first node wins. */

/**
 * Tells whether an event is to be delivered. What one node says twice are two events (its head may
 * go from A to B and back to A); what two nodes say once each is one. So the n-th time that a node
 * says the same thing counts as new only if no other node has said it n times before.
 *
 * Memory is bounded: the latest {@linkcode OnceFilterOptions.capacity} identities, and a byte for
 * each of them and each node.
 */
export class OnceFilter {
  readonly #places = new Map<string, number>();
  readonly #keys: (string | undefined)[];
  readonly #delivered: Uint8Array;
  readonly #said: Uint8Array[];
  #next = 0;

  /** @param options Sizes. */
  constructor(options: OnceFilterOptions) {
    const { nodes, capacity = 16384 } = options;
    this.#keys = new Array(capacity);
    this.#delivered = new Uint8Array(capacity);
    this.#said = Array.from({ length: nodes }, () => new Uint8Array(capacity));
  }

  /**
   * Counts an event.
   *
   * @param node Index of the node that says it.
   * @param identity What makes two events the same.
   * @returns Whether it is to be delivered.
   */
  accepts(node: number, identity: string): boolean {
    const said = this.#said[node]!;
    const place = this.#places.get(identity) ?? this.#add(identity);
    if (said[place]! < 255) said[place]!++;
    if (said[place]! <= this.#delivered[place]!) return false;
    this.#delivered[place] = said[place]!;
    return true;
  }

  #add(identity: string): number {
    const place = this.#next;
    this.#next = (place + 1) % this.#keys.length;
    const evicted = this.#keys[place];
    if (evicted !== undefined) {
      this.#places.delete(evicted);
      this.#delivered[place] = 0;
      for (const said of this.#said) said[place] = 0;
    }
    this.#keys[place] = identity;
    this.#places.set(identity, place);
    return place;
  }
}

/** Sizes of an {@linkcode OnceFilter}. */
export interface OnceFilterOptions {
  /** How many nodes there are. */
  nodes: number;
  /**
   * How many identities are remembered.
   *
   * @default {16384}
   */
  capacity?: number;
}
