/** The type of an event: the topic decides the type of the data. */

import { assert, assertEquals } from "@std/assert";
import type {
  BeaconEvent,
  TopicEvent,
} from "../../../src/beacon/events/beacon_event.ts";
import {
  isKnownTopic,
  type KnownTopic,
  type Topic,
} from "../../../src/beacon/events/topic.ts";
import type { ChainReorgEvent } from "../../../src/beacon/events/topics/chain.ts";
import type { HeadEvent } from "../../../src/beacon/events/topics/head.ts";
import type { Equal } from "./equal_types.ts";

const ROOT = `0x${"ab".repeat(32)}`;
const head: BeaconEvent = {
  topic: "head",
  data: {
    slot: 5,
    block: ROOT,
    state: ROOT,
    epoch_transition: false,
    previous_duty_dependent_root: ROOT,
    current_duty_dependent_root: ROOT,
    execution_optimistic: false,
  },
  raw: "{}",
  node: "a",
  receivedAt: 1_700_000_000_000,
  slot: 5,
};

Deno.test("BeaconEvent narrows its data by its topic", () => {
  const describe = (event: BeaconEvent): string => {
    switch (event.topic) {
      case "head": {
        const same: Equal<typeof event.data, HeadEvent> = true;
        return `${same} ${event.data.slot}`;
      }
      case "chain_reorg": {
        const same: Equal<typeof event.data, ChainReorgEvent> = true;
        return `${same} ${event.data.depth}`;
      }
      default:
        return event.topic;
    }
  };
  assertEquals(describe(head), "true 5");
});

Deno.test("BeaconEvent of some topics is an event of any one of them", () => {
  const same: Equal<
    BeaconEvent<"head" | "chain_reorg">,
    TopicEvent<"head"> | TopicEvent<"chain_reorg">
  > = true;
  const all: Equal<BeaconEvent["topic"], KnownTopic> = true;
  assert(same && all);
});

Deno.test("BeaconEvent of any topic takes a known one and has unknown data", () => {
  const event: BeaconEvent<Topic> = head;
  const unknown: Equal<BeaconEvent<string>["data"], unknown> = true;
  assert(unknown);
  assert(isKnownTopic(event.topic));
});

Deno.test("BeaconEvent cannot be changed", () => {
  const change = (event: BeaconEvent<"head">) => {
    // @ts-expect-error one event goes to many subscribers
    event.node = "b";
    // @ts-expect-error and so do its data
    event.data.slot = 6;
  };
  assertEquals(change.length, 1);
});

Deno.test("BeaconEvent has recovered true or no such member", () => {
  const recovered: BeaconEvent = { ...head, recovered: true };
  // @ts-expect-error false would be a third state
  const not: BeaconEvent = { ...head, recovered: false };
  assertEquals([recovered.recovered, not.recovered as unknown], [true, false]);
});
