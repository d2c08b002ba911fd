/** A connection to NATS that never gives up and notices a half-open link within 15 seconds. */

import { type NatsConnection, wsconnect } from "@nats-io/nats-core";
import { delay } from "@std/async/delay";
import { refuse } from "../values/check.ts";

/** How to reach NATS. */
export interface NatsOptions {
  /**
   * Servers of one cluster: `nats://host:4222` or `tls://…` over TCP, `ws://host:port` or `wss://…`
   * over WebSocket. User and password, or a token, may stand in front of the host.
   */
  servers: string | readonly string[];
  /**
   * Names the chain in subjects: letters, digits, `-` and `_`.
   *
   * @default {"mainnet"}
   */
  network?: string;
  /**
   * Name of the stream.
   *
   * @default `BEACON_` and the network.
   */
  stream?: string;
}

/** Checked {@linkcode NatsOptions}. */
export interface CheckedNatsOptions {
  /** The servers' addresses. */
  servers: string[];
  /** Name of the chain in subjects. */
  network: string;
  /** Name of the stream. */
  stream: string;
}

/**
 * Checks options.
 *
 * @throws {TypeError} If one is wrong; the message names it. An address is not shown, as it may hold
 * a password.
 */
export function checkNatsOptions(
  action: string,
  { servers, network = "mainnet", stream }: NatsOptions,
): CheckedNatsOptions {
  const list = [servers].flat() as string[];
  if (list.length === 0) refuse(action, "servers", "one address or more", list);
  for (const server of list) {
    if (
      typeof server !== "string" || !URL.canParse(server) ||
      !/^(nats|tls|ws|wss):$/.test(new URL(server).protocol)
    ) {
      throw new TypeError(
        `Cannot ${action}: servers must be URLs that begin with nats://, tls://, ws:// or wss://`,
      );
    }
  }
  const isWeb = (server: string) => /^wss?:/.test(server);
  if (list.some(isWeb) !== list.every(isWeb)) {
    throw new TypeError(
      `Cannot ${action}: servers must be reached all over TCP or all over WebSocket`,
    );
  }
  if (typeof network !== "string" || !NAME.test(network)) {
    refuse(action, "network", "letters, digits, - and _", network);
  }
  if (stream !== undefined && !NAME.test(stream)) {
    refuse(action, "stream", "letters, digits, - and _", stream);
  }
  return {
    servers: list,
    network,
    stream: stream ?? `BEACON_${network.toUpperCase().replaceAll("-", "_")}`,
  };
}

const NAME = /^[A-Za-z0-9_-]{1,64}$/;

/**
 * Connects, for as long as it takes.
 *
 * @param servers The addresses; user, password or token are taken from the first that has one.
 * @param signal Ends the attempts when aborted.
 * @throws The signal's reason when it aborts, or what the server says to a wrong password.
 */
export async function connectNats(
  servers: readonly string[],
  signal: AbortSignal,
): Promise<NatsConnection> {
  const urls = servers.map((server) => new URL(server));
  const login = urls.find(({ username }) => username !== "");
  const user = login && decodeURIComponent(login.username);
  const pass = login && decodeURIComponent(login.password);
  for (const url of urls) url.username = url.password = "";
  const options = {
    servers: urls.map((url) =>
      url.protocol.startsWith("ws")
        ? url.href
        : `${url.hostname}:${url.port || "4222"}`
    ),
    ...(user === undefined
      ? {}
      : pass === ""
      ? { token: user }
      : { user, pass: pass! }),
    ...(urls[0]!.protocol === "tls:" ? { tls: {} } : {}),
    maxReconnectAttempts: -1,
    // A password that is refused at a reconnect may be right again later.
    ignoreAuthErrorAbort: true,
    reconnectTimeWait: 250,
    reconnectJitter: 250,
    // The third unanswered ping makes a link stale.
    pingInterval: 4000,
    maxPingOut: 2,
    timeout: 5000,
  };
  const dial = urls[0]!.protocol.startsWith("ws")
    ? wsconnect
    : (await import("@nats-io/transport-node")).connect;
  while (true) {
    signal.throwIfAborted();
    try {
      const connection = await dial(options);
      if (!signal.aborted) return connection;
      await connection.close();
    } catch (error) {
      if (/authorization|authentication/i.test(String(error))) throw error;
    }
    await delay(500, { signal });
  }
}
