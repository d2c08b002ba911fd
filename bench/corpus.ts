/**
 * What the benchmarks are fed: event streams as beacon nodes send them, made from a seed so that
 * every run sees the same bytes.
 */

import { assertEquals } from "@std/assert";

/** Whether the benches only have to prove that they run: `deno bench -- --smoke`. */
export const isSmoke: boolean = Deno.args.includes("--smoke");

/** An event stream and what a right decoder finds in it. */
export interface Corpus {
  /** What the events are. */
  readonly name: string;
  /** The stream. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Offsets in bytes behind each event's blank line. */
  readonly ends: readonly number[];
  /** Offsets in bytes of the first slot of each event that has one. */
  readonly slotOffsets: readonly number[];
  /** What a decoder must find. */
  readonly tally: Tally;
}

/** What was read, so that no work can be left out unseen. */
export interface Tally {
  /** Events. */
  events: number;
  /** UTF-16 code units of all their data. */
  units: number;
}

/** A piece of a stream, as it comes from a socket. */
export interface Chunk {
  /** As bytes, a view of the corpus. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** As text, a string of its own like those of a `TextDecoder`. */
  readonly text: string;
  /** How many events it completes. */
  readonly events: number;
}

/** How a stream is cut into chunks. */
export type Cut = "64 KiB" | "8 KiB" | "1 KiB" | "one event per chunk";

/** The kinds of corpora. */
export type CorpusName = "mix" | "duty" | "attestations" | "giant";

/**
 * Makes a corpus.
 *
 * - `mix`: 512 slots of everything, about 8 MB;
 * - `duty`: `block_gossip`, `block` and `head` of 6,000 slots, 18,000 events of 230 bytes;
 * - `attestations`: 10,000 `single_attestation` events of 600 bytes;
 * - `giant`: four `attester_slashing` events of about 1 MB.
 *
 * @param name Its kind.
 * @param lineEnd How lines end.
 */
export function createCorpus(
  name: CorpusName,
  lineEnd: "LF" | "CRLF" = "LF",
): Corpus {
  const frames = [...FRAMES[name](new Random(name))];
  const encoder = new TextEncoder();
  const ends: number[] = [];
  const slotOffsets: number[] = [];
  const parts: Uint8Array[] = [];
  const tally: Tally = { events: 0, units: 0 };
  let end = 0;
  const eol = lineEnd === "LF" ? "\n" : "\r\n";
  for (const { topic, data } of frames) {
    const part = encoder.encode(
      `event: ${topic}${eol}data: ${data}${eol}${eol}`,
    );
    parts.push(part);
    const slotAt = data.indexOf(SLOT);
    if (slotAt >= 0) {
      const head = `event: ${topic}${eol}data: ${data.slice(0, slotAt)}${SLOT}`;
      slotOffsets.push(end + head.length);
    }
    ends.push(end += part.byteLength);
    tally.events++;
    tally.units += data.length;
  }
  const bytes = new Uint8Array(end);
  parts.forEach((part, index) => bytes.set(part, ends[index - 1] ?? 0));
  return {
    name: lineEnd === "LF" ? name : `${name} CRLF`,
    bytes,
    ends,
    slotOffsets,
    tally,
  };
}

/**
 * Moves the slots of a corpus on, in place, so that a listener takes it for new events.
 *
 * @param slots How far, in whole epochs, so that these keep their slots.
 */
export function moveOn({ bytes, slotOffsets }: Corpus, slots: number): void {
  for (const offset of slotOffsets) {
    let carry = slots;
    for (let place = offset + 7; carry > 0; place--) {
      const digit = bytes[place]! - 48 + carry;
      bytes[place] = 48 + digit % 10;
      carry = Math.floor(digit / 10);
    }
  }
}

/** Cuts a corpus into chunks. */
export function cutCorpus({ bytes, ends }: Corpus, cut: Cut): Chunk[] {
  const chunks: Chunk[] = [];
  const decoder = new TextDecoder();
  let event = 0;
  for (let start = 0; start < bytes.byteLength;) {
    const end = cut === "one event per chunk"
      ? ends[event]!
      : Math.min(bytes.byteLength, start + SIZES[cut]);
    const first = event;
    while (event < ends.length && ends[event]! <= end) event++;
    const part = bytes.subarray(start, end);
    chunks.push({
      bytes: part,
      text: decoder.decode(part),
      events: event - first,
    });
    start = end;
  }
  return chunks;
}

/** The slot of the newest event of a corpus; its clock must not be behind. */
export const LAST_SLOT = 10_006_000;

/** @throws {AssertionError} If a candidate read something else than there is. */
export function assertTally(who: string, actual: Tally, expected: Tally): void {
  assertEquals({ who, ...actual }, { who, ...expected });
}

/** What stands in front of a slot; slots have eight digits. */
const SLOT = '"slot":"';
const SIZES = { "64 KiB": 65_536, "8 KiB": 8192, "1 KiB": 1024 };

interface Frame {
  topic: string;
  data: string;
}

const FRAMES: Record<CorpusName, (random: Random) => Generator<Frame>> = {
  *mix(random) {
    const slots = scaled(512);
    for (let slot = LAST_SLOT - slots + 1; slot <= LAST_SLOT; slot++) {
      yield* blockFrames(random, slot);
      const vote = createVote(random, slot);
      for (let index = 0; index < 14; index++) {
        yield index < 10
          ? singleAttestation(random, vote)
          : attestation(random, vote);
      }
      yield lightClientUpdate(random, slot, "optimistic");
      if (slot % 32 === 0) yield lightClientUpdate(random, slot, "finality");
      if (slot % 4 === 0) yield payloadAttributes(random, slot);
      if (slot === LAST_SLOT - (slots >> 1)) {
        yield attesterSlashing(random, slot, scaled(56_000));
      }
    }
  },
  *duty(random) {
    const slots = scaled(6000);
    for (let slot = LAST_SLOT - slots + 1; slot <= LAST_SLOT; slot++) {
      yield* blockFrames(random, slot);
    }
  },
  *attestations(random) {
    const vote = createVote(random, LAST_SLOT);
    for (let count = scaled(10_000); count > 0; count--) {
      yield singleAttestation(random, vote);
    }
  },
  *giant(random) {
    for (let count = 0; count < 4; count++) {
      yield attesterSlashing(random, LAST_SLOT, scaled(56_000));
    }
  },
};

function scaled(count: number): number {
  return isSmoke ? Math.ceil(count / 30) : count;
}

function frame(topic: string, data: unknown): Frame {
  return { topic, data: JSON.stringify(data) };
}

function* blockFrames(random: Random, slot: number): Generator<Frame> {
  const block = random.root();
  yield frame("block_gossip", { slot: `${slot}`, block });
  yield frame("block", {
    slot: `${slot}`,
    block,
    execution_optimistic: false,
  });
  const epoch = Math.floor(slot / 32);
  yield frame("head", {
    slot: `${slot}`,
    block,
    state: random.root(),
    epoch_transition: slot % 32 === 0,
    previous_duty_dependent_root: rootOf(epoch - 1),
    current_duty_dependent_root: rootOf(epoch),
    execution_optimistic: false,
  });
}

/** The same root for the same number. */
function rootOf(number: number): string {
  return `0x${number.toString(16).padStart(64, "7")}`;
}

function createVote(random: Random, slot: number) {
  const epoch = Math.floor(slot / 32);
  return {
    slot: `${slot}`,
    index: "0",
    beacon_block_root: random.root(),
    source: { epoch: `${epoch - 1}`, root: rootOf(epoch - 1) },
    target: { epoch: `${epoch}`, root: rootOf(epoch) },
  };
}

type Vote = ReturnType<typeof createVote>;

function singleAttestation(random: Random, vote: Vote): Frame {
  return frame("single_attestation", {
    committee_index: `${random.below(64)}`,
    attester_index: `${random.below(1_000_000)}`,
    data: vote,
    signature: random.hex(96),
  });
}

function attestation(random: Random, vote: Vote): Frame {
  return frame("attestation", {
    aggregation_bits: random.hex(32),
    data: vote,
    signature: random.hex(96),
    committee_bits: random.hex(8),
  });
}

function header(random: Random, slot: number) {
  return {
    beacon: {
      slot: `${slot}`,
      proposer_index: `${random.below(1_000_000)}`,
      parent_root: random.root(),
      state_root: random.root(),
      body_root: random.root(),
    },
  };
}

function lightClientUpdate(
  random: Random,
  slot: number,
  kind: "optimistic" | "finality",
): Frame {
  return frame(`light_client_${kind}_update`, {
    version: "electra",
    data: {
      attested_header: header(random, slot - 1),
      ...(kind === "finality"
        ? {
          finalized_header: header(random, slot - 64),
          finality_branch: Array.from({ length: 7 }, () => random.root()),
        }
        : {}),
      sync_aggregate: {
        sync_committee_bits: random.hex(64),
        sync_committee_signature: random.hex(96),
      },
      signature_slot: `${slot}`,
    },
  });
}

/** About 10 KB: a list of withdrawals longer than mainnet's, as test networks have it. */
function payloadAttributes(random: Random, slot: number): Frame {
  return frame("payload_attributes", {
    version: "electra",
    data: {
      proposer_index: `${random.below(1_000_000)}`,
      proposal_slot: `${slot}`,
      parent_block_root: random.root(),
      parent_block_hash: random.root(),
      parent_block_number: `${slot - 2_000_000}`,
      payload_attributes: {
        timestamp: `${1_606_824_023 + 12 * slot}`,
        prev_randao: random.root(),
        suggested_fee_recipient: random.hex(20),
        withdrawals: Array.from({ length: 72 }, (_, index) => ({
          index: `${80_000_000 + index}`,
          validator_index: `${random.below(1_000_000)}`,
          address: random.hex(20),
          amount: `${random.below(64_000_000_000)}`,
        })),
        parent_beacon_block_root: random.root(),
      },
    },
  });
}

function attesterSlashing(
  random: Random,
  slot: number,
  validators: number,
): Frame {
  const indexed = () => ({
    attesting_indices: Array.from(
      { length: validators },
      (_, index) => `${index * 25 + random.below(25)}`,
    ),
    data: createVote(random, slot),
    signature: random.hex(96),
  });
  return frame("attester_slashing", {
    attestation_1: indexed(),
    attestation_2: indexed(),
  });
}

/** Numbers from a seed (mulberry32). */
class Random {
  #state = 0;

  constructor(seed: string) {
    for (const letter of seed) {
      this.#state = Math.imul(this.#state ^ letter.charCodeAt(0), 0x01000193);
    }
  }

  /** Uniform in [0, 2^32). */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  }

  below(limit: number): number {
    return Math.floor(this.next() / 2 ** 32 * limit);
  }

  root(): string {
    return this.hex(32);
  }

  hex(bytes: number): string {
    let digits = "";
    while (digits.length < 2 * bytes) {
      digits += this.next().toString(16).padStart(8, "0");
    }
    return `0x${digits.slice(0, 2 * bytes)}`;
  }
}
