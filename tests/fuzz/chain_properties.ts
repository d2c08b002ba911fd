/** Nodes on a wrong chain are left out, and a chain that all nodes begin is followed from its beginning. */

import type { BeaconEvent } from "@org/beacon-sse";
import type { SimulatedBlock } from "@org/beacon-sse/testing";
import type { Report } from "./properties.ts";
import { QUIET_MINUTES } from "./random_schedule.ts";
import type { Run } from "./run_schedule.ts";

/** Whether more than one chain is there in a run. */
export function isAboutChains({ schedule }: Run): boolean {
  return schedule.newChainAt !== undefined ||
    schedule.nodes.some(({ isWrong }) => isWrong);
}

/** Checks which chain is followed, and that nothing of another one is delivered. */
export function checkChains(run: Run, report: Report): void {
  const { nodes, events, statuses, schedule, startedAt } = run;
  const wrong = nodes.filter(({ plan }) => plan.isWrong);
  for (const { name } of wrong) {
    const snapshot = run.snapshots.find((snapshot) => snapshot.name === name);
    if (snapshot?.state !== "wrong_chain") {
      report("chain", `${name} is ${snapshot?.state}, and on a wrong chain`);
    }
    const event = events.received.find(({ value }) => value.node === name);
    if (event) report("chain", `${name}, on a wrong chain: ${event.value.raw}`);
  }
  const changes = statuses.received.filter(({ value }) =>
    value.type === "chain"
  );
  const { newChainAt } = schedule;
  if (newChainAt === undefined) {
    if (changes.length > 0) {
      report("chain", `changed without need at ${changes[0]!.at}`);
    }
    return;
  }
  const [first] = changes;
  if (changes.length !== 1) {
    const times = changes.map(({ at }) => at).join(", ");
    report("chain", `must change once, changed at ${times || "no time"}`);
  }
  if (!first) return;
  const latest = startedAt + newChainAt + QUIET_MINUTES * 60_000;
  if (first.at < startedAt + newChainAt || first.at > latest) {
    report(
      "chain",
      `began at ${startedAt + newChainAt}, changed at ${first.at}`,
    );
  }
  const right = nodes.find(({ plan }) => !plan.isWrong)!;
  const genesis = genesisOf(run, right.node.head);
  for (const { value, at } of events.received) {
    if (at < first.at) continue;
    const root = (value as BeaconEvent<"block">).data.block;
    const block = run.tree.get(root);
    if (block && genesisOf(run, block) !== genesis) {
      report("chain", `of the chain before, at ${at}: ${value.raw}`);
    }
  }
  const delivered = events.received.some(({ value, at }) =>
    at > first.at && value.topic === "head"
  );
  if (!delivered) report("chain", "no head of the new chain was delivered");
}

/** The oldest block that is known below a block. */
function genesisOf({ tree }: Run, block: SimulatedBlock): SimulatedBlock {
  return tree.ancestorAt(block, 0);
}
