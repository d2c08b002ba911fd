import { assertEquals } from "@std/assert";
import { nearest } from "../../src/values/nearest.ts";

const TOPICS = ["head", "head_v2", "block", "block_gossip", "chain_reorg"];

for (
  const [name, meant] of [
    ["hed", "head"],
    ["HEAD", "head"],
    ["chain-reorg", "chain_reorg"],
    ["blocks", "block"],
    ["attestation", undefined],
    ["", undefined],
  ] as const
) {
  Deno.test(`nearest() takes "${name}" for ${meant}`, () => {
    assertEquals(nearest(name, TOPICS), meant);
  });
}
