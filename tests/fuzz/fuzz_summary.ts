/** What happened in many runs, in numbers. */

import { mostConnectsPerMinute, type Violation } from "./properties.ts";
import type { Run } from "./run_schedule.ts";
import { arrivedFrom } from "./sent_events.ts";

/** Adds runs up. */
export class FuzzSummary {
  /** Runs. */
  runs = 0;
  /** Runs with a broken property. */
  broken = 0;
  readonly #startedAt = performance.now();
  #virtualMs = 0;
  #mostConnectsPerMinute = 0;
  readonly #counts = new Map<string, number>();
  readonly #faults = new Map<string, number>();
  readonly #habits = new Map<string, number>();
  readonly #disconnects = new Map<string, number>();
  readonly #gaps = new Map<string, number>();
  readonly #violations = new Map<string, number>();

  /** Adds a run. */
  add(run: Run, violations: readonly Violation[]): void {
    this.runs++;
    if (violations.length > 0) this.broken++;
    for (const { property } of violations) add(this.#violations, property);
    this.#virtualMs += run.closedAt - run.startedAt;
    for (const node of run.nodes) {
      for (const { fault } of node.plan.faults) add(this.#faults, fault.type);
      for (const { type } of node.plan.habits) add(this.#habits, type);
      add(this.#counts, "streams", node.tap.streams.length);
      const most = mostConnectsPerMinute(node);
      this.#mostConnectsPerMinute = Math.max(this.#mostConnectsPerMinute, most);
      for (const { frame, isInDoubt } of arrivedFrom(run, node)) {
        add(this.#counts, frame.kind);
        if (isInDoubt) add(this.#counts, "in doubt");
      }
    }
    for (const { value } of run.events.received) {
      add(
        this.#counts,
        value.recovered ? `recovered ${value.topic}` : "delivered",
      );
    }
    add(this.#counts, "dropped", run.events.dropped + run.slowEvents.dropped);
    for (const { value } of run.slowReorgs.received) {
      add(this.#counts, "merged", value.merged ?? 0);
    }
    for (const { value } of run.reorgs.received) {
      add(this.#counts, value.recovered ? "recovered reorgs" : "reorgs");
    }
    for (const { name, value } of run.samples) {
      if (name.endsWith("sse_suppressed_total")) {
        add(this.#counts, "suppressed", value);
      }
    }
    for (const { value: status } of run.statuses.received) {
      if (status.type === "gap") add(this.#gaps, status.kind);
      else if (status.type === "disconnected") {
        add(this.#disconnects, status.reason);
      } else add(this.#counts, `status ${status.type}`);
    }
  }

  /** The numbers, a line for each group. */
  toString(): string {
    const seconds = (performance.now() - this.#startedAt) / 1000;
    const count = (name: string) => this.#counts.get(name) ?? 0;
    const lines = [
      `${this.runs} runs, ${
        (this.#virtualMs / 3_600_000).toFixed(0)
      } virtual hours in ${seconds.toFixed(0)} s`,
      `events that arrived: ${count("valid")} valid, ${
        count("malformed")
      } malformed, ${count("oversize")} oversize, ${
        count("in doubt")
      } of them in the moment of a reset`,
      `delivered ${count("delivered")}, suppressed ${
        count("suppressed")
      } (delivered before), dropped ${count("dropped")} (slow subscribers)`,
      `reorgs ${count("reorgs")}, recovered ${
        count("recovered reorgs")
      }, merged ${count("merged")}`,
      `recovered: ${count("recovered block")} blocks, ${
        count("recovered head")
      } heads, ${count("recovered chain_reorg")} chain_reorgs; gaps: ${
        list(this.#gaps)
      }`,
      `event streams ${
        count("streams")
      }, at most ${this.#mostConnectsPerMinute} a minute; connected ${
        count("status connected")
      }; disconnects: ${list(this.#disconnects)}`,
      `faults: ${list(this.#faults)}`,
      `habits of nodes: ${list(this.#habits)}`,
      `runs with a broken property: ${this.broken}${
        this.broken === 0 ? "" : `; ${list(this.#violations)}`
      }`,
    ];
    return lines.join("\n");
  }
}

function add(counts: Map<string, number>, name: string, amount = 1): void {
  counts.set(name, (counts.get(name) ?? 0) + amount);
}

function list(counts: ReadonlyMap<string, number>): string {
  const sorted = [...counts].sort(([, one], [, other]) => other - one);
  return sorted.map(([name, count]) => `${name} ${count}`).join(", ") || "none";
}
