/** The chain since a slot, from the nodes' headers, for what the ring no longer has. */

import {
  type BlockHeader,
  fetchHeadersOfSlot,
} from "../../beacon/api/headers.ts";
import type { NodeEndpoint } from "../../beacon/http/endpoint.ts";
import type { NodeRequestOptions } from "../../beacon/http/request.ts";
import { withDeadline } from "../../beacon/http/with_deadline.ts";
import type { SlotClock } from "../../beacon/slot_clock.ts";
import type { ListenerAccess } from "../../listener/listener_access.ts";
import { Headers } from "../../listener/chain/branch_walk.ts";
import type { NodeMonitor } from "../nodes/node_monitor.ts";

/** A piece of the chain, as a node has it. */
export interface ChainPiece {
  /** First slot that it covers. */
  from: number;
  /** The block before it. */
  ancestor: BlockHeader;
  /** The blocks from there to the head, in order of slot. */
  blocks: readonly BlockHeader[];
  /** Blocks of the first slots that are on another branch, with those that they build on. */
  others: readonly BlockHeader[];
  /** By epoch, the root of the last block before it, as far as it is known. */
  rootsBefore: ReadonlyMap<number, string>;
  /** The slot clock. */
  clock: SlotClock;
  /** Name of the node. */
  node: string;
  /** When it was requested, Unix time in milliseconds. */
  receivedAt: number;
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

/** Requests headers. Readers that come back at the same time from the same slot share the answer. */
export class ChainHistory {
  readonly #options: ChainHistoryOptions;
  readonly #underWay = new Map<number, Promise<ChainPiece>>();

  /** @param options The nodes. */
  constructor(options: ChainHistoryOptions) {
    this.#options = options;
  }

  /**
   * Finds the chain since the slot before the given one; of more than two epochs the last two.
   *
   * @throws {Error} If no node has it; the message says why.
   */
  find(slot: number): Promise<ChainPiece> {
    let piece = this.#underWay.get(slot);
    if (piece === undefined) {
      if (this.#underWay.size >= MOST_UNDER_WAY) {
        return Promise.reject(new Error("too many readers come back at once"));
      }
      piece = this.#find(slot).finally(() => this.#underWay.delete(slot));
      this.#underWay.set(slot, piece);
    }
    return piece;
  }

  async #find(slot: number): Promise<ChainPiece> {
    const { access: { fetch, now }, monitor, signal } = this.#options;
    const clock = this.#options.clock();
    if (clock === undefined) throw new Error("the slot clock is not known yet");
    let reason = "no node is connected";
    for (const { endpoint } of monitor.ranked().slice(0, MOST_NODES)) {
      try {
        return await withDeadline(
          (signal) => pieceOf(endpoint, slot, clock, now(), { fetch, signal }),
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
}

const MOST_NODES = 3;
const MOST_UNDER_WAY = 16;
const TIMEOUT_MS = 10_000;

async function pieceOf(
  node: NodeEndpoint,
  first: number,
  clock: SlotClock,
  receivedAt: number,
  options: NodeRequestOptions,
): Promise<ChainPiece> {
  const { slotsPerEpoch } = clock;
  const headers = new Headers(node, options);
  const need = async (id: string) => {
    const header = await headers.get(id);
    if (header !== undefined) return header;
    throw new Error(`${node.name} does not have block ${id}`);
  };
  const parentOf = async (block: BlockHeader) => {
    const parent = await need(block.parentRoot);
    if (parent.slot < block.slot) return parent;
    throw new Error(`the headers of ${node.name} are out of order`);
  };
  const head = await need("head");
  // A node may have reported a slot that is yet to come; nothing may be missed because of it.
  const isWrong = first > Math.max(head.slot, clock.slotAt(receivedAt) + 1);
  const wanted = isWrong ? head.slot - slotsPerEpoch : first - 1;
  const from = Math.max(0, wanted, head.slot - 2 * slotsPerEpoch);
  await headers.fetchSlots(from, head.slot - 1);
  const blocks: BlockHeader[] = [];
  let ancestor = head;
  while (ancestor.slot >= from && ancestor.slot > 0) {
    blocks.unshift(ancestor);
    ancestor = await parentOf(ancestor);
  }
  const canonical = new Set([ancestor, ...blocks].map(({ root }) => root));
  const others: BlockHeader[] = [];
  // Of older slots the reader has nothing that would count.
  for (const slot of [first - 1, first]) {
    if (slot < from || isWrong) continue;
    for (const block of await fetchHeadersOfSlot(node, slot, options)) {
      let other = block;
      while (!canonical.has(other.root) && other.slot >= from) {
        others.push(other);
        other = await parentOf(other);
      }
    }
  }
  const rootsBefore = new Map<number, string>();
  const oldest = clock.epochOf(blocks[0]?.slot ?? head.slot) - 1;
  for (let epoch = oldest; epoch <= clock.epochOf(head.slot); epoch++) {
    const root = await rootBefore(epoch, [ancestor, ...blocks], clock, headers);
    if (root !== undefined) rootsBefore.set(epoch, root);
  }
  const { name } = node;
  return {
    from,
    ancestor,
    blocks,
    others,
    rootsBefore,
    clock,
    node: name,
    receivedAt,
  };
}

/** The root of the last block before an epoch; of genesis before the first one. */
async function rootBefore(
  epoch: number,
  blocks: readonly BlockHeader[],
  { slotsPerEpoch }: SlotClock,
  headers: Headers,
): Promise<string | undefined> {
  const start = Math.max(1, epoch * slotsPerEpoch);
  if (blocks[0]!.slot < start) {
    return blocks.findLast(({ slot }) => slot < start)!.root;
  }
  const least = Math.max(0, start - MOST_EMPTY_SLOTS);
  for (let slot = start - 1; slot >= least; slot--) {
    const header = await headers.get(String(slot));
    if (header !== undefined) return header.root;
  }
}

const MOST_EMPTY_SLOTS = 8;
