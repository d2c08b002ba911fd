/** The answers that faults give. */

import type { StatusFault } from "./answer_fault.ts";
import { streamResponse } from "../node/event_streams.ts";
import { errorResponse } from "../node/json_response.ts";
import { lazyBody, repeatedText } from "../node/lazy_text.ts";
import type { JoinedTopicsFault, RefuseTopicsFault } from "./topic_fault.ts";

/** Statuses that go without a body. */
const BODILESS: readonly number[] = [204, 205, 304];

/** Any status with any body, which ends early when the signal aborts. */
export function statusResponse(
  fault: StatusFault,
  signal: AbortSignal,
): Response {
  const { status, bodyBytes, retryAfter, contentType = "application/json" } =
    fault;
  const {
    body = JSON.stringify({ code: status, message: "Simulated fault" }),
  } = fault;
  const headers = new Headers(fault.headers);
  headers.set("content-type", contentType);
  if (retryAfter !== undefined) headers.set("retry-after", retryAfter);
  if (BODILESS.includes(status)) return new Response(null, { status, headers });
  if (bodyBytes === undefined) return new Response(body, { status, headers });
  const text = body === "" ? " " : body;
  const chunks = repeatedText(text, bodyBytes, () => signal.aborted);
  return new Response(lazyBody(chunks), { status, headers });
}

/** What a client gets that asked for a topic which the node does not have. */
export function topicRefusal(
  { answer = "named" }: RefuseTopicsFault | JoinedTopicsFault,
  topic: string,
): Response {
  if (answer === "empty") return streamResponse(null);
  const message = answer === "named"
    ? `Invalid topic: ${topic}`
    : "Bad request";
  return errorResponse(400, message);
}

/** No headers until the signal aborts, and then 503, so that nothing of the request is left. */
export function hangUntil(signal: AbortSignal): Promise<Response> {
  const { promise, resolve } = Promise.withResolvers<Response>();
  const end = () => resolve(errorResponse(503, "Simulated fault"));
  signal.addEventListener("abort", end, { once: true });
  return promise;
}

/** An event stream whose headers come with its first bytes. */
export async function withFirstBytes(
  body: ReadableStream<Uint8Array<ArrayBuffer>>,
  contentType?: string,
): Promise<Response> {
  const reader = body.getReader();
  const first = await reader.read();
  const rest = new ReadableStream<Uint8Array<ArrayBuffer>>({
    start(controller) {
      if (first.done) controller.close();
      else controller.enqueue(first.value);
    },
    async pull(controller) {
      const { done, value } = await reader.read();
      if (done) controller.close();
      else controller.enqueue(value);
    },
    cancel: () => reader.cancel(),
  }, { highWaterMark: 0 });
  return streamResponse(rest, contentType);
}
