/**
 * Which nodes are of use for a request, how far away each is, and what software it runs. Once per
 * slot each node is requested for its sync state.
 */

import { delay } from "@std/async/delay";
import { requestJson } from "../../beacon/http/request.ts";
import { withDeadline } from "../../beacon/http/with_deadline.ts";
import { type NodeSyncing, probeNode } from "../../beacon/api/syncing.ts";
import type {
  ListenerAccess,
  NodeAccess,
} from "../../listener/listener_access.ts";

/** What is known of a node besides the listener's snapshot. */
export interface NodeHealth {
  /** Shortest of the last round trips, in milliseconds; `undefined` if the last request failed. */
  rttMs: number | undefined;
  /** Name and version of its software. */
  client: string | undefined;
  /** Its sync state. */
  syncing: NodeSyncing | undefined;
}

/** Options for {@linkcode NodeMonitor}. */
export interface NodeMonitorOptions {
  /** The nodes. */
  access: ListenerAccess;
  /** Length of a slot, in milliseconds. */
  slotDurationMs: () => number;
  /** Ends it when aborted. */
  signal: AbortSignal;
}

interface Record extends NodeHealth {
  trips: number[];
  clientAskedAt: number;
}

/** Watches the nodes until its signal aborts. */
export class NodeMonitor {
  readonly #options: NodeMonitorOptions;
  readonly #records = new Map<string, Record>();

  /** @param options The nodes, and the interval. */
  constructor(options: NodeMonitorOptions) {
    this.#options = options;
  }

  /** Runs until the signal aborts. Never rejects. */
  async run(): Promise<void> {
    const { access, slotDurationMs, signal } = this.#options;
    while (!signal.aborted) {
      const nodes = [...access.nodes()];
      const names = new Set(nodes.map(({ endpoint }) => endpoint.name));
      for (const name of this.#records.keys()) {
        if (!names.has(name)) this.#records.delete(name);
      }
      await Promise.all(nodes.map((node) => this.#check(node)));
      await delay(slotDurationMs(), { signal }).catch(() => {});
    }
  }

  /** What is known of a node. */
  healthOf(name: string): NodeHealth | undefined {
    return this.#records.get(name);
  }

  /** The nodes of the listener's chain, the best for a request first. */
  ranked(): NodeAccess[] {
    const nodes = [...this.#options.access.nodes()].map((node) => {
      const { name, state, headSlot = 0, syncing } = node.snapshot();
      const health = this.#records.get(name);
      const isSynced = !(health?.syncing ?? syncing)?.isSyncing;
      const answers = health?.rttMs !== undefined;
      return { node, state, headSlot, isSynced, answers };
    }).filter(({ state }) => state !== "wrong_chain" && state !== "closed");
    const best = Math.max(...nodes.map(({ headSlot }) => headSlot));
    const rank = ({ state, headSlot, isSynced, answers }: typeof nodes[0]) =>
      (answers ? 0 : 8) + (isSynced ? 0 : 4) +
      (state === "connected" ? 0 : 2) + (best - headSlot <= 1 ? 0 : 1);
    return nodes.sort((a, b) => rank(a) - rank(b)).map(({ node }) => node);
  }

  async #check({ endpoint }: NodeAccess): Promise<void> {
    const { access: { fetch, now }, slotDurationMs, signal } = this.#options;
    let record = this.#records.get(endpoint.name);
    if (record === undefined) {
      record = {
        rttMs: undefined,
        client: undefined,
        syncing: undefined,
        trips: [],
        clientAskedAt: -Infinity,
      };
      this.#records.set(endpoint.name, record);
    }
    const options = { fetch, signal };
    const timeoutMs = Math.min(MOST_PATIENCE_MS, slotDurationMs());
    const begin = performance.now();
    try {
      record.syncing = await probeNode(endpoint, timeoutMs, options);
      record.trips.push(performance.now() - begin);
      if (record.trips.length > TRIPS) record.trips.shift();
      record.rttMs = Math.min(...record.trips);
    } catch {
      record.rttMs = undefined;
      record.syncing = undefined;
      return;
    }
    if (now() - record.clientAskedAt < CLIENT_INTERVAL_MS) return;
    try {
      const answer = await withDeadline(
        (signal) =>
          requestJson(endpoint, "/eth/v1/node/version", { fetch, signal }),
        { timeoutMs, signal, describe: "Cannot read the version" },
      ) as { data?: { version?: unknown } } | null;
      const version = answer?.data?.version;
      if (typeof version !== "string") return;
      record.client = endpoint.show(version, 100);
      record.clientAskedAt = now();
    } catch {
      // Requested again with the next round.
    }
  }
}

const TRIPS = 8;
const MOST_PATIENCE_MS = 5000;
const CLIENT_INTERVAL_MS = 600_000;
