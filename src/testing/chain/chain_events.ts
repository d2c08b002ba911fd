/** Turns what happens on the simulated chain into events for the listeners. */

import {
  attestationPayload,
  blockGossipPayload,
  blockPayload,
  chainReorgPayload,
  finalizedCheckpointPayload,
  headPayload,
  headV2Payload,
  singleAttestationPayload,
} from "./event_payloads.ts";
import type { EventStreams } from "../node/event_streams.ts";
import type { SimulatedBlock } from "./simulated_block.ts";
import type { SimulatedChain, SimulatedReorg } from "./simulated_chain.ts";

/** The one place where the chain's head moves and its listeners are told. */
export class ChainEvents {
  readonly #chain: SimulatedChain;
  readonly #streams: EventStreams;

  constructor(chain: SimulatedChain, streams: EventStreams) {
    this.#chain = chain;
    this.#streams = streams;
  }

  /** Tells of a block that passed the gossip checks. */
  gossip(block: SimulatedBlock): void {
    this.#streams.publish("block_gossip", blockGossipPayload(block));
  }

  /** Tells of a block that was imported. */
  imported(block: SimulatedBlock): void {
    this.#streams.publish("block", blockPayload(block));
  }

  /** Makes a block the head and tells of it, of the reorg first if it is one; returns the reorg. */
  head(block: SimulatedBlock): SimulatedReorg | undefined {
    const { epochTransition, reorg, finalized } = this.#chain.setHead(block);
    if (reorg) this.#streams.publish("chain_reorg", chainReorgPayload(reorg));
    this.#streams.publish(
      "head",
      headPayload(this.#chain, block, epochTransition),
    );
    this.#streams.publish(
      "head_v2",
      headV2Payload(this.#chain, block, epochTransition),
    );
    if (finalized) {
      this.#streams.publish(
        "finalized_checkpoint",
        finalizedCheckpointPayload(finalized),
      );
    }
    return reorg;
  }

  /** Tells of votes for the head of a slot, by validators from `first` on. */
  singleAttestations(
    slot: number,
    first: number,
    count: number,
    next: () => number,
  ): void {
    if (!this.#streams.wants("single_attestation")) return;
    for (let attester = first; attester < first + count; attester++) {
      const payload = singleAttestationPayload(
        this.#chain,
        slot,
        attester,
        next,
      );
      this.#streams.publish("single_attestation", payload);
    }
  }

  /** Tells of so many aggregated votes for the head of a slot. */
  attestations(slot: number, count: number, next: () => number): void {
    if (!this.#streams.wants("attestation")) return;
    for (let i = 0; i < count; i++) {
      this.#streams.publish(
        "attestation",
        attestationPayload(this.#chain, slot, next),
      );
    }
  }
}
