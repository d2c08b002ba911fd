/**
 * Server-Sent Events from text, by the rules of the WHATWG HTML standard, with a hard cap on the
 * bytes of one event. Knows nothing of Ethereum and runs wherever web streams do.
 *
 * @example Events of a response
 * ```ts
 * import { SseDecoderStream } from "@org/beacon-sse/sse";
 * import { assertEquals } from "@std/assert";
 *
 * // Stands in for `await fetch(url, { headers: { Accept: "text/event-stream" } })`.
 * const response = new Response("event: greeting\ndata: hello\n\n");
 *
 * const events = response.body!
 *   .pipeThrough(new TextDecoderStream("utf-8", { ignoreBOM: true }))
 *   .pipeThrough(new SseDecoderStream({ maxEventBytes: 64 * 1024 }));
 * for await (const { type, data } of events) {
 *   assertEquals([type, data], ["greeting", "hello"]);
 * }
 * ```
 *
 * @module
 */

export { SseBatchDecoderStream } from "./sse_batch_decoder_stream.ts";
export { SseDecoder } from "./sse_decoder.ts";
export { SseDecoderStream } from "./sse_decoder_stream.ts";
export { SseOversizeError } from "./sse_oversize_error.ts";
export type { ServerSentEvent } from "./server_sent_event.ts";
export type { SseDecoderOptions } from "./sse_decoder.ts";
