/** The options of a fault proxy, checked where they enter. */

import { checkInteger, checkObject, refuse } from "../../values/check.ts";
import { checkFault } from "../faults/check_fault.ts";
import { WIRE_FAULT_TYPES, type WireFault } from "../faults/fault.ts";

/** Options for {@linkcode FaultProxy.start}. */
export interface FaultProxyOptions {
  /** Base URL of the node, `http:` only; its path and query become the proxy's. */
  target: string | URL;
  /**
   * Address to listen on.
   *
   * @default {"127.0.0.1"}
   */
  hostname?: string;
  /**
   * TCP port to listen on; 0 takes a free one.
   *
   * @default {0}
   */
  port?: number;
  /**
   * What is wrong from the start, as with {@linkcode FaultProxy.fault}.
   *
   * @default {nothing}
   */
  faults?: readonly WireFault[];
}

/** Options with the defaults in place. */
export interface ResolvedProxyOptions extends Required<FaultProxyOptions> {
  /** Base URL of the node. */
  target: URL;
}

/** Checks the options and puts the defaults in place. */
export function resolveProxyOptions(
  options: FaultProxyOptions,
): ResolvedProxyOptions {
  checkObject("start a proxy", "options", options);
  const { hostname = "127.0.0.1", port = 0, faults = [] } = options;
  const target = checkTarget(options.target);
  if (typeof hostname !== "string" || hostname === "") {
    refuse("start a proxy", "hostname", "an address", hostname);
  }
  checkInteger("start a proxy", "port", port, 0, 65_535);
  if (!Array.isArray(faults)) {
    throw new TypeError(
      `Cannot start a proxy: faults must be an array, got ${faults}`,
    );
  }
  for (const fault of faults) checkFault(fault, WIRE_FAULT_TYPES);
  return { target, hostname, port, faults };
}

function checkTarget(target: string | URL): URL {
  const url = URL.canParse(target) ? new URL(target) : undefined;
  if (url?.protocol === "http:") return url;
  throw new TypeError(
    `Cannot start a proxy: target must be an http: URL, got ${
      url ? `${url.protocol}//${url.host}` : target
    }`,
  );
}
