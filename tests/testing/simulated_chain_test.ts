import {
  assert,
  assertEquals,
  assertMatch,
  assertNotEquals,
  assertThrows,
} from "@std/assert";
import { SimulatedChain } from "../../src/testing/chain/simulated_chain.ts";

/** A chain with a block in each of these slots, the last one being the head. */
function chainOf(slots: Iterable<number>, seed = 1): SimulatedChain {
  const chain = new SimulatedChain({ seed, slotsPerEpoch: 4 });
  for (const slot of slots) chain.setHead(chain.add(slot, chain.head));
  return chain;
}

/** The integers from one to another, both included. */
function range(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, i) => from + i);
}

Deno.test("SimulatedChain() derives the same chain from the same seed", () => {
  const [one, same, other] = [
    chainOf([1, 2, 4]),
    chainOf([1, 2, 4]),
    chainOf([1, 2, 4], 2),
  ];
  assertEquals(one.blocks(), same.blocks());
  assertNotEquals(one.head.root, other.head.root);
  assertNotEquals(one.genesis.root, other.genesis.root);
  assertMatch(one.head.root, /^0x[0-9a-f]{64}$/);
});

Deno.test("SimulatedChain() makes a root depend on all ancestors", () => {
  const [one, other] = [chainOf([1, 2, 3, 4]), chainOf([2, 3, 4])];
  assertNotEquals(one.head.root, other.head.root);
  assertNotEquals(one.head.stateRoot, other.head.stateRoot);
});

Deno.test("SimulatedChain() gives siblings in the same slot different roots", () => {
  const chain = chainOf([1]);
  const twins = [chain.add(2, chain.head), chain.add(2, chain.head)];
  assertNotEquals(twins[0]?.root, twins[1]?.root);
  assertEquals(chain.blocksAt(2), twins);
});

Deno.test("SimulatedChain().setHead() returns a reorg with its common ancestor", () => {
  const chain = chainOf([1, 2, 3, 5]);
  const oldHead = chain.head;
  const commonAncestor = chain.canonicalAt(2)!;
  const newHead = chain.add(6, chain.add(4, commonAncestor));
  const { reorg, epochTransition } = chain.setHead(newHead);
  assertEquals(reorg, {
    slot: 6,
    depth: 4,
    epoch: 1,
    oldHead,
    newHead,
    commonAncestor,
  });
  assertEquals(epochTransition, false);
  assertEquals(chain.isCanonical(oldHead), false);
  assertEquals(chain.canonicalAt(3), undefined);
  assertEquals(chain.canonicalAt(4)?.root, newHead.parentRoot);
  assertEquals(
    chain.byRoot(oldHead.root.toUpperCase().replace("0X", "0x")),
    oldHead,
  );
});

Deno.test("SimulatedChain().setHead() returns no reorg when the head is extended", () => {
  const chain = chainOf([1, 2, 3]);
  const change = chain.setHead(chain.add(4, chain.head));
  assertEquals(change, {
    epochTransition: true,
    reorg: undefined,
    finalized: undefined,
  });
});

Deno.test("SimulatedChain().setHead() finalizes two epochs behind, with the block at the epoch's start", () => {
  const chain = chainOf([1, 2, 3, 5, 6, 7, 8, 9]);
  assertEquals(chain.finalized, { epoch: 0, block: chain.genesis });
  const { finalized } = chain.setHead(chain.add(12, chain.head));
  // Slot 4 is empty: the checkpoint of epoch 1 is the block of slot 3.
  assertEquals(finalized, { epoch: 1, block: chain.canonicalAt(3)! });
  assertEquals(chain.finalized, finalized);
});

Deno.test("SimulatedChain().dependentRoot() is the last block before the epoch on the block's branch", () => {
  const chain = chainOf([1, 2, 3, 4, 5, 6, 8]);
  const { head, genesis } = chain;
  // Slot 7 is empty: epoch 2 depends on the block of slot 6.
  assertEquals(chain.dependentRoot(head, 2), chain.canonicalAt(6)?.root);
  assertEquals(chain.dependentRoot(head, 1), chain.canonicalAt(3)?.root);
  assertEquals(chain.dependentRoot(head, 0), genesis.root);
  assertEquals(chain.dependentRoot(head, -1), genesis.root);
  const fork = chain.add(9, chain.canonicalAt(5)!);
  assertEquals(chain.dependentRoot(fork, 2), chain.canonicalAt(5)?.root);
});

Deno.test("SimulatedChain().add() refuses a block that is not after its parent, or below finality", () => {
  const chain = chainOf(range(1, 12));
  assertThrows(() => chain.add(12, chain.head), RangeError, "slot");
  assertThrows(
    () => chain.add(13, chain.canonicalAt(3)!),
    RangeError,
    "finalized",
  );
  const abandoned = chainOf([1]).head;
  assertEquals(chain.add(13, chain.canonicalAt(4)!).slot, 13);
  assertThrows(() => chain.add(13, abandoned), RangeError, "finalized");
});

Deno.test("SimulatedChain() forgets old blocks but not genesis", () => {
  const chain = chainOf(range(1, 2_000));
  const kept = chain.blocks();
  assert(kept.length < 40 * 4, `${kept.length} blocks`);
  assertEquals(kept[0], chain.genesis);
  assertEquals(chain.canonicalAt(0), chain.genesis);
  assertEquals(chain.isCanonical(chain.genesis), true);
  assertEquals(chain.canonicalAt(10), undefined);
  assertEquals(chain.canonicalAt(1_900)?.slot, 1_900);
});

Deno.test("SimulatedChain() starts from an anchor where genesis is too far away", () => {
  const chain = new SimulatedChain({
    seed: 1,
    slotsPerEpoch: 4,
    anchorSlot: 400,
  });
  const same = chainOf([]);
  assertEquals(chain.genesis, same.genesis);
  assertEquals([chain.head.slot, chain.finalized.epoch], [400, 100]);
  const head = chain.add(401, chain.head);
  assertEquals(chain.setHead(head).reorg, undefined);
  assertEquals(chain.ancestorAt(head, 3).slot, 400);
});
