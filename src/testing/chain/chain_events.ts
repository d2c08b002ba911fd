/** Turns what happens on the simulated chain into events. */

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
import type {
  SimulatedBlock,
  SimulatedChain,
  SimulatedReorg,
} from "./simulated_chain.ts";

/** Where events go. */
export interface EventSink {
  /** Sends an event to the streams that have its topic. */
  publish(topic: string, payload: unknown): void;
  /** Whether there is such a stream. */
  wants(topic: string): boolean;
}

/** The one place where the chain's head moves and its events are sent. */
export class ChainEvents {
  /** How many events there were; no two moments have the same number. */
  count = 0;
  readonly #chain: SimulatedChain;
  readonly #sink: EventSink;

  constructor(chain: SimulatedChain, sink: EventSink) {
    this.#chain = chain;
    this.#sink = sink;
  }

  /** A block has passed the gossip checks. */
  gossip(block: SimulatedBlock): void {
    this.#publish("block_gossip", blockGossipPayload(block));
  }

  /** A block was imported. */
  imported(block: SimulatedBlock): void {
    this.#publish("block", blockPayload(block));
  }

  /** Makes a block the head; the reorg, if it is one, is sent first and returned. */
  head(block: SimulatedBlock): SimulatedReorg | undefined {
    const { epochTransition, reorg, finalized } = this.#chain.setHead(block);
    if (reorg) this.#publish("chain_reorg", chainReorgPayload(reorg));
    this.#heads(block, epochTransition);
    if (finalized) {
      const payload = finalizedCheckpointPayload(finalized);
      this.#publish("finalized_checkpoint", payload);
    }
    return reorg;
  }

  /** A block of before comes as if it were the head now. */
  again(block: SimulatedBlock): void {
    this.imported(block);
    const epoch = this.#chain.epochAt(block.slot);
    const parent = this.#chain.byRoot(block.parentRoot);
    const isTransition = parent !== undefined &&
      epoch > this.#chain.epochAt(parent.slot);
    this.#heads(block, isTransition);
    if (isTransition && epoch >= 2) {
      const checkpoint = this.#chain.checkpoint(block, epoch - 2);
      this.#publish(
        "finalized_checkpoint",
        finalizedCheckpointPayload(checkpoint),
      );
    }
  }

  /** Votes for the head of a slot, by validators from `first` on. */
  singleAttestations(
    slot: number,
    first: number,
    count: number,
    next: () => number,
  ): void {
    if (!this.#sink.wants("single_attestation")) return;
    for (let attester = first; attester < first + count; attester++) {
      const payload = singleAttestationPayload(
        this.#chain,
        slot,
        attester,
        next,
      );
      this.#publish("single_attestation", payload);
    }
  }

  /** So many aggregated votes for the head of a slot. */
  attestations(slot: number, count: number, next: () => number): void {
    if (!this.#sink.wants("attestation")) return;
    for (let i = 0; i < count; i++) {
      this.#publish("attestation", attestationPayload(this.#chain, slot, next));
    }
  }

  #heads(block: SimulatedBlock, epochTransition: boolean): void {
    const chain = this.#chain;
    this.#publish("head", headPayload(chain, block, epochTransition));
    this.#publish("head_v2", headV2Payload(chain, block, epochTransition));
  }

  #publish(topic: string, payload: object): void {
    this.count++;
    this.#sink.publish(topic, payload);
  }
}
