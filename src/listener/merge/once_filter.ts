/** Events once, though several nodes report them: the first node wins. */

import { digest } from "../../values/digest.ts";

/**
 * Tells whether an event is to be delivered. What two nodes say once each is one event. What one node
 * says twice are two, of those that recur (its head may go from A to B and back to A): the n-th time
 * that a node says the same thing counts as new only if no other node has said it n times before.
 *
 * Each topic has a memory of its own, so that thousands of attestations do not make it forget a head.
 * It is bounded: the latest identities, a digest where they are long, and two bytes for each of them
 * and each node that says anything. It starts small and grows only in a flood of what was asked for,
 * so that nothing grows for days before it is full.
 */
export class OnceFilter {
  readonly #topics: ReadonlyMap<string, TopicMemory>;
  /** Of what nobody asked for, which a node may send at will. */
  readonly #others: TopicMemory;

  /**
   * @param nodes The nodes; their number is read when a memory grows.
   * @param topics The topics that are requested from them.
   */
  constructor(nodes: { readonly size: number }, topics: Iterable<string>) {
    const room: Room = { left: 2 * MOST_CAPACITY };
    const memories = [...topics].map((topic) =>
      [topic, new TopicMemory(nodes, room)] as const
    );
    this.#topics = new Map(memories);
    this.#others = new TopicMemory(nodes, { left: 0 });
  }

  /**
   * Counts an event.
   *
   * @param node Name of the node that reports it.
   * @param topic Its topic.
   * @param identity What makes two events of the topic the same.
   * @param receivedAt When it arrived, in milliseconds.
   * @param recurs Whether a node that says it twice says two things.
   * @returns Whether it is to be delivered.
   */
  accepts(
    node: string,
    topic: string,
    identity: string,
    receivedAt: number,
    recurs: boolean,
  ): boolean {
    const memory = this.#topics.get(topic);
    return memory === undefined
      ? this.#others.accepts(
        node,
        ofOthers(topic, identity),
        receivedAt,
        recurs,
      )
      : memory.accepts(node, shortened(identity), receivedAt, recurs);
  }

  /**
   * Counts an event that a node tells as one who is late: what was told already, it tells again, and
   * that is no second event.
   *
   * @param node Name of the node that reports it.
   * @param topic Its topic.
   * @param identity What makes two events of the topic the same.
   * @returns Whether it was told already.
   */
  repeats(node: string, topic: string, identity: string): boolean {
    const memory = this.#topics.get(topic);
    return memory === undefined
      ? this.#others.repeats(node, ofOthers(topic, identity))
      : memory.repeats(node, shortened(identity));
  }

  /** Forgets what a node has reported, not what was delivered. */
  forget(node: string): void {
    for (const memory of this.#topics.values()) memory.forget(node);
    this.#others.forget(node);
  }
}

/** How many identities of a topic are remembered at least: those of hours, at one a slot. */
const CAPACITY = 2048;
/** And at most, in a flood: two slots of the attestations of all subnets. All topics share as much twice. */
const MOST_CAPACITY = 65_536;
/** How many counts the nodes share: with very many of them, floods are forgotten sooner. */
const MOST_COUNTS = 16 * MOST_CAPACITY;
/** Later than that no node says what another has said. */
const LATE_MS = 120_000;
/** Identities of known topics without a list in them are shorter. */
const MOST_UNITS = 512;
const MOST_TIMES = 65_535;

/** How many identities may still be remembered more than at least. */
interface Room {
  left: number;
}

/** The latest identities of a topic, in a ring; a place in it has counts of the same index. */
class TopicMemory {
  readonly #places = new Map<string, number>();
  readonly #room: Room;
  readonly #nodes: { readonly size: number };
  #capacity = CAPACITY;
  #keys: string[] = [];
  #addedAt = new Float64Array(CAPACITY);
  #delivered = new Uint16Array(CAPACITY);
  /** By name of the node; only those that have reported anything. */
  readonly #said = new Map<string, Uint16Array<ArrayBuffer>>();
  #next = 0;

  constructor(nodes: { readonly size: number }, room: Room) {
    this.#room = room;
    this.#nodes = nodes;
  }

  forget(node: string): void {
    this.#said.delete(node);
  }

  accepts(
    node: string,
    identity: string,
    receivedAt: number,
    recurs: boolean,
  ): boolean {
    const place = this.#places.get(identity) ?? this.#add(identity, receivedAt);
    if (!recurs && this.#delivered[place]! > 0) return false;
    const said = this.#saidBy(node);
    // So often nobody says the same of a chain; it is passed on rather than lost.
    if (said[place] === MOST_TIMES) return true;
    if (++said[place]! <= this.#delivered[place]!) return false;
    this.#delivered[place] = said[place]!;
    return true;
  }

  repeats(node: string, identity: string): boolean {
    const place = this.#places.get(identity);
    if (place === undefined || this.#delivered[place] === 0) return false;
    const said = this.#saidBy(node);
    said[place] = Math.min(said[place]! + 1, this.#delivered[place]!);
    return true;
  }

  #saidBy(node: string): Uint16Array<ArrayBuffer> {
    let said = this.#said.get(node);
    if (said === undefined) {
      said = new Uint16Array(this.#capacity);
      this.#said.set(node, said);
    }
    return said;
  }

  #add(identity: string, receivedAt: number): number {
    const evicted = this.#keys[this.#next];
    if (evicted !== undefined) {
      const isYoung = receivedAt - this.#addedAt[this.#next]! < LATE_MS;
      if (isYoung && this.#mayGrow()) this.#grow();
      else this.#evict(evicted, this.#next);
    }
    const place = this.#next;
    this.#next = (place + 1) % this.#capacity;
    this.#keys[place] = identity;
    this.#addedAt[place] = receivedAt;
    this.#places.set(identity, place);
    return place;
  }

  #evict(identity: string, place: number): void {
    this.#places.delete(identity);
    this.#delivered[place] = 0;
    for (const said of this.#said.values()) said.fill(0, place, place + 1);
  }

  #mayGrow(): boolean {
    return this.#capacity <= this.#room.left &&
      2 * this.#capacity <=
        Math.min(MOST_CAPACITY, MOST_COUNTS / this.#nodes.size);
  }

  /** Doubles the full ring, and turns it so that the oldest is its first. */
  #grow(): void {
    this.#room.left -= this.#capacity;
    const oldest = this.#next;
    const capacity = 2 * this.#capacity;
    const turned = <T extends Float64Array | Uint16Array>(from: T, to: T) => {
      to.set(from.subarray(oldest));
      to.set(from.subarray(0, oldest), from.length - oldest);
      return to;
    };
    this.#addedAt = turned(this.#addedAt, new Float64Array(capacity));
    this.#delivered = turned(this.#delivered, new Uint16Array(capacity));
    for (const [node, said] of this.#said) {
      this.#said.set(node, turned(said, new Uint16Array(capacity)));
    }
    this.#keys = [
      ...this.#keys.slice(oldest),
      ...this.#keys.slice(0, oldest),
    ];
    for (const [place, key] of this.#keys.entries()) {
      this.#places.set(key, place);
    }
    this.#next = this.#capacity;
    this.#capacity = capacity;
  }
}

function ofOthers(topic: string, identity: string): string {
  return shortened(`${topic} ${identity}`);
}

function shortened(identity: string): string {
  return identity.length > MOST_UNITS ? digest(identity) : identity;
}
