/** The way from a head that was known to the head that a node has now. */

import { type BlockHeader, fetchHeader } from "../../beacon/api/headers.ts";
import type { NodeEndpoint } from "../../beacon/http/endpoint.ts";
import type { NodeRequestOptions } from "../../beacon/http/request.ts";
import { withDeadline } from "../../beacon/http/with_deadline.ts";

/** A head as a node's events told it. */
export interface KnownHead {
  /** Slot of the block. */
  slot: number;
  /** Root of the block. */
  root: string;
}

/** What became of a node's head meanwhile. */
export type BranchWalk =
  /** The way is known. */
  | {
    type: "resolved";
    /** The latest block that both branches have: the known head itself if its branch went on. */
    ancestor: KnownHead;
    /** The blocks above the ancestor, in order of slot. */
    blocks: BlockHeader[];
    /** The node's head: the last one of them, or the ancestor itself where it has gone back. */
    head: BlockHeader;
  }
  /** The way is too long, or blocks on it are not to be had. */
  | {
    type: "unresolved";
    /** Why. */
    reason: string;
    /** The head now, if it could be asked for. */
    head?: KnownHead;
  };

/** Options for {@linkcode walkBranch}. */
export interface WalkBranchOptions extends NodeRequestOptions {
  /** Ancestors of the known head, in order of slot: a node may not have an orphaned block any more. */
  earlier: readonly KnownHead[];
  /** How many slots to go back at most. */
  maxSlots: number;
  /** The latest slot that is believed of a head. */
  latestSlot: number;
}

/**
 * Walks from a node's head back to the known one, or to the block where their branches part. Asks
 * for one header at a time, by parent root.
 *
 * @throws {BeaconTimeoutError} If an answer took more than ten seconds.
 * @throws {BeaconNetworkError} If the node cannot be reached.
 * @throws {BeaconHttpError} If the node refuses.
 * @throws {BeaconProtocolError} If an answer is no header.
 */
export async function walkBranch(
  node: NodeEndpoint,
  known: KnownHead,
  options: WalkBranchOptions,
): Promise<BranchWalk> {
  // Each for itself, since over a slow line two epochs of headers take their time.
  const ask = (id: string) =>
    withDeadline((signal) => fetchHeader(node, id, { ...options, signal }), {
      timeoutMs: TIMEOUT_MS,
      signal: options.signal,
      describe: `Cannot ask ${node.name} for a header`,
    });
  const head = await ask("head");
  if (head === undefined) {
    return { type: "unresolved", reason: "the node has no head" };
  }
  if (head.slot > options.latestSlot) {
    return {
      type: "unresolved",
      reason: `the node's head is of slot ${head.slot}, ahead of the clock`,
    };
  }
  const lowest = Math.max(head.slot, known.slot) - options.maxSlots;
  const blocks: BlockHeader[] = [];
  let ours: KnownHead & { parentRoot?: string } = known;
  let theirs = head;
  while (theirs.root !== ours.root) {
    const isTheirs = theirs.slot >= ours.slot;
    const from = isTheirs ? theirs : ours;
    if (from.slot <= lowest) {
      return {
        type: "unresolved",
        reason: `it is over ${options.maxSlots} slots`,
        head,
      };
    }
    if (isTheirs) {
      blocks.push(theirs);
      const parent = await ask(theirs.parentRoot);
      if (parent === undefined) return missing(theirs.parentRoot, head);
      if (parent.slot >= theirs.slot) return disordered(head);
      theirs = parent;
    } else {
      const { slot } = ours;
      const parentRoot = ours.parentRoot ??
        (await ask(ours.root))?.parentRoot;
      const parent =
        (parentRoot === undefined ? undefined : await ask(parentRoot)) ??
          options.earlier.findLast((head) => head.slot < slot);
      if (parent === undefined) return missing(parentRoot ?? ours.root, head);
      if (parent.slot >= ours.slot) return disordered(head);
      ours = parent;
    }
  }
  const { slot, root } = ours;
  return {
    type: "resolved",
    ancestor: { slot, root },
    blocks: blocks.reverse(),
    head,
  };
}

const TIMEOUT_MS = 10_000;

function missing(root: string, head: KnownHead): BranchWalk {
  return {
    type: "unresolved",
    reason: `the node does not have block ${root}`,
    head,
  };
}

/** A node whose parents are not older than their children could make the walk endless. */
function disordered(head: KnownHead): BranchWalk {
  return {
    type: "unresolved",
    reason: "the node's headers are out of order",
    head,
  };
}
