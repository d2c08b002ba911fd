/** `/api/nodes` and `/api/race`, which the page reads. */

import type { RaceRecord } from "../listener/race/race_tracker.ts";
import type { SlotClock } from "../beacon/slot_clock.ts";
import type { ListenerAccess } from "../listener/listener_access.ts";
import { type Answer, apiError, type GatewayRequest, json } from "./answer.ts";
import type { NodeMonitor } from "./nodes/node_monitor.ts";

/** Options for {@linkcode Api}. */
export interface ApiOptions {
  /** The nodes, and the wall clock. */
  access: Pick<ListenerAccess, "nodes" | "openRaces" | "now">;
  /** What is known of the nodes besides. */
  monitor: Pick<NodeMonitor, "healthOf">;
  /** The slot clock, once it is known. */
  clock: () => SlotClock | undefined;
}

/** Answers with the state of the nodes, and keeps the comparisons of the last four epochs. */
export class Api {
  readonly #options: ApiOptions;
  #races: { record: RaceRecord; lastAt: number }[] = [];

  /** @param options Where the state is. */
  constructor(options: ApiOptions) {
    this.#options = options;
  }

  /** Keeps a comparison. */
  add(record: RaceRecord): void {
    this.#races.push({ record, lastAt: lastArrival(record) });
    const { slotsPerEpoch = 32 } = this.#options.clock() ?? {};
    const oldest = record.slot - EPOCHS * slotsPerEpoch;
    while (
      this.#races.length > MOST_RACES || this.#races[0]!.record.slot < oldest
    ) this.#races.shift();
  }

  /** `GET /api/nodes`. */
  nodes(): Answer {
    const { now } = this.#options.access;
    const clock = this.#options.clock();
    const slot = clock?.slotAt(now()) ?? 0;
    return json({
      now: now(),
      config: clock === undefined ? null : {
        genesisTime: clock.genesisTime,
        slotDurationMs: clock.slotDurationMs(slot),
        slotsPerEpoch: clock.slotsPerEpoch,
        attestationDueMs: clock.attestationDueMs(slot),
        // In all forks so far aggregates are due after twice that time.
        aggregateDueMs: 2 * clock.attestationDueMs(slot),
      },
      nodes: this.nodeStates(),
    });
  }

  /** The nodes as JSON. Of an error only the message, which holds no credentials. */
  nodeStates(): object[] {
    const { access, monitor } = this.#options;
    return Array.from(access.nodes(), (node) => {
      const { lastError, ...snapshot } = node.snapshot();
      const { client = null, rttMs = null } = monitor.healthOf(snapshot.name) ??
        {};
      let gaps = 0;
      for (const count of node.gaps.values()) gaps += count;
      return {
        ...snapshot,
        gaps,
        lastError: lastError?.message ?? null,
        client,
        rttMs,
      };
    });
  }

  /** `GET /api/race`: complete comparisons, and those that wait for more reports; with `?since=` milliseconds only what has come later. */
  race({ url }: Pick<GatewayRequest, "url">): Answer {
    const since = url.searchParams.get("since") ?? "0";
    if (!/^\d{1,15}$/.test(since)) {
      return apiError(400, "Invalid since: must be milliseconds");
    }
    const open = this.#options.access.openRaces();
    const records = [
      ...this.#races,
      ...open.map((record) => ({ record, lastAt: lastArrival(record) })),
    ].filter(({ lastAt }) => lastAt > Number(since))
      .map(({ record }) =>
        // One kind of head, whatever the nodes call it.
        record.topic === "head_v2" ? { ...record, topic: "head" } : record
      );
    return json({ records });
  }
}

function lastArrival({ firstAt, lags }: RaceRecord): number {
  return firstAt + Math.max(...Object.values(lags));
}

const EPOCHS = 4;
const MOST_RACES = 4096;
