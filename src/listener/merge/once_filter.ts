/** Events once, however often and by however many nodes they are reported: the first report wins. */

import type { EventMark } from "../../beacon/events/event_identity.ts";
import { type Hash, hash, joinHashes } from "../../values/digest.ts";
import { PlaceIndex } from "./place_index.ts";

export interface Report {
  node: object;
  topic: string;
  mark: EventMark;
  receivedAt: number;
  /** Whether the same may happen again: a head goes from A to B, and back to A. */
  recurs: boolean;
}

/** What a report is to those before it. */
export type Novelty =
  /** No node has reported it. */
  | "new"
  /** It has happened again, or is verified further than it was. */
  | "again"
  | "duplicate";

/**
 * Finds out whether a report is to be delivered. An event that cannot recur is delivered once. One
 * that recurs is delivered as often as any node reports it: a node's n-th report is new only if no
 * other node has reported it n times before. The same report twice in a row is one. In both cases a
 * report that is verified further than the delivered one is delivered as well, and never the other
 * way round.
 *
 * Each topic has a memory of its own, so that thousands of attestations do not make it forget a head.
 * It is bounded: the latest identities, with two bytes for each of them, and two more for each node
 * where the topic recurs. It starts small and grows only in a flood of a requested topic, so that
 * nothing grows for days before it is full.
 */
export class OnceFilter {
  readonly #topics: ReadonlyMap<string, TopicMemory>;
  /**
   * Whether a flood is remembered for longer, so that a node that is late is found out. One node alone
   * repeats what it has sent lately.
   */
  grows = true;
  /** Of topics that are not requested. */
  readonly #others: TopicMemory = new TopicMemory({ left: 0 }, true);

  constructor(topics: Iterable<string>) {
    const room: Room = { left: 2 * MOST_CAPACITY };
    this.#topics = new Map(
      [...topics].map((topic) => [topic, new TopicMemory(room, false)]),
    );
  }

  /** Remembers a report, which is delivered if it is new. */
  add(report: Report): Novelty {
    return this.#memoryOf(report.topic).add(report, false, this.grows);
  }

  /** The same for a node that is late: it repeats what was delivered, and that is no second time. */
  addLate(report: Report): Novelty {
    return this.#memoryOf(report.topic).add(report, true, this.grows);
  }

  has(topic: string, mark: EventMark): boolean {
    return this.#memoryOf(topic).has(topic, mark);
  }

  forget(node: object): void {
    for (const memory of this.#topics.values()) memory.forget(node);
    this.#others.forget(node);
  }

  #memoryOf(topic: string): TopicMemory {
    return this.#topics.get(topic) ?? this.#others;
  }
}

/** How many identities of a topic are remembered at least: those of hours, at one a slot. */
const CAPACITY = 2048;
/** And at most, in a flood: two slots of the attestations of all subnets. All topics share as much twice. */
const MOST_CAPACITY = 65_536;
/** How many counts the nodes share: with very many of them, floods are forgotten sooner. */
const MOST_COUNTS = 16 * MOST_CAPACITY;
/** A node that reports an event later than this is not merged with the first report. */
const LATE_MS = 120_000;
/** More than there are stages of verification. */
const STAGES = 8;
const MOST_TIMES = Math.floor(65_535 / STAGES) - 1;

/** How many identities may still be remembered more than at least. */
interface Room {
  left: number;
}

interface NodeReports {
  /** How often, and how far verified the last time, by place: times * STAGES + stage. */
  reached: Uint16Array<ArrayBuffer>;
  last: number;
}

/** The latest identities of a topic, in a ring; a place in it has counts of the same index. */
class TopicMemory {
  readonly #room: Room;
  /** Whether it is one for many topics. */
  readonly #isShared: boolean;
  #places = new PlaceIndex(CAPACITY);
  #capacity = CAPACITY;
  #extras = new Array<string>(CAPACITY);
  #addedAt = new Float64Array(CAPACITY);
  /** How often the event was delivered, and how far verified the last time: times * STAGES + stage. */
  #delivered = new Uint16Array(CAPACITY);
  readonly #reports = new Map<object, NodeReports>();
  #next = 0;

  constructor(room: Room, isShared: boolean) {
    this.#room = room;
    this.#isShared = isShared;
  }

  has(topic: string, mark: EventMark): boolean {
    const place = this.#places.find(this.#keyOf(topic, mark));
    return place !== undefined && this.#delivered[place]! > 0;
  }

  add(
    { node, topic, mark, receivedAt, recurs }: Report,
    isLate: boolean,
    grows: boolean,
  ): Novelty {
    const key = this.#keyOf(topic, mark);
    const place = this.#places.find(key) ??
      this.#add(key, mark.extra, receivedAt, grows);
    const delivered = this.#delivered[place]!;
    let times = 1;
    if (recurs) {
      const reports = this.#reportsOf(node);
      const before = reports.reached[place]!;
      const stage = before % STAGES;
      // A node verifies later what it has reported; in between it may report something else.
      const isSame = reports.last === place || mark.stage > stage;
      times = Math.floor(before / STAGES);
      if (before === 0 || !isSame) times++;
      if (isLate) times = Math.min(times, Math.floor(delivered / STAGES) || 1);
      reports.last = place;
      // A chain does not come back so often to one block; the event is delivered rather than lost.
      if (times > MOST_TIMES) return "again";
      reports.reached[place] = times * STAGES +
        (isSame ? Math.max(stage, mark.stage) : mark.stage);
    }
    const reached = times * STAGES + mark.stage;
    if (reached <= delivered) return "duplicate";
    this.#delivered[place] = reached;
    return delivered === 0 ? "new" : "again";
  }

  forget(node: object): void {
    this.#reports.delete(node);
  }

  /** Unknown members make a difference only where both reports have some. */
  #keyOf(topic: string, { hash: known, extra }: EventMark): Hash {
    if (this.#isShared) known = joinHashes(hash(topic), known);
    if (extra === "") return known;
    const place = this.#places.find(known);
    const before = place === undefined ? "" : this.#extras[place]!;
    return before === "" || before === extra
      ? known
      : joinHashes(known, hash(extra));
  }

  #reportsOf(node: object): NodeReports {
    let reports = this.#reports.get(node);
    if (reports === undefined) {
      reports = { reached: new Uint16Array(this.#capacity), last: NONE };
      this.#reports.set(node, reports);
    }
    return reports;
  }

  #add(
    key: Hash,
    extra: string,
    receivedAt: number,
    grows: boolean,
  ): number {
    if (this.#places.isUsed(this.#next)) {
      const isYoung = receivedAt - this.#addedAt[this.#next]! < LATE_MS;
      if (grows && isYoung && this.#mayGrow()) this.#grow();
      else this.#evict(this.#next);
    }
    const place = this.#next;
    this.#next = (place + 1) % this.#capacity;
    this.#extras[place] = extra;
    this.#addedAt[place] = receivedAt;
    this.#places.add(key, place);
    return place;
  }

  #evict(place: number): void {
    this.#places.remove(place);
    this.#delivered[place] = 0;
    for (const reports of this.#reports.values()) {
      reports.reached[place] = 0;
      if (reports.last === place) reports.last = NONE;
    }
  }

  #mayGrow(): boolean {
    const capacity = 2 * this.#capacity;
    return this.#capacity <= this.#room.left && capacity <= MOST_CAPACITY &&
      capacity * this.#reports.size <= MOST_COUNTS;
  }

  /** Doubles the full ring, and turns it so that the oldest is its first. */
  #grow(): void {
    this.#room.left -= this.#capacity;
    const oldest = this.#next;
    const size = this.#capacity;
    const capacity = 2 * size;
    const turned = <T extends Float64Array | Uint16Array>(from: T, to: T) => {
      to.set(from.subarray(oldest));
      to.set(from.subarray(0, oldest), size - oldest);
      return to;
    };
    this.#addedAt = turned(this.#addedAt, new Float64Array(capacity));
    this.#delivered = turned(this.#delivered, new Uint16Array(capacity));
    for (const reports of this.#reports.values()) {
      reports.reached = turned(reports.reached, new Uint16Array(capacity));
      if (reports.last !== NONE) {
        reports.last = (reports.last - oldest + size) % size;
      }
    }
    const extras = this.#extras;
    this.#extras = new Array<string>(capacity);
    for (let place = 0; place < size; place++) {
      this.#extras[place] = extras[(oldest + place) % size]!;
    }
    this.#places = this.#places.doubled(oldest);
    this.#next = size;
    this.#capacity = capacity;
  }
}

const NONE = -1;
