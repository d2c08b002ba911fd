/** When two reports are the same event, and when they must not be taken for it. */

import { assert, assertEquals, assertNotEquals } from "@std/assert";
import {
  eventIdentity,
  identify,
  isOptimistic,
} from "../../../src/beacon/events/event_identity.ts";
import {
  type BeaconEvent,
  BeaconEventReader,
  parseEventData,
} from "../../../src/beacon/events/beacon_event.ts";
import { NodeEndpoint } from "../../../src/beacon/http/endpoint.ts";
import { membersOf, replaced, valueAt, without } from "./payload_members.ts";
import { exampleOf, TOPIC_EXAMPLES } from "./topic_examples.ts";

/** Members that nodes may report differently, or that follow from the others. */
const NOT_IDENTITY: Record<string, RegExp> = {
  head: /^(state|epoch_transition|\w+_dependent_root|execution_optimistic)$/,
  head_v2:
    /^(version|data\.(state|payload_status|epoch_transition|\w+_dependent_root|execution_optimistic))$/,
  block: /^execution_optimistic$/,
  finalized_checkpoint: /^(state|execution_optimistic)$/,
  chain_reorg: /^(depth|\w+_state|epoch|execution_optimistic)$/,
  light_client_finality_update: /^(version|(data\.)?finality_branch\.\d)$/,
  light_client_optimistic_update: /^(version|.*\.execution.*)$/,
  payload_attributes: /^(version|data\.parent_block_number)$/,
  data_column_sidecar: /^(kzg_commitments|versioned_hashes)\.0$/,
  execution_payload: /^execution_optimistic$/,
  execution_payload_bid: /^(version|data\.message\.execution_requests_root)$/,
  payload_attestation_message: /^version$/,
  proposer_preferences: /^version$/,
  blob_sidecar: /^(kzg_commitment|versioned_hash)$/,
};

for (const { topic, form, payload } of TOPIC_EXAMPLES) {
  const name = form === undefined ? topic : `${topic} ${form}`;

  Deno.test(`identify() gives another key with every member that makes ${name} another event`, () => {
    const identity = keyOf(topic, payload);
    assert(identity);
    for (const path of membersOf(payload)) {
      const sent = valueAt(payload, path);
      if (typeof sent === "object") continue;
      const other = keyOf(
        topic,
        replaced(payload, path, changed(path.at(-1)!, sent)),
      );
      if (NOT_IDENTITY[topic]?.test(path.join("."))) {
        assertEquals(other, identity, path.join("."));
      } else assertNotEquals(other, identity, path.join("."));
    }
  });

  Deno.test(`identify() gives the same key for ${name} in another case and order`, () => {
    const raw = JSON.stringify(payload).replaceAll(
      /"0x([0-9a-f]*)"/g,
      (_, digits: string) => `"0x${digits.toUpperCase()}"`,
    );
    const reordered = Object.fromEntries(
      Object.entries(JSON.parse(raw)).reverse(),
    );
    assertEquals(keyOf(topic, reordered), keyOf(topic, payload));
  });
}

Deno.test("identify() gives no two examples the same key", () => {
  const identities = TOPIC_EXAMPLES.map(({ topic, payload }) =>
    keyOf(topic, payload)
  );
  // The two bids and votes are the same, once with their envelope and once without.
  assertEquals(new Set(identities).size, TOPIC_EXAMPLES.length - 2);
});

Deno.test("identify() gives a bare payload the key of a wrapped one", () => {
  for (
    const topic of ["execution_payload_bid", "payload_attestation_message"]
  ) {
    const [wrapped, bare] = [undefined, "without its envelope"]
      .map((form) => keyOf(topic, exampleOf(topic, form).payload));
    assertEquals(bare, wrapped);
  }
});

Deno.test("identify() gives the same key where a node leaves out what others send", () => {
  for (
    const [topic, ...path] of [
      ["head", "execution_optimistic"],
      ["chain_reorg", "epoch"],
      ["data_column_sidecar", "kzg_commitments"],
      ["payload_attributes", "data", "parent_block_number"],
    ]
  ) {
    const { payload } = exampleOf(topic!);
    assertEquals(
      keyOf(topic!, without(payload, path)),
      keyOf(topic!, payload),
    );
  }
});

Deno.test("identify() separates confirmations with and without the current slot", () => {
  const { payload } = exampleOf("fast_confirmation");
  assertNotEquals(
    keyOf("fast_confirmation", without(payload, ["current_slot"])),
    keyOf("fast_confirmation", payload),
  );
});

Deno.test("identify() separates aggregates of one committee and of another", () => {
  const { payload } = exampleOf("attestation");
  assertNotEquals(
    keyOf("attestation", without(payload, ["committee_bits"])),
    keyOf("attestation", payload),
  );
});

Deno.test("identify() stays short for the largest slashing", () => {
  const { topic, payload } = exampleOf("attester_slashing");
  const indices = Array.from({ length: 131072 }, (_, index) => String(index));
  const large = replaced(
    payload,
    ["attestation_1", "attesting_indices"],
    indices,
  );
  const identity = keyOf(topic, large);
  assert(identity.length < 520);
  const other = replaced(
    large,
    ["attestation_1", "attesting_indices", "70000"],
    "70001",
  );
  assertNotEquals(keyOf(topic, other), identity);
});

Deno.test("identify() takes the text of an event of an unknown topic, whatever its name", () => {
  for (
    const topic of ["weather_forecast", "__proto__", "constructor", "a\nb"]
  ) {
    const keys = ['{"slot":1}', '{"slot":2}', "null", "5"].map((raw) =>
      keyOf(topic, raw)
    );
    assertEquals(new Set(keys).size, 4);
    assertEquals(keyOf(topic, "5"), keys[3]);
    assert(keys.every((key) => /^[\x21-\x7e]{1,100}$/.test(key)), keys[0]);
  }
});

Deno.test("identify() takes the text of an event whose payload is malformed and was not parsed", () => {
  const reader = new BeaconEventReader({
    node: new NodeEndpoint("http://a"),
    now: () => 0,
    needsData: () => false,
  });
  const events = ["{", "{}"].map((data) =>
    reader.read([{ type: "block", data, lastEventId: "" }])[0]!
  ) as BeaconEvent<string>[];
  const keys = events.map((event) => identify(event).key);
  assert(keys.every((key) => key.startsWith("block/")) && keys[0] !== keys[1]);
});

Deno.test("identify() gives a later stage to the verified report of an optimistic event", () => {
  for (
    const [topic, ...path] of [
      ["head", "execution_optimistic"],
      ["head_v2", "data", "execution_optimistic"],
      ["block", "execution_optimistic"],
      ["chain_reorg", "execution_optimistic"],
      ["finalized_checkpoint", "execution_optimistic"],
    ] as const
  ) {
    const { payload } = exampleOf(topic);
    const optimistic = eventOf(topic, replaced(payload, path, true));
    const verified = eventOf(topic, replaced(payload, path, false));
    assert(isOptimistic(optimistic) && !isOptimistic(verified));
    assert(identify(optimistic).stage < identify(verified).stage);
    assertEquals(identify(optimistic).key, identify(verified).key);
    assertNotEquals(eventIdentity(optimistic), eventIdentity(verified));
  }
});

Deno.test("identify() gives a later stage to a head_v2 whose payload is known better", () => {
  const { payload } = exampleOf("head_v2");
  const stages = [true, false].flatMap((optimistic) =>
    ["pending", "empty", "full"].map((status) => {
      const data = replaced(payload, ["data", "payload_status"], status);
      const path = ["data", "execution_optimistic"];
      return identify(eventOf("head_v2", replaced(data, path, optimistic)))
        .stage;
    })
  );
  assertEquals(stages, [0, 1, 2, 3, 4, 5]);
});

Deno.test("identify() separates events whose unknown members differ", () => {
  for (const { topic, payload } of TOPIC_EXAMPLES) {
    const [one, other, without] = ["1", "2", undefined].map((new_member) =>
      identify(eventOf(topic, { ...payload as object, new_member }))
    );
    assertEquals(one!.key, other!.key, topic);
    assertNotEquals(one!.extra, other!.extra, topic);
    assertEquals(without!.extra, "", topic);
  }
});

Deno.test("identify() finds unknown members at any depth, in any order", () => {
  const { payload } = exampleOf("payload_attributes", "of electra");
  const path = ["data", "payload_attributes", "withdrawals", "0", "new_member"];
  const extras = [{ a: 1, b: [2] }, { b: [2], a: 1 }, { a: 1, b: [3] }, "0x"]
    .map((value) =>
      identify(eventOf("payload_attributes", replaced(payload, path, value)))
        .extra
    );
  assertEquals(extras[0], extras[1]);
  assertEquals(new Set(["", ...extras]).size, 4);
});

Deno.test("identify() survives unknown members that are nested deep", () => {
  const deep = "[".repeat(200_000) + "]".repeat(200_000);
  const raw = `{"slot":"1","block":"0x${"ab".repeat(32)}","x":${deep}}`;
  assert(identify(eventOf("block", raw)).extra.length < 50);
});

Deno.test("eventIdentity() is one short line of ASCII for every topic", () => {
  for (const { topic, payload } of TOPIC_EXAMPLES) {
    const identity = eventIdentity(eventOf(topic, payload));
    assert(/^[\x21-\x7e]{1,600}$/.test(identity), identity);
    assert(identity.startsWith(`${topic}/`), identity);
  }
});

function keyOf(topic: string, payload: unknown): string {
  return identify(eventOf(topic, payload)).key;
}

function eventOf(topic: string, payload: unknown): BeaconEvent<string> {
  const raw = typeof payload === "string" ? payload : JSON.stringify(payload);
  const data = parseEventData(topic, raw);
  return { topic, data, raw, node: "a", receivedAt: 0 };
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
