/** Checks a reorg of a simulated node against the headers that the node serves. */

import { assert, assertEquals } from "@std/assert";
import type { SimulatedBeaconNode } from "@org/beacon-sse/testing";
import { getJson } from "./still_node.ts";

/** Walks both branches by their headers and compares with the event. */
export async function assertTrueReorg(
  node: SimulatedBeaconNode,
  data: Record<string, string>,
): Promise<void> {
  const ancestors = async (root: string): Promise<Map<string, number>> => {
    const found = new Map<string, number>();
    while (found.size < 12) {
      const { header } =
        (await getJson(`${node.url}/eth/v1/beacon/headers/${root}`)).data;
      found.set(root, Number(header.message.slot));
      root = header.message.parent_root;
    }
    return found;
  };
  const oldBranch = await ancestors(data.old_head_block!);
  const newBranch = await ancestors(data.new_head_block!);
  assert(!newBranch.has(data.old_head_block!));
  const [, slot] = [...newBranch].find(([root]) => oldBranch.has(root))!;
  assertEquals(newBranch.get(data.new_head_block!), Number(data.slot));
  assertEquals(Number(data.depth), Number(data.slot) - slot);
  assertEquals(
    Number(data.epoch),
    Math.floor(Number(data.slot) / node.slotsPerEpoch),
  );
}
