import { assertEquals } from "@std/assert";
import { SseListener } from "@org/beacon-sse";
import { DutiesTracker } from "../../../src/listener/chain/duties.ts";
import { configAtSlot, take } from "../helpers.ts";
import {
  frame,
  head,
  openStream,
  root,
  ScriptedNode,
} from "../scripted_node.ts";

const A = root(0xa);
const B = root(0xb);
const C = root(0xc);

function heads(
  ...said: [node: number, epoch: number, ofEpoch: string, ofNextEpoch: string][]
) {
  const tracker = new DutiesTracker();
  return said.flatMap(([node, epoch, ofEpoch, ofNextEpoch]) =>
    tracker.onHead(`node ${node}`, epoch, {
      slot: epoch * 32,
      ofEpoch,
      ofNextEpoch,
    })
      .map((
        { epoch, dependentRoot, previousRoot, node },
      ) => [epoch, previousRoot, dependentRoot, node])
  );
}

Deno.test("DutiesTracker.onHead() says nothing while roots stay, and of an epoch that is new", () => {
  assertEquals(
    heads([0, 3, A, B], [0, 3, A, B], [0, 4, B, C], [0, 4, B, C]),
    [],
  );
});

Deno.test("DutiesTracker.onHead() tells of each epoch whose root changed", () => {
  assertEquals(heads([0, 3, A, B], [0, 3, A, C]), [[4, B, C, "node 0"]]);
  assertEquals(heads([0, 3, A, B], [0, 3, B, C]), [[3, A, B, "node 0"], [
    4,
    B,
    C,
    "node 0",
  ]]);
});

Deno.test("DutiesTracker.onHead() tells of a root of the next epoch that is another one when it comes", () => {
  assertEquals(heads([0, 3, A, B], [0, 4, C, A]), [[4, B, C, "node 0"]]);
});

Deno.test("DutiesTracker.onHead() tells a change once, whichever node is first", () => {
  assertEquals(
    heads([0, 3, A, B], [1, 3, A, B], [1, 3, A, C], [0, 3, A, C], [2, 3, A, C]),
    [[4, B, C, "node 1"]],
  );
});

Deno.test("DutiesTracker.onHead() tells a disagreement once, not with every head", () => {
  assertEquals(
    heads([0, 3, A, B], [1, 3, A, C], [0, 3, A, B], [1, 3, A, C], [0, 3, A, B]),
    [[4, B, C, "node 1"]],
  );
});

Deno.test("DutiesTracker.onHead() remembers a bounded number of epochs", () => {
  const epochs = Array.from(
    { length: 1000 },
    (_, epoch): [number, number, string, string] => [0, epoch, A, A],
  );
  assertEquals(heads(...epochs, [0, 0, B, B]), []);
});

for (const topic of ["head", "head_v2"] as const) {
  Deno.test(`SseListener.duties() tells of changes that ${topic} events show`, async () => {
    const payload = (slot: number, next: number) => {
      const {
        previous_duty_dependent_root,
        current_duty_dependent_root,
        ...data
      } = head(slot, {
        current_duty_dependent_root: root(next),
      });
      if (topic === "head") {
        return head(slot, { current_duty_dependent_root: root(next) });
      }
      return {
        version: "gloas",
        data: {
          ...data,
          payload_status: "full",
          current_epoch_dependent_root: previous_duty_dependent_root,
          next_epoch_dependent_root: current_duty_dependent_root,
        },
      };
    };
    await using node = new ScriptedNode({
      events: () =>
        openStream(frame(topic, payload(98, 7)), frame(topic, payload(99, 8))),
    });
    await using listener = await SseListener.start({
      config: configAtSlot(100),
      topics: [topic],
      nodes: [node.url],
    });
    const [change] = await take(listener.duties(), 1);
    assertEquals(change, {
      epoch: 4,
      dependentRoot: root(8),
      previousRoot: root(7),
      slot: 99,
      node: node.url,
    });
  });
}
