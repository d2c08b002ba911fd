/**
 * Beacon events through NATS JetStream, for whoever outgrows one process: redundant listeners write
 * each event once, and any number of readers go on where they were.
 *
 * ```ts no-assert
 * import { SseListener } from "@org/beacon-sse";
 * import { fromJetStream, toJetStream } from "@org/beacon-sse/nats";
 *
 * async function write(signal: AbortSignal) {
 *   await using listener = await SseListener.start({ nodes: ["http://localhost:5052"], signal });
 *   await using sink = toJetStream(listener, { servers: "nats://localhost:4222", signal });
 *   await sink.finished;
 * }
 *
 * async function read(signal: AbortSignal) {
 *   await using source = await fromJetStream({
 *     servers: "nats://localhost:4222",
 *     durable: "scheduler",
 *     signal,
 *   });
 *   for await (const reorg of source.reorgs()) console.log(reorg.epoch);
 * }
 *
 * console.log(typeof write, typeof read);
 * ```
 *
 * @module
 */

export { fromJetStream } from "./from_jetstream.ts";
export { JetStreamHistory, jetStreamHistory } from "./jetstream_history.ts";
export { StreamRefusedError } from "./stream.ts";
export { JetStreamSink, toJetStream } from "./to_jetstream.ts";
export type { BeaconEvent, TopicEvent } from "../beacon/events/beacon_event.ts";
export type {
  EventHistory,
  PastEvent,
  PastPage,
  PastRequest,
} from "../beacon/events/event_history.ts";
export type { ChainReorg } from "../listener/chain/reorg.ts";
export type { Subscription } from "../listener/broadcast/subscription.ts";
export type { NatsOptions } from "./connect.ts";
export type {
  FromJetStreamOptions,
  JetStreamSource,
} from "./from_jetstream.ts";
export type {
  EventSource,
  JetStreamCounts,
  JetStreamStatus,
  ToJetStreamOptions,
} from "./to_jetstream.ts";
