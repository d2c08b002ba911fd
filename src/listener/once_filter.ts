/** Events once, though several nodes report them: the first node wins. */

/**
 * Tells whether an event is to be delivered. What one node says twice are two events (its head may
 * go from A to B and back to A); what two nodes say once each is one. So the n-th time that a node
 * says the same thing counts as new only if no other node has said it n times before.
 *
 * Each topic has a memory of its own, so that thousands of attestations do not make it forget a head.
 * It is bounded: the latest identities, a digest where they are long, and two bytes for each of them
 * and each node that says anything.
 */
export class OnceFilter {
  readonly #nodes: number;
  readonly #topics = new Map<string, TopicMemory>();

  /** @param nodes How many nodes there are. */
  constructor(nodes: number) {
    this.#nodes = nodes;
  }

  /**
   * Counts an event.
   *
   * @param node Index of the node that says it.
   * @param topic Its topic. Names that a node made up should count as one.
   * @param identity What makes two events of the topic the same.
   * @returns Whether it is to be delivered.
   */
  accepts(node: number, topic: string, identity: string): boolean {
    let memory = this.#topics.get(topic);
    if (memory === undefined) {
      memory = new TopicMemory(this.#nodes, capacityOf(topic, this.#nodes));
      this.#topics.set(topic, memory);
    }
    return memory.accepts(
      node,
      identity.length > MOST_UNITS ? digest(identity) : identity,
    );
  }
}

/** Topics that have hundreds or thousands of events in a slot. */
const BUSY = new Set([
  "attestation",
  "single_attestation",
  "contribution_and_proof",
  "data_column_sidecar",
  "payload_attestation_message",
]);

/**
 * How many identities of a topic are remembered. One node may be a slot behind the others: of 28,000
 * attestations a slot that is two slots' worth, of other topics bursts of thousands. The fewer the
 * more nodes there are, since each identity costs two bytes for each of them.
 */
function capacityOf(topic: string, nodes: number): number {
  const [least, most] = BUSY.has(topic) ? [16_384, 65_536] : [2048, 16_384];
  return Math.max(least, Math.min(most, Math.floor(16 * most / nodes)));
}

/** The longest identity of a known topic without a list in it is shorter. */
const MOST_UNITS = 1024;
const MOST_TIMES = 65_535;

class TopicMemory {
  readonly #places = new Map<string, number>();
  readonly #keys: string[] = [];
  readonly #capacity: number;
  readonly #delivered: Uint16Array;
  /** By node; only those that have said anything. */
  readonly #said: (Uint16Array | undefined)[];
  #next = 0;

  constructor(nodes: number, capacity: number) {
    this.#capacity = capacity;
    this.#delivered = new Uint16Array(capacity);
    this.#said = new Array(nodes).fill(undefined);
  }

  accepts(node: number, identity: string): boolean {
    const said = this.#said[node] ??= new Uint16Array(this.#capacity);
    const place = this.#places.get(identity) ?? this.#add(identity);
    // So often nobody says the same of a chain; it is passed on rather than lost.
    if (said[place] === MOST_TIMES) return true;
    if (++said[place]! <= this.#delivered[place]!) return false;
    this.#delivered[place] = said[place]!;
    return true;
  }

  #add(identity: string): number {
    const place = this.#next;
    this.#next = (place + 1) % this.#capacity;
    const evicted = this.#keys[place];
    if (evicted !== undefined) {
      this.#places.delete(evicted);
      this.#delivered[place] = 0;
      for (const said of this.#said) said?.fill(0, place, place + 1);
    }
    this.#keys[place] = identity;
    this.#places.set(identity, place);
    return place;
  }
}

/** Length and two 32-bit hashes (FNV-1a, one of them backwards): enough to tell reports apart. */
function digest(text: string): string {
  let forwards = 0x811c9dc5;
  let backwards = 0x811c9dc5;
  for (let i = 0, j = text.length - 1; j >= 0; i++, j--) {
    forwards = Math.imul(forwards ^ text.charCodeAt(i), 0x01000193);
    backwards = Math.imul(backwards ^ text.charCodeAt(j), 0x01000193);
  }
  return `${text.length}:${forwards >>> 0}:${backwards >>> 0}`;
}
