/** What the nodes of a run sent, as seen from where it arrived. */

import type { ConnectedStatus } from "@org/beacon-sse";
import type { Frame } from "./frames.ts";
import type { Run } from "./run_schedule.ts";
import type { SentFrame, VirtualConnection } from "./virtual_connection.ts";
import type { VirtualNode } from "./virtual_node.ts";

/** A frame that arrived. */
export interface Arrived extends SentFrame {
  /** When, Unix time in milliseconds. */
  arrivedAt: number;
  /** On which stream. */
  connection: VirtualConnection;
}

/** How many, at least and at most: what broke off with its stream in one moment may be lost. */
export type Range = readonly [low: number, high: number];

/**
 * The streams that the listener listened on. Those on which it only tried whether a topic is taken
 * have no status "connected".
 */
export function listenedTo(run: Run, node: VirtualNode): VirtualConnection[] {
  const connected = run.statuses.received
    .map(({ value }) => value)
    .filter((status): status is ConnectedStatus =>
      status.type === "connected" && status.node === node.name
    );
  // A stream that only shows whether the node takes a list comes behind the one that is listened to.
  const listened = connected.map(({ at, topics }) =>
    node.connections.find((connection) =>
      connection.headersAt === at &&
      connection.topics.join() === topics.join()
    )
  );
  return node.connections.filter((connection) => listened.includes(connection));
}

/** What arrived of a node, in order. */
export function arrivedFrom(run: Run, node: VirtualNode): Arrived[] {
  return listenedTo(run, node).flatMap((connection) =>
    connection.sent
      .filter(({ arrivedAt }) => arrivedAt !== undefined)
      .map((sent) => ({ ...sent, connection }) as Arrived)
  );
}

/** How many of the frames are of a kind. */
export function rangeOf(
  arrived: readonly Arrived[],
  kind: Frame["kind"],
): Range {
  const ofKind = arrived.filter(({ frame }) => frame.kind === kind);
  return [ofKind.filter(({ isInDoubt }) => !isInDoubt).length, ofKind.length];
}

/** Whether a number is in a range. */
export function isIn([low, high]: Range, value: number): boolean {
  return value >= low && value <= high;
}
