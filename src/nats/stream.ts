/** The JetStream stream that holds the events: made if it is missing, never altered. */

import {
  DiscardPolicy,
  type JetStreamManager,
  RetentionPolicy,
  StorageType,
  type StreamConfig,
  type StreamInfo,
} from "@nats-io/jetstream";
import type { BeaconEvent } from "../beacon/events/beacon_event.ts";
import { digest } from "../values/digest.ts";

/** What a stream must offer. */
export interface StreamNeeds {
  /** Its name. */
  stream: string;
  /** Names the chain in subjects. */
  network: string;
  /** How long the server must remember message ids, in milliseconds. */
  duplicateWindowMs: number;
  /** Whether the subject itself is the identity, so that a repeat is refused for ever. */
  subjectPerEvent: boolean;
  /** How long events are kept, in milliseconds. */
  maxAgeMs: number;
  /** How many bytes of events are kept. */
  maxBytes: number;
  /** On how many servers of the cluster, an odd number of at most 5. */
  replicas: number;
}

/** A stream that is there cannot serve. What to do is in the message; nothing was altered. */
export class StreamRefusedError extends Error {
  /** Name of the class. */
  override readonly name = "StreamRefusedError";
}

/**
 * Subject of an event: `beacon.<network>.<topic>`, and with a subject for each event
 * `beacon.<network>.<topic>.<slot>.<digest of the identity>`.
 */
export function subjectOf(
  { network, subjectPerEvent }: Pick<
    StreamNeeds,
    "network" | "subjectPerEvent"
  >,
  event: BeaconEvent<string>,
  id: string,
): string {
  const subject = `beacon.${network}.${topicToken(event.topic)}`;
  return subjectPerEvent
    ? `${subject}.${event.slot ?? "-"}.${
      digest(id).replace(/[^A-Za-z0-9]/g, "-")
    }`
    : subject;
}

/** A topic as one token of a subject: a name that a node invented may hold a dot or a space. */
export function topicToken(topic: string): string {
  return topic.replace(/[^A-Za-z0-9_-]/g, "-").slice(0, 128) || "-";
}

/**
 * The filter of a reader of some topics; of all where absent. Servers before 2.10 take only one subject, so the reader
 * of several topics receives the others too.
 */
export function topicFilter(
  network: string,
  topics: ReadonlySet<string> | undefined,
  { discard_new_per_subject }: Pick<StreamConfig, "discard_new_per_subject">,
): string {
  if (topics?.size !== 1) return `beacon.${network}.>`;
  const subject = `beacon.${network}.${topicToken([...topics][0]!)}`;
  return discard_new_per_subject ? `${subject}.>` : subject;
}

/**
 * Makes the stream, or checks that the one that is there can serve.
 *
 * @throws {StreamRefusedError} If it cannot.
 */
export async function ensureStream(
  manager: JetStreamManager,
  needs: StreamNeeds,
): Promise<StreamInfo> {
  try {
    const info = await manager.streams.info(needs.stream);
    checkStream(info.config, needs);
    return info;
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
  try {
    return await manager.streams.add(configOf(needs));
  } catch (error) {
    // Another listener may have made it meanwhile, perhaps with other settings.
    const info = await manager.streams.info(needs.stream).catch(() =>
      undefined
    );
    if (info !== undefined) {
      checkStream(info.config, needs);
      return info;
    }
    throw isRefusal(error)
      ? new StreamRefusedError(
        `Cannot make stream ${needs.stream}: ${(error as Error).message}`,
        { cause: error },
      )
      : error;
  }
}

function configOf(
  needs: StreamNeeds,
): Partial<StreamConfig> & { name: string } {
  return {
    name: needs.stream,
    description: "Events of Ethereum beacon nodes, written by beacon-sse",
    subjects: [`beacon.${needs.network}.>`],
    retention: RetentionPolicy.Limits,
    storage: StorageType.File,
    discard: needs.subjectPerEvent ? DiscardPolicy.New : DiscardPolicy.Old,
    ...(needs.subjectPerEvent
      ? { max_msgs_per_subject: 1, discard_new_per_subject: true }
      : {}),
    max_age: nanos(needs.maxAgeMs),
    max_bytes: needs.maxBytes,
    num_replicas: needs.replicas,
    duplicate_window: nanos(
      Math.min(needs.duplicateWindowMs, needs.maxAgeMs),
    ),
  };
}

function checkStream(config: StreamConfig, needs: StreamNeeds): void {
  const refuse = (reason: string): never => {
    throw new StreamRefusedError(
      `Cannot use stream ${needs.stream}: ${reason}. It was not altered; change it, or give another name as stream`,
    );
  };
  const subject = `beacon.${needs.network}.>`;
  if (!config.subjects?.some((own) => covers(own, subject))) {
    refuse(
      `it takes ${
        config.subjects?.join(", ") ?? "no subjects"
      }, not ${subject}`,
    );
  }
  if (config.sealed) refuse("it is sealed");
  if (config.mirror !== undefined) refuse("it is a mirror");
  if (config.no_ack) refuse("it does not acknowledge (no_ack)");
  if (config.retention !== RetentionPolicy.Limits) {
    refuse(
      `its retention is ${config.retention}: an event that was consumed is deleted, and limits is needed`,
    );
  }
  if (config.discard === DiscardPolicy.New && !needs.subjectPerEvent) {
    refuse("it takes no event once it is full (discard new)");
  }
  if (
    config.max_msg_size !== undefined && config.max_msg_size > 0 &&
    config.max_msg_size < 64 * 1024
  ) {
    refuse(
      `its max_msg_size of ${config.max_msg_size} bytes is too small for beacon events`,
    );
  }
  const isPerEvent = config.discard_new_per_subject === true &&
    config.max_msgs_per_subject === 1;
  if (needs.subjectPerEvent && !isPerEvent) {
    refuse(
      "subjectPerEvent needs max_msgs_per_subject 1, discard new and discard_new_per_subject",
    );
  }
  if (!needs.subjectPerEvent && (config.max_msgs_per_subject ?? -1) > 0) {
    refuse(
      `it keeps only ${config.max_msgs_per_subject} events of each topic (max_msgs_per_subject)`,
    );
  }
  if (
    !needs.subjectPerEvent &&
    config.duplicate_window < nanos(needs.duplicateWindowMs)
  ) {
    refuse(
      `its duplicate_window is ${config.duplicate_window / 1e9} s, and ${
        needs.duplicateWindowMs / 1000
      } s are needed (duplicateWindowMs)`,
    );
  }
}

/** Whether all of `beacon.<network>.>` falls under a stream's subject. */
function covers(own: string, subject: string): boolean {
  const tokens = own.split(".");
  const wanted = subject.split(".");
  for (let index = 0; index < tokens.length; index++) {
    const token = tokens[index];
    if (token === ">") return index < wanted.length;
    if (wanted[index] === ">" || wanted[index] === undefined) return false;
    if (token !== "*" && token !== wanted[index]) return false;
  }
  return false;
}

/** Whether an error says that there is no such stream. */
function isNotFound(error: unknown): boolean {
  return (error as { code?: number }).code === 10059;
}

/** Whether the server has refused a configuration, as against being away or without a leader. */
function isRefusal(error: unknown): boolean {
  const { code } = error as { code?: number };
  // 10008, 10009 and 10074 pass: no leader, no peers, not enough of them yet.
  return typeof code === "number" && ![10008, 10009, 10074].includes(code);
}

function nanos(milliseconds: number): number {
  return milliseconds * 1_000_000;
}
