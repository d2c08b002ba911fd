/** What the tests of NATS need: a server, a listener's stand-in, a sink, readers, and an administrator. */

import { type JetStreamManager, jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { Broadcast } from "../../src/listener/broadcast/broadcast.ts";
import {
  type BeaconEvent,
  fromJetStream,
  type FromJetStreamOptions,
  type JetStreamSink,
  type JetStreamSource,
  toJetStream,
  type ToJetStreamOptions,
} from "../../src/nats/mod.ts";
import {
  NatsServer,
  type NatsServerSettings,
  NEEDS_NATS_SERVER,
} from "./nats_server.ts";

/** Registers a test that has a server of its own. */
export function natsTest(
  name: string,
  fn: (stage: Stage) => Promise<void>,
  settings?: NatsServerSettings,
): void {
  Deno.test(name, NEEDS_NATS_SERVER, async () => {
    await using server = await NatsServer.start(settings);
    await using stage = new Stage(server);
    await fn(stage);
  });
}

/** A server, and what a test connects to it. */
export class Stage implements AsyncDisposable {
  /** The server. */
  readonly server: NatsServer;
  /** Stands in for a listener: what is posted is what its nodes reported. */
  readonly listener = source();
  readonly #parts = new AsyncDisposableStack();

  constructor(server: NatsServer) {
    this.server = server;
  }

  /** A sink of the listener. */
  sink(options: Partial<ToJetStreamOptions> = {}): JetStreamSink {
    const { listener, server: { url: servers } } = this;
    return this.#parts.use(toJetStream(listener, { servers, ...options }));
  }

  /** A reader from the beginning on. */
  async reader(
    options: Partial<FromJetStreamOptions> = {},
  ): Promise<JetStreamSource> {
    const { url: servers } = this.server;
    return this.#parts.use(
      await fromJetStream({ servers, from: "all", ...options }),
    );
  }

  /** An administrator of the server's streams. */
  async manager(): Promise<JetStreamManager> {
    const connection = await connect({
      servers: `127.0.0.1:${this.server.port}`,
    });
    this.#parts.defer(() => connection.close());
    return await jetstreamManager(connection);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#parts.disposeAsync();
  }
}

/** Stands in for a listener. */
export function source() {
  const broadcast = new Broadcast<BeaconEvent<string>>();
  return {
    post: (event: BeaconEvent<string>) => broadcast.post(event),
    events: ({ signal }: { signal: AbortSignal }) =>
      broadcast.subscribe({ signal }),
  };
}

/** A root. */
export function root(number: number): string {
  return `0x${number.toString(16).padStart(64, "0")}`;
}

/** A `block` event. */
export function block(slot: number): BeaconEvent<string> {
  const data = { slot, block: root(slot), execution_optimistic: false };
  return {
    topic: "block",
    data,
    raw: JSON.stringify({ ...data, slot: String(slot) }),
    node: "a",
    receivedAt: 1000 + slot,
    slot,
  };
}

/** The next status of a type; the one behind it can be read later. */
export async function nextStatus<S extends { type: string }>(
  statuses: ReadableStream<S>,
  type: S["type"],
): Promise<S> {
  const reader = statuses.getReader();
  while (true) {
    const { done, value } = await reader.read();
    if (done) throw new Error(`no status "${type}"`);
    if (value.type !== type) continue;
    reader.releaseLock();
    return value;
  }
}

export { take } from "../listener/helpers.ts";
