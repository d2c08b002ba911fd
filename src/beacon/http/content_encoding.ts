/**
 * Undoes the compression of an answer that came compressed though none was accepted, as by a proxy
 * (RFC 9110, section 8.4). What arrives is passed on at once: an event does not wait for the next.
 */

import { shown } from "../../values/shown.ts";
import { BeaconProtocolError } from "./errors.ts";

/**
 * The body fails with a {@linkcode BeaconProtocolError} where its encoding is neither `gzip` nor
 * `deflate`. A runtime that has undone the compression leaves the header as it was, so the first
 * bytes decide.
 */
export function withoutEncoding(response: Response, at: string): Response {
  const { body, headers, status } = response;
  const encoding = headers.get("content-encoding")?.trim().toLowerCase() ?? "";
  if (body === null || encoding === "" || encoding === "identity") {
    return response;
  }
  return new Response(decoded(body, encoding, at), { status, headers });
}

type Bytes = Uint8Array<ArrayBuffer>;

function decoded(
  body: ReadableStream<Bytes>,
  encoding: string,
  at: string,
): ReadableStream<Bytes> {
  let reader: ReadableStreamDefaultReader<Bytes> | undefined;
  return new ReadableStream<Bytes>({
    async pull(controller) {
      reader ??= (await decode(body, encoding, at)).getReader();
      const { done, value } = await reader.read();
      if (done) controller.close();
      else controller.enqueue(value);
    },
    cancel: (reason) => (reader ?? body).cancel(reason),
  }, { highWaterMark: 0 });
}

async function decode(
  body: ReadableStream<Bytes>,
  encoding: string,
  at: string,
): Promise<ReadableStream<Bytes>> {
  const reader = body.getReader();
  let start: Bytes = new Uint8Array();
  while (start.length < 2) {
    const { done, value } = await reader.read();
    if (done) break;
    start = start.length === 0 ? value : new Uint8Array([...start, ...value]);
  }
  const whole = new ReadableStream<Bytes>({
    async pull(controller) {
      // Small pieces, so that none becomes hundreds of times as large at once.
      if (start.length === 0) {
        const { done, value } = await reader.read();
        if (done) return controller.close();
        start = value;
      }
      controller.enqueue(start.slice(0, MOST_BYTES));
      start = start.subarray(MOST_BYTES);
    },
    cancel: (reason) => reader.cancel(reason),
  }, { highWaterMark: 0 });
  const [first = 0, second = 0] = start;
  const format = FORMATS.get(encoding);
  const isFramed = format === "gzip"
    ? first === 0x1f && second === 0x8b
    : (first & 0x0f) === 8 && (first * 256 + second) % 31 === 0;
  if (format !== undefined && isFramed) {
    return whole.pipeThrough(new DecompressionStream(format));
  }
  // Some servers leave out the frame that RFC 9110 requires.
  if (format === "deflate" && !isText(start)) {
    return whole.pipeThrough(new DecompressionStream("deflate-raw"));
  }
  if (
    format !== undefined || (UNDONE_ELSEWHERE.has(encoding) && isText(start))
  ) return whole;
  await reader.cancel();
  throw new BeaconProtocolError(
    `Cannot read ${at}: content encoding must be gzip or deflate, got ${
      shown(encoding, 40)
    }`,
  );
}

function isText(bytes: Bytes): boolean {
  try {
    const text = new TextDecoder("utf-8", { fatal: true })
      .decode(bytes, { stream: true });
    // deno-lint-ignore no-control-regex -- these are in no JSON and no event stream
    return !/[\u0000-\u0008\u000b\u000c\u000e-\u001f]/.test(text);
  } catch {
    return false;
  }
}

const FORMATS: ReadonlyMap<string, "gzip" | "deflate"> = new Map([
  ["gzip", "gzip"],
  ["x-gzip", "gzip"],
  ["deflate", "deflate"],
]);
/** Some runtimes undo these too. */
const UNDONE_ELSEWHERE = new Set(["br", "zstd"]);
/** A piece of that size becomes 4 MiB at most. */
const MOST_BYTES = 4096;
