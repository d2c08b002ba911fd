/** Why a connection ended. Made where the end is noticed; `retry_policy.ts` decides what follows. */

import type { BeaconHttpError } from "../../beacon/http/errors.ts";
import type { DisconnectReason } from "../node_status.ts";
import type {
  ChainChangedError,
  WrongChainError,
} from "../chain/chain_errors.ts";

interface Ended<Kind extends string, Cause extends Error = Error> {
  kind: Kind;
  error: Cause;
}

export type ConnectionEnd =
  /** No HTTP answer in time, neither to the probe nor to the request for events. */
  | Ended<"unreachable">
  /** No connection, or it broke: refused, DNS, TLS, reset. */
  | Ended<"network">
  | Ended<"refused", BeaconHttpError> & {
    afterMs: number;
  }
  /** The node accepted the request and ended the stream at once, without an event. */
  | Ended<"emptied"> & {
    reason: DisconnectReason;
    /** How long the node took to send the headers, in milliseconds. */
    afterMs: number;
  }
  | Ended<"protocol">
  | Ended<"eof">
  /** No headers in time. */
  | Ended<"unanswered">
  /** No byte in time. */
  | Ended<"idle">
  /** Bytes, but no complete event or comment in time. */
  | Ended<"stalled">
  /** This machine slept; the stream may be dead. */
  | Ended<"slept">
  /** The node accepts topics now that it refused before. */
  | Ended<"topics_regained">
  | Ended<"wrong_chain", WrongChainError>
  /** The listener follows another chain now. */
  | Ended<"chain_changed", ChainChangedError>
  /** No retry can succeed: a permission that the process lacks, a URL that `fetch` cannot use. */
  | Ended<"hopeless">;

/** The word for an end in a status and in a metric's label. */
export function disconnectReason(end: ConnectionEnd): DisconnectReason {
  return end.kind === "emptied" ? end.reason : REASONS[end.kind];
}

const REASONS: Record<
  Exclude<ConnectionEnd["kind"], "emptied">,
  DisconnectReason
> = {
  unreachable: "unreachable",
  network: "network",
  refused: "status",
  protocol: "content_type",
  eof: "eof",
  unanswered: "idle",
  idle: "idle",
  stalled: "stalled",
  slept: "slept",
  hopeless: "network",
  topics_regained: "topics",
  wrong_chain: "chain",
  chain_changed: "chain_changed",
};
