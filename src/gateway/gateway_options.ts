/** The gateway's options, and their check. */

import type { EventHistory } from "../beacon/events/event_history.ts";
import { checkInteger, checkObject, refuse } from "../values/check.ts";

/** Options for {@linkcode createGateway}. */
export interface GatewayOptions {
  /**
   * Every request but those for health must carry this token: `Authorization: Bearer TOKEN`, or as
   * the password of Basic authentication, which browsers and URLs can carry.
   *
   * @default {none is needed}
   */
  token?: string;
  /**
   * Whether requests of all methods and paths are passed to a node. Without it only reads of the
   * Beacon API that validator clients and explorers need are passed on, and nothing that writes.
   *
   * @default {false}
   */
  passAll?: boolean;
  /**
   * The most readers of the event stream at a time; one more receives 503.
   *
   * @default {10000}
   */
  maxReaders?: number;
  /**
   * The most readers of one IPv4 address or IPv6 network (/64). Readers from this machine are not
   * counted, because a proxy connects from there. `X-Forwarded-For` is not read.
   *
   * @default {256}
   */
  maxReadersPerAddress?: number;
  /**
   * How many events of each topic are kept for readers that come back.
   *
   * @default {4096}
   */
  keepEvents?: number;
  /**
   * How many bytes of events are kept in all.
   *
   * @default {67108864}
   */
  keepBytes?: number;
  /**
   * Interval of keep-alives, in milliseconds.
   *
   * @default {15000}
   */
  keepAliveMs?: number;
  /**
   * A store of what all gateways have received, such as `jetStreamHistory()` of `./nats` returns: from there
   * readers receive what the gateway no longer has, or received before it ran. Who writes the store must
   * publish the topics that the gateway serves.
   *
   * @default {only the nodes' headers}
   */
  history?: EventHistory;
}

/** Checked options, defaults filled in. */
export type CheckedGatewayOptions =
  & Required<Omit<GatewayOptions, "token" | "history">>
  & Pick<GatewayOptions, "token" | "history">;

const ACTION = "create gateway";

/**
 * Checks options.
 *
 * @throws {TypeError} If one is of the wrong kind; the message names it and its value.
 * @throws {RangeError} If a number is out of its range; the message names it and its value.
 */
export function checkGatewayOptions(
  options: GatewayOptions,
): CheckedGatewayOptions {
  checkObject(ACTION, "options", options);
  const {
    token,
    passAll = false,
    maxReaders = 10_000,
    maxReadersPerAddress = 256,
    keepEvents = 4096,
    keepBytes = 64 * 1024 * 1024,
    keepAliveMs = 15_000,
    history,
  } = options;
  if (
    token !== undefined &&
    (typeof token !== "string" || !/^[!-~]{1,1024}$/.test(token))
  ) {
    // Its value is a secret.
    throw new TypeError(
      `Cannot ${ACTION}: token must be 1 to 1024 visible ASCII characters`,
    );
  }
  if (typeof passAll !== "boolean") {
    refuse(ACTION, "passAll", "a boolean", passAll);
  }
  checkInteger(ACTION, "maxReaders", maxReaders, 1);
  checkInteger(ACTION, "maxReadersPerAddress", maxReadersPerAddress, 1);
  checkInteger(ACTION, "keepEvents", keepEvents, 1);
  checkInteger(ACTION, "keepBytes", keepBytes, 1);
  checkInteger(ACTION, "keepAliveMs", keepAliveMs, 1, 3_600_000);
  if (history !== undefined && typeof history?.read !== "function") {
    refuse(ACTION, "history", "an EventHistory", history);
  }
  return {
    ...(token !== undefined && { token }),
    ...(history !== undefined && { history }),
    passAll,
    maxReaders,
    maxReadersPerAddress,
    keepEvents,
    keepBytes,
    keepAliveMs,
  };
}
