/** The chain's events since a slot, from the nodes' headers, for what the ring no longer has. */

import { delay } from "@std/async/delay";
import {
  type BlockHeader,
  fetchHeader,
  fetchHeadersOfSlot,
} from "../../beacon/api/headers.ts";
import type { BeaconEvent } from "../../beacon/events/beacon_event.ts";
import { eventIdentity } from "../../beacon/events/event_identity.ts";
import type { NodeEndpoint } from "../../beacon/http/endpoint.ts";
import type { NodeRequestOptions } from "../../beacon/http/request.ts";
import { withDeadline } from "../../beacon/http/with_deadline.ts";
import type { SlotClock } from "../../beacon/slot_clock.ts";
import type { ListenerAccess } from "../../listener/listener_access.ts";
import {
  type Missed,
  recoveredEvents,
} from "../../listener/recovery/recovered_events.ts";
import type { NodeMonitor } from "../nodes/node_monitor.ts";
import { eventsOfDigest } from "./slot_digest.ts";

/** From where a reader's history is wanted. */
export interface HistoryRequest {
  /** First slot. */
  slot: number;
  /** Digest of what the reader has of that slot. */
  digest: number | undefined;
  /** Identities of events near that slot that the gateway has. */
  candidates: readonly string[];
}

/** Events that follow from the nodes' headers. */
export interface History {
  /** The events, in order. */
  events: readonly BeaconEvent<string>[];
  /** First slot that they cover. */
  from: number;
  /** Identities of events that the reader has already. */
  known: readonly string[];
}

/** Options for {@linkcode ChainHistory}. */
export interface ChainHistoryOptions {
  /** How the nodes are requested. */
  access: ListenerAccess;
  /** Which node to request. */
  monitor: Pick<NodeMonitor, "ranked">;
  /** The slot clock, once it is known. */
  clock: () => SlotClock | undefined;
  /** Ends requests when aborted. */
  signal: AbortSignal;
}

/** Requests headers. Readers that come back at the same time with the same wish share the answer. */
export class ChainHistory {
  readonly #options: ChainHistoryOptions;
  readonly #underWay = new Map<string, Promise<History>>();

  /** @param options The nodes. */
  constructor(options: ChainHistoryOptions) {
    this.#options = options;
  }

  /**
   * Finds the events since a slot; of more than two epochs the last two.
   *
   * @throws {Error} If no node has them; the message says why.
   */
  find(request: HistoryRequest): Promise<History> {
    const key =
      `${request.slot} ${request.digest} ${request.candidates.join()}`;
    let history = this.#underWay.get(key);
    if (history === undefined) {
      if (this.#underWay.size >= MOST_UNDER_WAY) {
        return Promise.reject(new Error("too many readers come back at once"));
      }
      history = this.#find(request).finally(() => this.#underWay.delete(key));
      this.#underWay.set(key, history);
    }
    return history;
  }

  async #find(request: HistoryRequest): Promise<History> {
    const { access: { fetch, now }, monitor, signal } = this.#options;
    const clock = await this.#awaitClock();
    let reason = "no node is connected";
    for (const { endpoint } of monitor.ranked().slice(0, MOST_NODES)) {
      try {
        return await withDeadline(
          (signal) =>
            historyOf(endpoint, request, clock, now(), { fetch, signal }),
          {
            timeoutMs: TIMEOUT_MS,
            signal,
            describe: `Cannot read the headers of ${endpoint.name}`,
          },
        );
      } catch (error) {
        signal.throwIfAborted();
        reason = (error as Error).message;
      }
    }
    throw new Error(reason);
  }

  async #awaitClock(): Promise<SlotClock> {
    for (let i = 0; i < MOST_CLOCK_CHECKS; i++) {
      const clock = this.#options.clock();
      if (clock !== undefined) return clock;
      await delay(CLOCK_MS, { signal: this.#options.signal });
    }
    throw new Error("the slot clock is not known yet");
  }
}

const MOST_NODES = 3;
const MOST_UNDER_WAY = 16;
const TIMEOUT_MS = 10_000;
/** A gateway that has just started learns the time within a moment. */
const CLOCK_MS = 50;
const MOST_CLOCK_CHECKS = TIMEOUT_MS / CLOCK_MS;

async function historyOf(
  node: NodeEndpoint,
  { slot: asked, digest, candidates }: HistoryRequest,
  clock: SlotClock,
  receivedAt: number,
  options: NodeRequestOptions,
): Promise<History> {
  const { slotsPerEpoch } = clock;
  const need = async (id: string) => {
    const header = await fetchHeader(node, id, options);
    if (header !== undefined) return header;
    throw new Error(`${node.name} does not have block ${id}`);
  };
  const head = await need("head");
  // A node may have reported a slot that is yet to come; nothing may be missed because of it.
  const isWrong = asked > Math.max(head.slot, clock.slotAt(receivedAt) + 1);
  const slot = isWrong ? Math.max(0, head.slot - slotsPerEpoch) : asked;
  const from = Math.max(slot, head.slot - 2 * slotsPerEpoch);
  const blocks: BlockHeader[] = [];
  let ancestor = head;
  while (ancestor.slot >= from && ancestor.slot > 0) {
    blocks.unshift(ancestor);
    const parent = await need(ancestor.parentRoot);
    if (parent.slot >= ancestor.slot) {
      throw new Error(`the headers of ${node.name} are out of order`);
    }
    ancestor = parent;
  }
  let known: readonly string[] = [];
  let last = ancestor;
  if (digest !== undefined && from === asked) {
    const siblings = await fetchHeadersOfSlot(node, slot, options);
    const possible = [
      ...new Set([...candidates, ...siblings.flatMap(identities)]),
    ];
    known = eventsOfDigest(
      digest,
      possible,
      await reorgsOf(node, siblings, options),
    ) ?? [];
    // The head that the reader has may have lost its place since.
    last = siblings.find((header) =>
      known.includes(identityOf("head", header))
    ) ??
      ancestor;
  }
  let common = last;
  const canonical = new Set([ancestor, ...blocks].map(({ root }) => root));
  while (!canonical.has(common.root) && common.slot >= from) {
    common = await need(common.parentRoot);
  }
  if (!canonical.has(common.root)) common = ancestor;
  const above = blocks.filter((block) => block.slot > common.slot);
  const events = recoveredEvents(
    {
      last: { slot: last.slot, root: last.root, state: last.stateRoot },
      ancestor: common,
      blocks: above,
      head,
      firstHead: above[0] ?? head,
      dutyRoots: await dutyRootsOf(node, head, clock, options),
    },
    clock,
    node.name,
    receivedAt,
  );
  return { events, from, known };
}

/** Roots that a head event carries, found by slot. */
async function dutyRootsOf(
  node: NodeEndpoint,
  { slot, root }: BlockHeader,
  clock: SlotClock,
  options: NodeRequestOptions,
): Promise<Missed["dutyRoots"]> {
  const lastBefore = async (epoch: number) => {
    const end = epoch * clock.slotsPerEpoch - 1;
    for (let slot = end; slot >= 0 && slot > end - MOST_EMPTY_SLOTS; slot--) {
      const header = await fetchHeader(node, String(slot), options);
      if (header !== undefined) return header.root;
    }
    return root;
  };
  const epoch = clock.epochOf(slot);
  const [ofEpoch, ofNextEpoch] = await Promise.all([
    lastBefore(epoch - 1),
    lastBefore(epoch),
  ]);
  return { ofEpoch, ofNextEpoch };
}

const MOST_EMPTY_SLOTS = 8;

/** The reorgs that may have led to the blocks of a slot. */
async function reorgsOf(
  node: NodeEndpoint,
  siblings: readonly BlockHeader[],
  options: NodeRequestOptions,
): Promise<string[]> {
  const slot = siblings[0]?.slot ?? 0;
  const earlier = await Promise.all(
    Array.from(
      { length: Math.min(MOST_REORG_SLOTS, slot) },
      (_, i) => fetchHeadersOfSlot(node, slot - 1 - i, options),
    ),
  );
  const oldHeads = [...siblings, ...earlier.flat()];
  return siblings.flatMap(({ slot, root, isOptimistic }) =>
    oldHeads.flatMap((old) =>
      [isOptimistic, !isOptimistic].map((execution_optimistic) => {
        const data = {
          slot,
          old_head_block: old.root,
          new_head_block: root,
          execution_optimistic,
        };
        const event = { topic: "chain_reorg", data };
        return eventIdentity(event as unknown as BeaconEvent<string>);
      })
    )
  );
}

/** How many slots before a reorg's slot its old head may be. */
const MOST_REORG_SLOTS = 4;

/** What nodes report of a block, verified and optimistic. */
function identities(header: BlockHeader): string[] {
  return (["block_gossip", "block", "head"] as const).flatMap((topic) => [
    identityOf(topic, header),
    ...(topic === "block_gossip"
      ? []
      : [identityOf(topic, { ...header, isOptimistic: !header.isOptimistic })]),
  ]);
}

function identityOf(
  topic: "block_gossip" | "block" | "head",
  { slot, root, isOptimistic }: BlockHeader,
): string {
  const data = {
    slot,
    block: root,
    ...(topic !== "block_gossip" && { execution_optimistic: isOptimistic }),
  };
  return eventIdentity({ topic, data } as unknown as BeaconEvent<string>);
}
