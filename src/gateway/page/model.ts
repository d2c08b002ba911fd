/**
 * What the page knows: events, arrival times and nodes, and what follows from them at any event of
 * the ring. No DOM here, so that it can be tested anywhere.
 */

/** Genesis and timing, as `GET /api/nodes` reports them. */
export interface PageClock {
  /** Unix time of slot 0, in milliseconds. */
  genesisTime: number;
  /** Length of a slot in milliseconds. */
  slotDurationMs: number;
  /** Slots in an epoch. */
  slotsPerEpoch: number;
  /** When attestations are due, in milliseconds after the slot's start. */
  attestationDueMs: number;
  /** When aggregates are due, in milliseconds after the slot's start. */
  aggregateDueMs: number;
}

/** A node, as `GET /api/nodes` reports it. */
export interface PageNode {
  /** Name of the node. */
  name: string;
  /** State of its connection. */
  state: string;
  /** The topics that are requested from it. */
  topics: readonly string[];
  /** The topics that it refuses. */
  missingTopics: readonly string[];
  /** When its last event was received, Unix time in milliseconds. */
  lastEventAt?: number | null;
  /** Slot of its head. */
  headSlot?: number | null;
  /** How often its connection ended. */
  reconnects: number;
  /** How many gaps it had. */
  gaps: number;
  /** Why its connection ended last. */
  lastError?: string | null;
  /** Name and version of its client. */
  client?: string | null;
  /** Round trip to it, in milliseconds. */
  rttMs?: number | null;
}

/** Who reported a block first, as `GET /api/race` reports it. */
export interface PageRace {
  /** `block_gossip`, `block` or `head`. */
  topic: string;
  /** Slot of the block. */
  slot: number;
  /** Root of the block. */
  root: string;
  /** The node that reported it first. */
  first: string;
  /** When it was first received, Unix time in milliseconds. */
  firstAt: number;
  /** How far behind the first each node was, in milliseconds. */
  lags: Readonly<Record<string, number>>;
  /** The nodes that did not report it within a slot. */
  missing: readonly string[];
}

/** An event of the stream. */
export interface PageEvent {
  /** Its position, topic and text: no two events have the same. */
  key: string;
  /** Its position in the gateway's stream; `""` for what was found in headers for a late reader. */
  id: string;
  /** Its topic. */
  topic: string;
  /** Its payload, as the node sent it. */
  raw: string;
  /** Its payload without an envelope; `undefined` where it cannot be parsed. */
  // deno-lint-ignore no-explicit-any -- it is what a node sent; a member that is missing shows as such
  data: any;
  /** When the page received it, Unix time in milliseconds by the server's clock. */
  at: number;
  /** Its slot, where it has one. */
  slot: number | undefined;
  /** Its block, where it has one. */
  root: string | undefined;
}

/** What the page shows of one slot. */
export interface SlotView {
  /** The slot. */
  slot: number;
  /** What became of it. */
  kind:
    | "future"
    | "waiting"
    | "unknown"
    | "missed"
    | "early"
    | "late"
    | "reorged";
  /** Root of its block. */
  root: string | undefined;
  /** When its head was first received, in milliseconds after the slot's start. */
  delayMs: number | undefined;
}

/** Something that happened to the chain, for the list of changes. */
export interface ChangeView {
  /** What it is. */
  kind: "reorg" | "duties" | "gap" | "finalized";
  /** The slot that it is of. */
  slot: number;
  /** One sentence. */
  text: string;
  /** Position of its event. */
  id: string;
}

/** How one node did, over the records that the page holds. */
export interface LagView {
  /** Lags behind the first, in milliseconds, in order of size. */
  sorted: readonly number[];
  /** Median, in milliseconds. */
  p50: number | undefined;
  /** 95th percentile, in milliseconds. */
  p95: number | undefined;
  /** Share of the blocks that it reported first, 0 to 1. */
  firstShare: number | undefined;
  /** The head that it reported last. */
  headRoot: string | undefined;
}

/** A block in the tree of branches. */
export interface BlockView {
  /** Root of the block. */
  root: string;
  /** Its slot. */
  slot: number;
  /** Root of the block before it, where it is known. */
  parent: string | undefined;
  /** The row that it is drawn in, 0 for the branch of the head. */
  lane: number;
  /** The nodes whose head it is. */
  nodes: readonly string[];
}

/** Collects what the page receives, within bounds. */
export class PageModel {
  /** Genesis and timing, once they are known. */
  clock: PageClock | undefined;
  /** The nodes. */
  nodes: readonly PageNode[] = [];
  /** The events of the ring, oldest first. */
  readonly events: PageEvent[] = [];
  /** Parent of each block. */
  readonly parents: Map<string, string> = new Map();
  readonly #races = new Map<string, PageRace>();
  readonly #keys = new Set<string>();
  readonly #mostEvents: number;

  /** @param mostEvents How many events are kept. */
  constructor(mostEvents = 4096) {
    this.#mostEvents = mostEvents;
  }

  /** Adds an event. Returns it, or `undefined` where it is here already. */
  addEvent(
    id: string,
    topic: string,
    raw: string,
    at: number,
  ): PageEvent | undefined {
    // Several events may have one position: it shows from where a reader goes on.
    const key = `${id} ${topic} ${raw}`;
    if (this.#keys.has(key)) return undefined;
    const event: PageEvent = {
      key,
      id,
      topic,
      raw,
      data: undefined,
      at,
      slot: undefined,
      root: undefined,
    };
    try {
      const parsed = JSON.parse(raw);
      const data = event.data = topic === "head_v2" ? parsed.data : parsed;
      const slot = Number(data.slot ?? data.from);
      if (Number.isSafeInteger(slot)) event.slot = slot;
      const root = data.block ?? data.new_head_block;
      if (typeof root === "string") event.root = root;
    } catch {
      // An unparsable payload is still shown in the tail.
    }
    this.#keys.add(key);
    this.events.push(event);
    if (this.events.length > this.#mostEvents) {
      this.#keys.delete(this.events.shift()!.key);
    }
    return event;
  }

  /** Adds or replaces records of arrival times. */
  addRaces(records: readonly PageRace[]): void {
    for (const record of records) {
      const key = `${record.topic} ${record.root}`;
      this.#races.delete(key);
      this.#races.set(key, record);
    }
    while (this.#races.size > this.#mostEvents) {
      this.#races.delete(this.#races.keys().next().value!);
    }
  }

  /** The record of a topic and block. */
  race(topic: string, root: string): PageRace | undefined {
    return this.#races.get(`${topic} ${root}`);
  }

  /** All records of a slot. */
  racesOf(slot: number): PageRace[] {
    return [...this.#races.values()].filter((race) => race.slot === slot);
  }

  /** When the first report of each topic was received, in milliseconds after the slot's start. */
  arrivalsOf(slot: number): { topic: string; ms: number }[] {
    const arrivals = new Map<string, number>();
    for (const { topic, slot: of, at } of this.events) {
      if (of !== slot || !/^(head|head_v2|block|block_gossip)$/.test(topic)) {
        continue;
      }
      const ms = at - this.startOf(slot);
      // What was replayed came later than it happened.
      if (ms < this.clock!.slotDurationMs && !arrivals.has(topic)) {
        arrivals.set(topic, ms);
      }
    }
    return [...arrivals].map(([topic, ms]) => ({ topic, ms }));
  }

  /** Start of a slot, Unix time in milliseconds. */
  startOf(slot: number): number {
    const { genesisTime, slotDurationMs } = this.clock!;
    return genesisTime + slot * slotDurationMs;
  }

  /** The slot at a time. */
  slotAt(time: number): number {
    const { genesisTime, slotDurationMs } = this.clock!;
    return Math.floor((time - genesisTime) / slotDurationMs);
  }

  /** The last head among the first `count` events. */
  headAt(count: number): PageEvent | undefined {
    for (
      let index = Math.min(count, this.events.length) - 1;
      index >= 0;
      index--
    ) {
      const event = this.events[index]!;
      if (event.topic === "head" || event.topic === "head_v2") return event;
    }
    return undefined;
  }

  /** The slots `from` to `to`, as they were after the first `count` events, at a time. */
  slots(from: number, to: number, count: number, time: number): SlotView[] {
    const roots = new Map<number, string>();
    const left = new Set<string>();
    let firstSlot = Infinity;
    for (const { topic, slot, root, data } of this.events.slice(0, count)) {
      if (slot === undefined) continue;
      if (topic === "chain_reorg") {
        for (const old of this.#leftBy(data)) left.add(old);
      } else if (
        root !== undefined &&
        (topic === "head" || topic === "head_v2" || topic === "block")
      ) {
        firstSlot = Math.min(firstSlot, slot);
        roots.set(slot, root);
        if (topic !== "block") left.delete(root);
      }
    }
    const current = this.slotAt(time);
    const views: SlotView[] = [];
    for (let slot = from; slot <= to; slot++) {
      const root = roots.get(slot);
      views.push({
        slot,
        root,
        ...this.#kindOf(slot, root, current, firstSlot, left),
      });
    }
    return views;
  }

  #kindOf(
    slot: number,
    root: string | undefined,
    current: number,
    firstSlot: number,
    left: ReadonlySet<string>,
  ): Pick<SlotView, "kind" | "delayMs"> {
    if (root === undefined) {
      const kind = slot > current
        ? "future"
        : slot === current
        ? "waiting"
        : slot < firstSlot
        ? "unknown"
        : "missed";
      return { kind, delayMs: undefined };
    }
    const record = this.race("head", root) ?? this.race("head_v2", root) ??
      this.race("block", root);
    const delayMs = record && record.firstAt - this.startOf(slot);
    if (left.has(root)) return { kind: "reorged", delayMs };
    const isLate = delayMs !== undefined &&
      delayMs >= this.clock!.attestationDueMs;
    return { kind: isLate ? "late" : "early", delayMs };
  }

  /** The blocks that a reorg has left, as far as their parents are known. */
  #leftBy(data: PageEvent["data"]): string[] {
    const kept = new Set(this.#ancestors(data.new_head_block));
    const old = this.#ancestors(data.old_head_block).filter((root) =>
      !kept.has(root)
    );
    const depth = Math.max(1, Number(data.depth));
    return old.slice(0, depth);
  }

  #ancestors(
    root: string,
    parentOf: (root: string) => string | undefined = (root) =>
      this.parents.get(root),
  ): string[] {
    const roots = [];
    for (
      let at: string | undefined = root;
      at !== undefined && roots.length < 64;
    ) {
      roots.push(at);
      at = parentOf(at);
    }
    return roots;
  }

  /** Reorgs, changes of duties, gaps and checkpoints among the first `count` events, latest first. */
  changes(count: number): ChangeView[] {
    const changes: ChangeView[] = [];
    const duties = new Map<number, string>();
    for (const event of this.events.slice(0, count)) {
      const { topic, data, id, slot = 0 } = event;
      try {
        if (topic === "chain_reorg") {
          const { depth, old_head_block, new_head_block } = data;
          const text = `Slot ${slot}: the chain was reorganised ${depth} ${
            Number(depth) === 1 ? "slot" : "slots"
          } deep, from ${shortRoot(old_head_block)} to ${
            shortRoot(new_head_block)
          }.`;
          changes.push({ kind: "reorg", slot, text, id });
        } else if (topic === "gap") {
          const { from, to, topics, reason } = data;
          const text = `Slots ${from} to ${to}: events of ${
            [topics].flat().join(", ")
          } may be missing (${reason}).`;
          changes.push({ kind: "gap", slot, text, id });
        } else if (topic === "finalized_checkpoint") {
          const { epoch, block } = data;
          changes.push({
            kind: "finalized",
            slot: 0,
            text: `Epoch ${epoch} is finalized at ${shortRoot(block)}.`,
            id,
          });
        } else if (
          (topic === "head" || topic === "head_v2") && this.clock !== undefined
        ) {
          for (const epoch of this.#changedDuties(event, duties)) {
            changes.push({
              kind: "duties",
              slot,
              text: `Slot ${slot}: the duties of epoch ${epoch} changed.`,
              id,
            });
          }
        }
      } catch {
        // A payload that cannot be read is no change that can be described.
      }
    }
    return changes.reverse();
  }

  #changedDuties(
    { topic, data, slot }: PageEvent,
    duties: Map<number, string>,
  ): number[] {
    const epoch = Math.floor(slot! / this.clock!.slotsPerEpoch);
    const roots: [number, string][] = topic === "head_v2"
      ? [[epoch, data.current_epoch_dependent_root], [
        epoch + 1,
        data.next_epoch_dependent_root,
      ]]
      : [[epoch, data.previous_duty_dependent_root], [
        epoch + 1,
        data.current_duty_dependent_root,
      ]];
    const changed = [];
    for (const [of, root] of roots) {
      const known = duties.get(of);
      if (known !== undefined && known !== root) changed.push(of);
      duties.set(of, root);
    }
    return changed;
  }

  /** How a node did with a topic, `head` by default. */
  lag(name: string, topic = "head"): LagView {
    const lags: number[] = [];
    let first = 0;
    let all = 0;
    let last: { at: number; root: string } | undefined;
    for (const race of this.#races.values()) {
      const lag = race.lags[name];
      if (race.topic === topic) {
        all++;
        if (lag !== undefined) lags.push(lag);
        if (race.first === name) first++;
      }
      if (
        lag !== undefined && race.topic === "head" &&
        race.firstAt + lag >= (last?.at ?? 0)
      ) {
        last = { at: race.firstAt + lag, root: race.root };
      }
    }
    lags.sort((a, b) => a - b);
    const at = (share: number) =>
      lags[Math.min(lags.length - 1, Math.floor(share * lags.length))];
    return {
      sorted: lags,
      p50: at(0.5),
      p95: at(0.95),
      firstShare: all === 0 ? undefined : first / all,
      headRoot: last?.root,
    };
  }

  /** The blocks of the last `slots` slots before the head among the first `count` events. */
  branches(slots: number, count: number): BlockView[] {
    const known = new Map<string, number>();
    const headBefore = new Map<string, string>();
    let head: string | undefined;
    for (const { topic, slot, root } of this.events.slice(0, count)) {
      if (root === undefined || slot === undefined) continue;
      if (topic === "block") known.set(root, slot);
      if (topic !== "head" && topic !== "head_v2") continue;
      known.set(root, slot);
      if (head !== undefined && known.get(head)! < slot) {
        headBefore.set(root, head);
      }
      head = root;
    }
    if (head === undefined) return [];
    const newest = Math.max(...known.values());
    for (const [root, slot] of known) {
      if (slot <= newest - slots) known.delete(root);
    }
    // Until the parent of a new head has been read, it is taken for a child of the head before.
    const parentOf = (root: string) =>
      this.parents.get(root) ?? headBefore.get(root);
    const heads = this.nodes.map(({ name }) => ({
      name,
      root: this.lag(name).headRoot,
    }));
    const lanes = new Map<string, number>();
    for (const root of this.#ancestors(head, parentOf)) lanes.set(root, 0);
    let lane = 0;
    const bySlot = [...known].sort(([, a], [, b]) => b - a);
    for (const [root] of bySlot) {
      if (lanes.has(root)) continue;
      if (this.parents.get(root) === undefined) {
        lanes.set(root, 0);
        continue;
      }
      lane++;
      for (const old of this.#ancestors(root)) {
        if (lanes.has(old)) break;
        lanes.set(old, lane);
      }
    }
    return bySlot.reverse().map(([root, slot]) => ({
      root,
      slot,
      parent: parentOf(root),
      lane: lanes.get(root) ?? 0,
      nodes: heads.filter((head) => head.root === root).map(({ name }) => name),
    }));
  }
}

/** A root as a person compares it: its first and last digits. */
export function shortRoot(root: string): string {
  const text = String(root);
  // The word joiner keeps both parts on one line.
  return text.length > 14
    ? `${text.slice(0, 8)}…\u2060${text.slice(-4)}`
    : text;
}
