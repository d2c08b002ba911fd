/** When two reports are the same event, and when they must not be taken for it. */

import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { eventIdentity } from "../../../src/beacon/events/event_identity.ts";
import { parseEventData } from "../../../src/beacon/events/parse_event_data.ts";
import { membersOf, replaced, valueAt, without } from "./payload_members.ts";
import { TOPIC_EXAMPLES } from "./topic_examples.ts";

/** Members that nodes may report differently, or that follow from the others. */
const NOT_IDENTITY: Record<string, RegExp> = {
  head: /^(state|epoch_transition|\w+_dependent_root|execution_optimistic)$/,
  head_v2:
    /^(version|data\.(state|epoch_transition|\w+_dependent_root|execution_optimistic))$/,
  block: /^execution_optimistic$/,
  finalized_checkpoint: /^(state|execution_optimistic)$/,
  chain_reorg: /^(\w+_state|epoch|execution_optimistic)$/,
  light_client_finality_update: /^(version|data\.finality_branch\.\d)$/,
  light_client_optimistic_update: /^(version|.*\.execution.*)$/,
  payload_attributes: /^(version|data\.parent_block_number)$/,
  data_column_sidecar: /^(kzg_commitments|versioned_hashes)\.0$/,
  execution_payload: /^execution_optimistic$/,
  execution_payload_bid: /^(version|data\.message\.execution_requests_root)$/,
  payload_attestation_message: /^version$/,
  proposer_preferences: /^version$/,
  blob_sidecar: /^(kzg_commitment|versioned_hash)$/,
};

for (const { topic, form, payload, data } of TOPIC_EXAMPLES) {
  const name = form === undefined ? topic : `${topic} ${form}`;

  Deno.test(`eventIdentity() changes with every member that makes ${name} another event`, () => {
    const identity = eventIdentity<string>(topic, data);
    assert(identity);
    for (const path of membersOf(payload)) {
      const sent = valueAt(payload, path);
      if (typeof sent === "object") continue;
      const other = identityOf(
        topic,
        replaced(payload, path, changed(path.at(-1)!, sent)),
      );
      if (NOT_IDENTITY[topic]?.test(path.join("."))) {
        assertEquals(other, identity, path.join("."));
      } else assertNotEquals(other, identity, path.join("."));
    }
  });

  Deno.test(`eventIdentity() is the same for ${name} in another case and order`, () => {
    const raw = JSON.stringify(payload).replaceAll(
      /"0x([0-9a-f]*)"/g,
      (_, digits: string) => `"0x${digits.toUpperCase()}"`,
    );
    const reordered = Object.fromEntries(
      Object.entries(JSON.parse(raw)).reverse(),
    );
    assertEquals(identityOf(topic, reordered), identityOf(topic, payload));
  });
}

Deno.test("eventIdentity() tells apart the events of one topic, and no two examples are the same", () => {
  const identities = TOPIC_EXAMPLES.map(({ topic, data }) =>
    `${topic} ${eventIdentity<string>(topic, data)}`
  );
  // The two bids and votes are the same, once with their envelope and once without.
  assertEquals(new Set(identities).size, TOPIC_EXAMPLES.length - 2);
});

Deno.test("eventIdentity() takes a bare payload for the same event as a wrapped one", () => {
  for (
    const topic of [
      "execution_payload_bid",
      "payload_attestation_message",
    ] as const
  ) {
    const examples = TOPIC_EXAMPLES.filter((example) =>
      example.topic === topic
    );
    assertEquals(
      identityOf(topic, examples[0]!.payload),
      identityOf(topic, examples[1]!.payload),
    );
  }
});

Deno.test("eventIdentity() is the same where a node leaves out what others send", () => {
  for (
    const [topic, ...path] of [
      ["head", "execution_optimistic"],
      ["chain_reorg", "epoch"],
      ["data_column_sidecar", "kzg_commitments"],
      ["payload_attributes", "data", "parent_block_number"],
    ]
  ) {
    const { payload } = TOPIC_EXAMPLES.find((example) =>
      example.topic === topic
    )!;
    assertEquals(
      identityOf(topic!, without(payload, path)),
      identityOf(topic!, payload),
    );
  }
});

Deno.test("eventIdentity() tells apart confirmations with and without the current slot", () => {
  const { payload } = TOPIC_EXAMPLES.find(({ topic }) =>
    topic === "fast_confirmation"
  )!;
  assertNotEquals(
    identityOf("fast_confirmation", without(payload, ["current_slot"])),
    identityOf("fast_confirmation", payload),
  );
});

Deno.test("eventIdentity() tells apart aggregates of one committee and of another", () => {
  const { payload } = TOPIC_EXAMPLES.find(({ topic }) =>
    topic === "attestation"
  )!;
  assertNotEquals(
    identityOf("attestation", without(payload, ["committee_bits"])),
    identityOf("attestation", payload),
  );
});

Deno.test("eventIdentity() stays short for the largest slashing", () => {
  const { topic, payload } = TOPIC_EXAMPLES.find(({ topic }) =>
    topic === "attester_slashing"
  )!;
  const indices = Array.from({ length: 131072 }, (_, index) => String(index));
  const large = replaced(
    payload,
    ["attestation_1", "attesting_indices"],
    indices,
  );
  const identity = identityOf(topic, large)!;
  assert(identity.length < 2000);
  const other = replaced(
    large,
    ["attestation_1", "attesting_indices", "70000"],
    "70001",
  );
  assertNotEquals(identityOf(topic, other), identity);
});

Deno.test("eventIdentity() knows none for an unknown topic, whatever its name and data", () => {
  for (
    const topic of ["weather_forecast", "__proto__", "constructor", "toString"]
  ) {
    for (const data of [{ slot: 1 }, null, 5]) {
      assertEquals(eventIdentity(topic, data), undefined);
    }
  }
});

function identityOf(topic: string, payload: unknown): string | undefined {
  return eventIdentity(topic, parseEventData(topic, JSON.stringify(payload)));
}

/** Another value that a member may have. */
function changed(name: string, value: unknown): unknown {
  if (typeof value === "boolean") return !value;
  const text = String(value);
  if (name === "version") return "later";
  if (name === "payload_status") return "empty";
  if (text === "0x") return "0x00";
  return text.startsWith("0x")
    ? text.slice(0, -1) + (text.endsWith("0") ? "1" : "0")
    : String(BigInt(text) === 0n ? 1n : BigInt(text) - 1n);
}
