/** Takes out of a failing schedule whatever it fails without. */

import { checkRun } from "./properties.ts";
import type { Fault, NodePlan, Schedule } from "./random_schedule.ts";
import { runSchedule } from "./run_schedule.ts";

/**
 * Makes a schedule as plain as it can be and still break a property.
 *
 * @param schedule A schedule that breaks it.
 * @param property Name of the property.
 * @param mostRuns How many runs it may take.
 */
export async function minimise(
  schedule: Schedule,
  property: string,
  mostRuns = 400,
): Promise<Schedule> {
  let smallest = schedule;
  let runs = 0;
  for (let isSmaller = true; isSmaller && runs < mostRuns;) {
    isSmaller = false;
    for (const candidate of plainer(smallest)) {
      if (++runs > mostRuns) break;
      const violations = checkRun(await runSchedule(candidate));
      if (!violations.some((violation) => violation.property === property)) {
        continue;
      }
      smallest = candidate;
      isSmaller = true;
      break;
    }
  }
  return smallest;
}

/** A node without habits. */
const PLAIN: Omit<NodePlan, "faults"> = {
  lagMs: 0,
  latencyMs: 5,
  lineEnd: "\n",
  space: " ",
  hasBom: false,
  isOdd: false,
  keepAliveMs: 15_000,
  isLateWithHeaders: false,
  isRude: false,
  forgetsOrphans: false,
  cutShare: 0,
  unsupported: [],
  refusal: "names",
  commas: "list",
  forks: [],
};

/** Schedules that differ by one thing less. */
function* plainer(schedule: Schedule): Generator<Schedule> {
  const { nodes, chain } = schedule;
  if (nodes.length > 1) {
    for (const node of nodes) {
      yield {
        ...schedule,
        nodes: nodes.filter((other) => other !== node),
      };
    }
  }
  for (const [index, node] of nodes.entries()) {
    const withNode = (changes: Partial<NodePlan>): Schedule => ({
      ...schedule,
      nodes: nodes.with(index, { ...node, ...changes }),
    });
    for (const faults of fewer(node.faults)) yield withNode({ faults });
    for (const [habit, value] of Object.entries(PLAIN)) {
      const same =
        JSON.stringify(node[habit as keyof NodePlan]) === JSON.stringify(value);
      if (!same) yield withNode({ [habit]: value });
    }
  }
  for (
    let length = chain.length;
    length >= 1;
    length = Math.floor(length / 2)
  ) {
    for (let from = 0; from < chain.length; from += length) {
      const part = chain.slice(from, from + length);
      if (part.every((back) => back === 0)) continue;
      const plain = chain.map((back, slot) =>
        slot >= from && slot < from + length ? 0 : back
      );
      yield { ...schedule, chain: plain };
    }
  }
}

/** Halves first, then all but one. */
function* fewer(faults: readonly Fault[]): Generator<Fault[]> {
  if (faults.length > 3) {
    const half = faults.length >> 1;
    yield faults.slice(0, half);
    yield faults.slice(half);
  }
  for (const fault of faults) yield faults.filter((other) => other !== fault);
}
