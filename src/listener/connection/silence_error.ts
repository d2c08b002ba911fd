import { BeaconTimeoutError } from "../../beacon/http/errors.ts";
import type { Silence } from "./watchdog.ts";

/** A connection fell silent. */
export class SilenceError extends BeaconTimeoutError {
  /** What was missing. */
  readonly silence: Silence;

  /**
   * Creates an instance.
   *
   * @param node Name of the node.
   * @param silence What was missing.
   * @param timeoutMs For how long, in milliseconds.
   */
  constructor(node: string, silence: Silence, timeoutMs: number) {
    const missing = silence === "idle"
      ? "no byte"
      : "bytes, but no complete event or comment,";
    super(`Lost ${node}: ${missing} within ${timeoutMs} ms`, "idle");
    this.silence = silence;
  }
}
