/** An event as a message: its text is the body, all else is in headers. */

import type { JsMsg } from "@nats-io/jetstream";
import {
  type BeaconEvent,
  parseEventData,
} from "../beacon/events/beacon_event.ts";

/** The headers of an event's message. */
export function headersOf(
  { topic, node, receivedAt, slot, recovered }: BeaconEvent<string>,
): Record<string, string> {
  return {
    "Beacon-Topic": encodeURIComponent(topic),
    "Beacon-Node": encodeURIComponent(node),
    "Beacon-Received-At": String(receivedAt),
    ...(slot !== undefined && { "Beacon-Slot": String(slot) }),
    ...(recovered && { "Beacon-Recovered": "true" }),
  };
}

/** The event of a message. Its payload is parsed when somebody looks at `data`. */
export function eventOf(
  { headers, subject, time, data: body }: Pick<
    JsMsg,
    "headers" | "subject" | "time" | "data"
  >,
): BeaconEvent<string> {
  const get = (name: string) => headers?.get(name) || undefined;
  const topic = decodeURIComponent(
    get("Beacon-Topic") ?? subject.split(".")[2] ?? "",
  );
  const raw = decoder.decode(body);
  const slot = get("Beacon-Slot");
  let data: { value: unknown } | undefined;
  const event = {
    topic,
    raw,
    node: decodeURIComponent(get("Beacon-Node") ?? ""),
    receivedAt: Number(get("Beacon-Received-At") ?? time.getTime()),
    ...(slot !== undefined && { slot: Number(slot) }),
    ...(get("Beacon-Recovered") !== undefined && { recovered: true as const }),
    get data(): unknown {
      return (data ??= { value: parseEventData(topic, raw) }).value;
    },
  };
  return event as BeaconEvent<string>;
}

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
