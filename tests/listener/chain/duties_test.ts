import { assertEquals } from "@std/assert";
import { DutiesTracker } from "../../../src/listener/chain/duties.ts";
import { listen, take } from "../helpers.ts";
import { frame, head, nodeSending, root } from "../scripted_node.ts";

const A = root(0xa);
const B = root(0xb);
const C = root(0xc);

interface ReportedHead {
  node?: number;
  epoch: number;
  ofEpoch: string;
  ofNextEpoch: string;
  left?: string;
}

/** The changes that these heads make, in order. */
function changes(...heads: ReportedHead[]) {
  const tracker = new DutiesTracker();
  const own = [0, 1, 2].map(() => new Map<number, string>());
  return heads.flatMap(({ node = 0, epoch, ofEpoch, ofNextEpoch, left }) =>
    tracker.onHead({
      node: `node ${node}`,
      own: own[node]!,
      epoch,
      head: { slot: epoch * 32, ofEpoch, ofNextEpoch },
      left,
    }).map(({ epoch, dependentRoot, previousRoot, node }) => [
      epoch,
      previousRoot,
      dependentRoot,
      node,
    ])
  );
}

function heads(
  ...reports: [
    node: number,
    epoch: number,
    ofEpoch: string,
    ofNextEpoch: string,
  ][]
) {
  return changes(
    ...reports.map(([node, epoch, ofEpoch, ofNextEpoch]) => ({
      node,
      epoch,
      ofEpoch,
      ofNextEpoch,
    })),
  );
}

Deno.test("DutiesTracker.onHead() reports nothing while roots stay, nor for an epoch that is new", () => {
  assertEquals(
    heads([0, 3, A, B], [0, 3, A, B], [0, 4, B, C], [0, 4, B, C]),
    [],
  );
});

Deno.test("DutiesTracker.onHead() reports each epoch whose root changed", () => {
  assertEquals(heads([0, 3, A, B], [0, 3, A, C]), [[4, B, C, "node 0"]]);
  assertEquals(heads([0, 3, A, B], [0, 3, B, C]), [[3, A, B, "node 0"], [
    4,
    B,
    C,
    "node 0",
  ]]);
});

Deno.test("DutiesTracker.onHead() reports a root of the next epoch that is another one when it comes", () => {
  assertEquals(heads([0, 3, A, B], [0, 4, C, A]), [[4, B, C, "node 0"]]);
});

Deno.test("DutiesTracker.onHead() reports a change once, whichever node is first", () => {
  assertEquals(
    heads([0, 3, A, B], [1, 3, A, B], [1, 3, A, C], [0, 3, A, C], [2, 3, A, C]),
    [[4, B, C, "node 1"]],
  );
});

Deno.test("DutiesTracker.onHead() reports a disagreement once, not with every head", () => {
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

Deno.test("DutiesTracker.onHead() takes zeros for a root that is not known", () => {
  const zero = `0x${"0".repeat(64)}`;
  assertEquals(
    heads([0, 0, zero, zero], [1, 0, A, A], [0, 1, zero, A], [1, 1, A, A]),
    [],
  );
});

Deno.test("DutiesTracker.onHead() reports once that a block was left on which the next epoch depended", () => {
  const head = { epoch: 3, ofEpoch: A, ofNextEpoch: B };
  assertEquals(changes({ ...head, left: C }, { ...head, node: 1, left: C }), [
    [4, C, B, "node 0"],
  ]);
  assertEquals(changes(head, { ...head, left: C }, { ...head, node: 1 }), [
    [4, C, B, "node 0"],
  ]);
});

for (const topic of ["head", "head_v2"] as const) {
  Deno.test(`SseListener.duties() yields changes that ${topic} events show`, async () => {
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
    await using node = nodeSending(
      frame(topic, payload(98, 7)),
      frame(topic, payload(99, 8)),
    );
    await using listener = await listen([node], { topics: [topic] });
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
