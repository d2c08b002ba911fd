/**
 * What a simulated node answers, in the words of the Beacon API: the event
 * stream, genesis, spec, headers, version, sync state and health.
 */

import { STATUS_CODE } from "@std/http/status";
import type { EventStreams } from "./event_streams.ts";
import type { IncomingRequest } from "./http_server.ts";
import { errorResponse, jsonResponse } from "./json_response.ts";
import type { NodeClock } from "./node_clock.ts";
import { seededWords, takeHex } from "./random.ts";
import type { SimulatedBlock } from "../chain/simulated_block.ts";
import type { SimulatedChain } from "../chain/simulated_chain.ts";
import {
  AGGREGATE_DUE_BPS,
  ATTESTATION_DUE_BPS,
} from "../chain/slot_schedule.ts";

const FAR_FUTURE_EPOCH = "18446744073709551615";
const NAME = "beacon-sse-simulator";
const VERSION = "v1.0.0";

/** Options for {@linkcode BeaconApi}. */
export interface BeaconApiOptions {
  /** Tells the time. */
  clock: NodeClock;
  /** The chain to tell of. */
  chain: SimulatedChain;
  /** Takes those who ask for events. */
  streams: EventStreams;
  /** Decides `genesis_validators_root`. */
  seed: number;
}

/** The HTTP endpoints of a simulated node. */
export class BeaconApi {
  readonly #options: BeaconApiOptions;

  constructor(options: BeaconApiOptions) {
    this.#options = options;
  }

  /** Answers a request. */
  respond({ method, path, query, headers }: IncomingRequest): Response {
    if (method !== "GET") {
      return errorResponse(
        STATUS_CODE.MethodNotAllowed,
        `Method not allowed: ${method}`,
      );
    }
    switch (path) {
      case "/eth/v1/events":
        return this.#options.streams.accept(query, headers);
      case "/eth/v1/beacon/genesis":
        return this.genesis();
      case "/eth/v1/config/spec":
        return jsonResponse({ data: this.#spec() });
      case "/eth/v1/beacon/headers":
        return this.#headers(query);
      case "/eth/v1/node/version":
        return jsonResponse({ data: { version: `${NAME}/${VERSION}` } });
      case "/eth/v2/node/version":
        return jsonResponse({
          data: {
            beacon_node: {
              code: "SI",
              name: NAME,
              version: VERSION,
              commit: "00000000",
            },
          },
        });
      case "/eth/v1/node/syncing":
        return jsonResponse({ data: this.#syncing() });
      case "/eth/v1/node/health":
        return new Response(null, { status: STATUS_CODE.OK });
    }
    const prefix = "/eth/v1/beacon/headers/";
    if (path.startsWith(prefix)) return this.#header(path.slice(prefix.length));
    return errorResponse(STATUS_CODE.NotFound, `Not found: ${path}`);
  }

  /** The answer about genesis, with the `genesis_validators_root` of the seed or another one. */
  genesis(
    root: string = takeHex(seededWords(this.#options.seed, "validators"), 32),
  ): Response {
    const { clock } = this.#options;
    return jsonResponse({
      data: {
        genesis_time: String(clock.genesisTime / 1000),
        genesis_validators_root: root,
        genesis_fork_version: "0x10000000",
      },
    });
  }

  #spec(): object {
    const { clock, chain } = this.#options;
    const { slotDurationMs } = clock;
    return {
      CONFIG_NAME: "simulated",
      PRESET_BASE: "minimal",
      SLOT_DURATION_MS: String(slotDurationMs),
      ...slotDurationMs % 1000 === 0 &&
        { SECONDS_PER_SLOT: String(slotDurationMs / 1000) },
      SLOTS_PER_EPOCH: String(chain.slotsPerEpoch),
      PROPOSER_REORG_CUTOFF_BPS: "1667",
      ATTESTATION_DUE_BPS: String(ATTESTATION_DUE_BPS),
      AGGREGATE_DUE_BPS: String(AGGREGATE_DUE_BPS),
      SYNC_MESSAGE_DUE_BPS: "3333",
      CONTRIBUTION_DUE_BPS: "6667",
      ATTESTATION_DUE_BPS_GLOAS: "2500",
      AGGREGATE_DUE_BPS_GLOAS: "5000",
      SYNC_MESSAGE_DUE_BPS_GLOAS: "2500",
      CONTRIBUTION_DUE_BPS_GLOAS: "5000",
      PAYLOAD_DUE_BPS: "5000",
      PAYLOAD_ATTESTATION_DUE_BPS: "7500",
      ALTAIR_FORK_EPOCH: "0",
      BELLATRIX_FORK_EPOCH: "0",
      CAPELLA_FORK_EPOCH: "0",
      DENEB_FORK_EPOCH: "0",
      ELECTRA_FORK_EPOCH: "0",
      FULU_FORK_EPOCH: "0",
      GLOAS_FORK_EPOCH: FAR_FUTURE_EPOCH,
      BLOB_SCHEDULE: [{ EPOCH: "0", MAX_BLOBS_PER_BLOCK: "9" }],
    };
  }

  #syncing(): object {
    const { chain, clock } = this.#options;
    return {
      head_slot: String(chain.head.slot),
      sync_distance: String(Math.max(0, clock.slot - chain.head.slot)),
      is_syncing: false,
      is_optimistic: false,
      el_offline: false,
    };
  }

  /** Headers of a slot on all branches, or of the blocks on a parent, or of the head. */
  #headers(query: URLSearchParams): Response {
    const { chain } = this.#options;
    const slot = query.get("slot");
    const parent = query.get("parent_root");
    if (slot !== null && !/^\d{1,15}$/.test(slot)) {
      return errorResponse(STATUS_CODE.BadRequest, `Invalid slot: ${slot}`);
    }
    let blocks = slot === null && parent === null
      ? [chain.head]
      : chain.blocks();
    if (slot !== null) {
      blocks = blocks.filter((block) => block.slot === Number(slot));
    }
    if (parent !== null) {
      blocks = blocks.filter((block) =>
        block.parentRoot === parent.toLowerCase()
      );
    }
    return jsonResponse({
      execution_optimistic: false,
      finalized: blocks.length > 0 &&
        blocks.every((block) => this.#isFinalized(block)),
      data: blocks.map((block) => this.#headerData(block)),
    });
  }

  #header(id: string): Response {
    const { chain } = this.#options;
    if (!/^(head|genesis|finalized|\d{1,15}|0x[0-9a-f]{64})$/i.test(id)) {
      return errorResponse(STATUS_CODE.BadRequest, `Invalid block ID: ${id}`);
    }
    const block = id === "head"
      ? chain.head
      : id === "genesis"
      ? chain.genesis
      : id === "finalized"
      ? chain.finalized.block
      : id.startsWith("0x")
      ? chain.byRoot(id)
      : chain.canonicalAt(Number(id));
    if (!block) {
      return errorResponse(STATUS_CODE.NotFound, `Block not found: ${id}`);
    }
    return jsonResponse({
      execution_optimistic: false,
      finalized: this.#isFinalized(block),
      data: this.#headerData(block),
    });
  }

  #isFinalized(block: SimulatedBlock): boolean {
    const { chain } = this.#options;
    return block.slot <= chain.finalized.block.slot && chain.isCanonical(block);
  }

  #headerData(block: SimulatedBlock): object {
    return {
      root: block.root,
      canonical: this.#options.chain.isCanonical(block),
      header: {
        message: {
          slot: String(block.slot),
          proposer_index: String(block.proposerIndex),
          parent_root: block.parentRoot,
          state_root: block.stateRoot,
          body_root: block.bodyRoot,
        },
        signature: takeHex(seededWords("signature", block.root), 96),
      },
    };
  }
}
