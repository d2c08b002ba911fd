import { assertEquals, assertNotEquals } from "@std/assert";
import { type BeaconEvent, parseEventData } from "@org/beacon-sse";
import { MessageIds } from "../../src/nats/message_ids.ts";
import { root } from "./stage.ts";

function head(number: number): BeaconEvent<string> {
  const raw = JSON.stringify({
    slot: "9",
    block: root(number),
    state: root(0),
    epoch_transition: false,
    previous_duty_dependent_root: root(0),
    current_duty_dependent_root: root(0),
    execution_optimistic: false,
  });
  const data = parseEventData("head", raw);
  return { topic: "head", data, raw, node: "a", receivedAt: 1, slot: 9 };
}

Deno.test("MessageIds.of() gives a head that comes again behind another one a new id, and a repeat none", () => {
  const ids = new MessageIds();
  const [first, other, again, repeat] = [1, 2, 1, 1]
    .map((number) => ids.of(head(number)));
  assertNotEquals(first, other);
  assertEquals(again, `${first} #2`);
  assertEquals(repeat, again);
});

Deno.test("MessageIds.of() gives a malformed payload the id of its text", () => {
  const malformed = (raw: string) => {
    const event = {
      topic: "head",
      raw,
      node: "a",
      receivedAt: 1,
      get data() {
        return parseEventData("head", raw);
      },
    };
    return new MessageIds().of(event as BeaconEvent<string>);
  };
  assertEquals(malformed("{"), malformed("{"));
  assertNotEquals(malformed("{"), malformed("{{"));
});
