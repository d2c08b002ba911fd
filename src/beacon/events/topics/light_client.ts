/** Topics `light_client_finality_update` and `light_client_optimistic_update`. */

import {
  defineTopic,
  type ForkVersioned,
  list,
  object,
  optional,
  versioned,
} from "../members.ts";
import {
  anyObject,
  bits,
  isJsonObject,
  type JsonObject,
  root,
  signature,
  uint,
} from "../primitives.ts";
import { type BeaconBlockHeader, beaconBlockHeader } from "./slashing.ts";

/** Header of a block for light clients. */
export interface LightClientHeader {
  /** Header of the beacon block. */
  readonly beacon: BeaconBlockHeader;
  /** Header of the execution payload, as the node sent it, unchecked; since capella. */
  readonly execution?: Readonly<Record<string, unknown>>;
  /** Merkle branch from the execution header to the body root; since capella. */
  readonly execution_branch?: readonly string[];
}

/** Vote of a sync committee. */
export interface SyncAggregate {
  /** Members that took part, a bit vector in hex (512 bits on mainnet). */
  readonly sync_committee_bits: string;
  /** Aggregate BLS signature of those members. */
  readonly sync_committee_signature: string;
}

/** An optimistic update for light clients. */
export interface LightClientOptimisticUpdate {
  /** Header that the sync committee attests to. */
  readonly attested_header: LightClientHeader;
  /** Vote of the sync committee. */
  readonly sync_aggregate: SyncAggregate;
  /** Slot at which the vote was signed. */
  readonly signature_slot: number;
}

/** A finality update for light clients. */
export interface LightClientFinalityUpdate extends LightClientOptimisticUpdate {
  /** Header that is final in the attested state. */
  readonly finalized_header: LightClientHeader;
  /** Merkle branch from the finalized root to the attested state; 6 roots, 7 from electra on. */
  readonly finality_branch: readonly string[];
}

/**
 * Payload of `light_client_finality_update`: the node has a newer finality update. The version is the
 * fork of the attested header.
 */
export type LightClientFinalityUpdateEvent = ForkVersioned<
  LightClientFinalityUpdate
>;

/**
 * Payload of `light_client_optimistic_update`: the node has a newer optimistic update. The version is
 * the fork of the attested header.
 */
export type LightClientOptimisticUpdateEvent = ForkVersioned<
  LightClientOptimisticUpdate
>;

const EXECUTION = ["execution", "execution_branch"];

const lightClientHeader = object<LightClientHeader>({
  beacon: beaconBlockHeader,
  execution: optional(anyObject),
  execution_branch: optional(list(root)),
});

const syncAggregate = object<SyncAggregate>({
  sync_committee_bits: bits,
  sync_committee_signature: signature,
});

export const light_client_finality_update = defineTopic({
  topic: "light_client_finality_update",
  payload: versioned<LightClientFinalityUpdate>(
    object({
      attested_header: lightClientHeader,
      finalized_header: lightClientHeader,
      finality_branch: list(root),
      sync_aggregate: syncAggregate,
      signature_slot: uint,
    }),
    forkOf,
  ),
  slot: ({ data }) => data.signature_slot,
  identity: { allBut: ["version", "finality_branch", ...EXECUTION] },
});

export const light_client_optimistic_update = defineTopic({
  topic: "light_client_optimistic_update",
  payload: versioned<LightClientOptimisticUpdate>(
    object({
      attested_header: lightClientHeader,
      sync_aggregate: syncAggregate,
      signature_slot: uint,
    }),
    forkOf,
  ),
  slot: ({ data }) => data.signature_slot,
  identity: { allBut: ["version", ...EXECUTION] },
});

/** Of an update without its envelope: the first fork that has its members. */
function forkOf(update: JsonObject): string | undefined {
  const { attested_header, finality_branch } = update;
  if (!("attested_header" in update || "sync_aggregate" in update)) {
    return undefined;
  }
  if (Array.isArray(finality_branch) && finality_branch.length > 6) {
    return "electra";
  }
  const execution = isJsonObject(attested_header)
    ? attested_header.execution
    : undefined;
  if (!isJsonObject(execution)) return "altair";
  return "blob_gas_used" in execution ? "deneb" : "capella";
}
