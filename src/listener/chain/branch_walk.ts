/** The way back along a node's headers, from a block that it has to one that was known. */

import { type BlockHeader, fetchHeader } from "../../beacon/api/headers.ts";
import type { NodeEndpoint } from "../../beacon/http/endpoint.ts";
import type { NodeRequestOptions } from "../../beacon/http/request.ts";
import { withDeadline } from "../../beacon/http/with_deadline.ts";
import type { KnownBlock } from "./branch.ts";

export interface Walk {
  /** The block that the walk began at; `undefined` where the node does not have it. */
  head?: BlockHeader;
  /**
   * The latest block that both branches have: the known block itself if its branch went on. Absent
   * where the walk did not get there.
   */
  ancestor?: KnownBlock;
  /** Whether the branches may part at a later block: the node has forgotten the branch that was left. */
  isLowerBound?: boolean;
  /** The blocks above the ancestor, or those that were found, in order of slot. */
  blocks: BlockHeader[];
  /** Why the walk did not get to the ancestor. */
  reason?: string;
}

interface WalkOptions {
  /** `"head"` or a root. */
  from: string;
  /** The block that was known; where absent, the walk goes back to the block before `since`. */
  known?: KnownBlock | undefined;
  /** The first slot of interest where no block is known. */
  since: number;
  /** Ancestors of the known block, in order of slot: a node may forget a block that is on no branch. */
  earlier: readonly KnownBlock[];
  maxSlots: number;
  /** A block of a later slot is not believed. */
  latestSlot: number;
}

/**
 * Walks back from a block to the known one, or to the block where their branches part.
 *
 * @throws As `requestAnswer` does, and {@linkcode BeaconTimeoutError} after ten seconds.
 */
export async function walkBack(
  headers: Headers,
  options: WalkOptions,
): Promise<Walk> {
  const { from, known, since, earlier, maxSlots, latestSlot } = options;
  const head = await headers.get(from);
  const blocks: BlockHeader[] = [];
  if (head === undefined) {
    return { blocks, reason: `the node does not have ${from}` };
  }
  if (head.slot > latestSlot) {
    const reason =
      `the node's head is of slot ${head.slot}, ahead of the clock`;
    return { blocks, reason };
  }
  const unresolved = (reason: string): Walk => ({
    head,
    blocks: blocks.reverse(),
    reason,
  });
  const lowest = Math.max(head.slot, known?.slot ?? 0) - maxSlots;
  await headers.fetchSlots(
    Math.max(known === undefined ? since : known.slot + 1, lowest),
    head.slot - 1,
  );
  let theirs = head;
  let ours = known;
  let isLowerBound = false;
  while (
    ours === undefined ? theirs.slot >= since : theirs.root !== ours.root
  ) {
    const isTheirs = ours === undefined || theirs.slot >= ours.slot;
    if ((isTheirs ? theirs.slot : ours!.slot) <= lowest) {
      return unresolved(`it is over ${maxSlots} slots`);
    }
    if (isTheirs) {
      blocks.push(theirs);
      const parent = await headers.get(theirs.parentRoot);
      if (parent === undefined) {
        return unresolved(`the node does not have block ${theirs.parentRoot}`);
      }
      // Else a node whose parents are not older than their children could make the walk endless.
      if (parent.slot >= theirs.slot) return unresolved(DISORDER);
      theirs = parent;
    } else {
      const { slot, root } = ours!;
      const parentRoot = ours!.parentRoot ??
        (await headers.get(root))?.parentRoot;
      const theirParent = parentRoot === undefined
        ? undefined
        : await headers.get(parentRoot);
      const parent: KnownBlock | undefined = theirParent ??
        earlier.findLast((block) => block.slot < slot);
      if (parent === undefined) {
        return unresolved(
          `the node does not have block ${parentRoot ?? root}`,
        );
      }
      if (parent.slot >= slot) return unresolved(DISORDER);
      // The node's heads may have left out blocks in between.
      if (theirParent === undefined && parent.slot < slot - 1) {
        isLowerBound = true;
      }
      ours = parent;
    }
  }
  const { slot, root, parentRoot } = theirs;
  return {
    head,
    ancestor: { slot, root, parentRoot },
    isLowerBound,
    blocks: blocks.reverse(),
  };
}

const DISORDER = "the node's headers are out of order";

/** Headers of one node, each requested once. */
export class Headers {
  readonly #node: NodeEndpoint;
  readonly #options: NodeRequestOptions;
  readonly #byRoot = new Map<string, BlockHeader>();

  constructor(node: NodeEndpoint, options: NodeRequestOptions) {
    this.#node = node;
    this.#options = options;
  }

  /** A header by root, by slot or as `"head"`. */
  async get(id: string): Promise<BlockHeader | undefined> {
    const known = this.#byRoot.get(id);
    if (known !== undefined) return known;
    const { signal } = this.#options;
    // Each for itself, since over a slow line two epochs of headers take their time.
    const header = await withDeadline(
      (signal) => fetchHeader(this.#node, id, { ...this.#options, signal }),
      {
        timeoutMs: TIMEOUT_MS,
        signal,
        describe: `Cannot request a header of ${this.#node.name}`,
      },
    );
    if (header !== undefined) this.#byRoot.set(header.root, header);
    return header;
  }

  /**
   * Requests the headers of these slots, several at a time: block by block, each would have to wait
   * for the one after it. What is not to be had this way is left to the walk.
   */
  async fetchSlots(from: number, to: number): Promise<void> {
    if (to - from < 1) return;
    let next = to;
    let isRefused = false;
    const work = async () => {
      while (next >= from && !isRefused) {
        const slot = next--;
        try {
          await this.get(String(slot));
        } catch {
          this.#options.signal.throwIfAborted();
          isRefused = true;
        }
        // Two slots without any block in one of them: the node may not answer by slot at all.
        if (slot <= to - LANES && this.#byRoot.size <= 1) isRefused = true;
      }
    };
    await Promise.all(Array.from({ length: LANES }, work));
  }
}

const TIMEOUT_MS = 10_000;
/** How many headers of a node are requested at once. */
const LANES = 4;
