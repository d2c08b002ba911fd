/** An event that does not end. */

import type { EventConnection } from "../node/event_connection.ts";
import { repeatedText } from "../node/lazy_text.ts";
import type { EndlessFrameFault } from "./stream_fault.ts";

/** An event with one long line, made piece by piece; where its stream ends, it ends in the middle of the line. */
export function* endlessFrame(
  { bytes = Infinity, prefix = "data:" }: EndlessFrameFault,
  connection: EventConnection,
  healed: AbortSignal,
): Generator<Uint8Array<ArrayBuffer>> {
  const encoder = new TextEncoder();
  const [topic = "head"] = connection.topics;
  const start = encoder.encode(prefix);
  yield encoder.encode(`event:${topic}\n`);
  yield start;
  let left = bytes - start.length;
  for (const chunk of repeatedText("x", left, () => healed.aborted)) {
    if (!connection.isOpen && bytes === Infinity) return;
    left -= chunk.length;
    yield chunk;
  }
  yield encoder.encode("\n\n");
}
