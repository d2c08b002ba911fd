/** What the nodes of a run sent, as seen from where it arrived. */

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
 * The streams that the listener listened on, one beside another where it changes over. Those on which
 * it only tried whether a topic is taken have another list of topics.
 */
export function listenedTo(run: Run, { name, tap }: RunNode): TappedStream[] {
  const lists = new Set<string>();
  for (const { value } of run.statuses.received) {
    if (value.type === "connected" && value.node === name) {
      lists.add(value.topics.toSorted().join());
    }
  }
  return tap.streams.filter(({ topics, isRead }) =>
    isRead && lists.has(topics.toSorted().join())
  );
}

/** What arrived of a node, in order. */
export function arrivedFrom(run: Run, node: RunNode): Arrived[] {
  return listenedTo(run, node)
    .flatMap((connection) =>
      connection.sent.map((sent) => ({ ...sent, connection }))
    )
    .sort((one, other) => one.arrivedInTurn - other.arrivedInTurn);
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
