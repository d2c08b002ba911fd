/** A beacon node for tests of the command: a loopback server that sends what the test prescribes. */

import { openStream, ScriptedNode } from "../listener/scripted_node.ts";

/** Slot of the time when the server started. */
export const SLOT = 1000;

/** What the first event connection gets besides its frames. */
export interface BeaconServerOptions {
  /** Whether another head comes every 20 ms. */
  repeat?: boolean;
  /** Text that follows the frames, each piece written when the one before is taken. */
  pieces?: Iterable<string>;
}

/**
 * Starts a server whose first event connection gets `frames` and stays open; later ones stay
 * silent.
 */
export function startBeaconServer(
  frames: readonly string[],
  options: BeaconServerOptions = {},
): ScriptedNode {
  return new ScriptedNode({
    genesisTime: Math.floor(Date.now() / 1000) - SLOT * 12,
    events: (_request, connection) =>
      connection > 0
        ? openStream(": hello\n\n")
        : new Response(streamOf(frames, options), {
          headers: { "content-type": "text/event-stream" },
        }),
  });
}

/** The frame of a head event; `n` makes its block root. */
export function headFrame(n: number): string {
  return `event: head\ndata: ${headData(n)}\n\n`;
}

/** The payload of {@linkcode headFrame}. */
export function headData(n: number): string {
  const root = (tag: number) => `0x${tag}${`${n}`.padStart(63, "0")}`;
  return `{"slot":"${SLOT}", "block":"${root(1)}", "state":"${root(2)}",` +
    `"epoch_transition":false,"previous_duty_dependent_root":"${root(3)}",` +
    `"current_duty_dependent_root":"${root(4)}","execution_optimistic":false}`;
}

function streamOf(
  frames: readonly string[],
  { repeat = false, pieces = [] }: BeaconServerOptions,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  const encoder = new TextEncoder();
  const iterator = pieces[Symbol.iterator]();
  let timer: ReturnType<typeof setInterval> | undefined;
  return new ReadableStream({
    start(controller) {
      const send = (text: string) => controller.enqueue(encoder.encode(text));
      send(`: hello\n\n${frames.join("")}`);
      let n = frames.length;
      if (repeat) timer = setInterval(() => send(headFrame(++n)), 20);
    },
    pull(controller) {
      const { done, value } = iterator.next();
      if (!done) controller.enqueue(encoder.encode(value));
    },
    cancel() {
      clearInterval(timer);
    },
  });
}
