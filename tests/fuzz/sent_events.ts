/** What the nodes of a run sent, as seen from where it arrived. */

import type { ConnectedStatus } from "@org/beacon-sse";
import type { Run, RunNode } from "./run_schedule.ts";
import type { Frame, PassedFrame, TappedStream } from "./tap.ts";

/** A frame that arrived. */
export interface Arrived extends PassedFrame {
  /** On which stream. */
  connection: TappedStream;
}

/** How many, at least and at most: what broke off with its stream in one moment may be lost. */
export type Range = readonly [low: number, high: number];

/**
 * The streams that the listener listened on. Those on which it only tried whether a topic is taken
 * have no status "connected".
 */
export function listenedTo(run: Run, { name, tap }: RunNode): TappedStream[] {
  const connected = run.statuses.received
    .map(({ value }) => value)
    .filter((status): status is ConnectedStatus =>
      status.type === "connected" && status.node === name
    );
  // A stream that only shows whether the node takes a list comes behind the one that is listened to.
  const listened = connected.map(({ at, topics }) =>
    tap.streams.find(({ answeredAt, topics: asked }) =>
      answeredAt === at && asked.join() === topics.join()
    )
  );
  return tap.streams.filter((stream) => listened.includes(stream));
}

/** What arrived of a node, in order. */
export function arrivedFrom(run: Run, node: RunNode): Arrived[] {
  return listenedTo(run, node).flatMap((connection) =>
    connection.sent.map((sent) => ({ ...sent, connection }))
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
