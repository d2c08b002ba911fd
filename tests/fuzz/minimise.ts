/** Takes out of a failing schedule whatever it fails without. */

import { checkRun } from "./properties.ts";
import type { Schedule } from "./random_schedule.ts";
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

/** Schedules that differ by one thing less. */
function* plainer(schedule: Schedule): Generator<Schedule> {
  const { nodes } = schedule;
  if (nodes.length > 1) {
    for (const node of nodes) {
      const others = nodes.filter((other) => other !== node);
      if (others.every(({ joinsAt }) => joinsAt !== undefined)) continue;
      yield { ...schedule, nodes: others };
    }
  }
  for (const [index, node] of nodes.entries()) {
    const changed = (changes: Partial<typeof node>): Schedule => ({
      ...schedule,
      nodes: nodes.with(index, { ...node, ...changes }),
    });
    for (const faults of fewer(node.faults)) yield changed({ faults });
    for (const habits of fewer(node.habits)) yield changed({ habits });
    if (node.lagMs > 0) yield changed({ lagMs: 0 });
    const { joinsAt: _joins, leavesAt: _leaves, ...constant } = node;
    if (_joins ?? _leaves) {
      yield { ...schedule, nodes: nodes.with(index, constant) };
    }
  }
  if (schedule.reorgRate > 0) yield { ...schedule, reorgRate: 0 };
  if (schedule.emptySlotRate > 0) yield { ...schedule, emptySlotRate: 0 };
  const minutes = Math.floor(schedule.minutes / 2);
  if (minutes > 0) yield { ...schedule, minutes };
}

/** Halves first, then all but one. */
function* fewer<T>(things: readonly T[]): Generator<T[]> {
  if (things.length > 3) {
    const half = things.length >> 1;
    yield things.slice(0, half);
    yield things.slice(half);
  }
  for (const thing of things) yield things.filter((other) => other !== thing);
}
