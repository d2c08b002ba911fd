/** A beacon node for tests of the command: a loopback server that sends what the test prescribes. */

import { STATUS_CODE } from "@std/http/status";

/** Slot of the time when the server started. */
export const SLOT = 1000;

/** A request that outlives its connection. */
export interface ReceivedRequest {
  /** Its URL. */
  url: string;
  /** Its headers. */
  headers: Headers;
}

/** A running server. */
export interface BeaconServer extends AsyncDisposable {
  /** Its address. */
  url: string;
  /** The requests for events so far. */
  requests: ReceivedRequest[];
}

/** What the first event connection gets besides its frames. */
export interface BeaconServerOptions {
  /** Whether another head comes every 20 ms. */
  repeat?: boolean;
  /** Text that follows the frames, each piece written when the one before is taken. */
  pieces?: Iterable<string>;
}

/**
 * Starts a server whose first event connection gets `frames` and stays open; later ones stay
 * silent.
 */
export function startBeaconServer(
  frames: readonly string[],
  options: BeaconServerOptions = {},
): BeaconServer {
  const genesis = Math.floor(Date.now() / 1000) - SLOT * 12;
  const requests: ReceivedRequest[] = [];
  const stop = new AbortController();
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, signal: stop.signal, onListen() {} },
    (request) => {
      switch (new URL(request.url).pathname) {
        case "/eth/v1/beacon/genesis":
          return Response.json({
            data: {
              genesis_time: `${genesis}`,
              genesis_validators_root: `0x${"1".repeat(64)}`,
              genesis_fork_version: "0x00000000",
            },
          });
        case "/eth/v1/config/spec":
          return Response.json({
            data: { SECONDS_PER_SLOT: "12", SLOTS_PER_EPOCH: "32" },
          });
        case "/eth/v1/node/syncing":
          return Response.json({
            data: {
              head_slot: `${SLOT}`,
              sync_distance: "0",
              is_syncing: false,
              is_optimistic: false,
              el_offline: false,
            },
          });
        case "/eth/v1/events": {
          requests.push({
            url: request.url,
            headers: new Headers(request.headers),
          });
          const body = requests.length === 1
            ? streamOf(frames, options)
            : streamOf([], {});
          return new Response(body, {
            headers: { "content-type": "text/event-stream" },
          });
        }
        default:
          return new Response(null, { status: STATUS_CODE.NotFound });
      }
    },
  );
  return {
    url: `http://127.0.0.1:${server.addr.port}`,
    requests,
    async [Symbol.asyncDispose]() {
      stop.abort();
      await server.finished;
    },
  };
}

/** The frame of a head event; `n` makes its block root. */
export function headFrame(n: number): string {
  return `event: head\ndata: ${headData(n)}\n\n`;
}

/** The payload of {@linkcode headFrame}. */
export function headData(n: number): string {
  const root = (tag: number) => `0x${tag}${`${n}`.padStart(63, "0")}`;
  return `{"slot":"${SLOT}", "block":"${root(1)}", "state":"${root(2)}",` +
    `"epoch_transition":false,"previous_duty_dependent_root":"${root(3)}",` +
    `"current_duty_dependent_root":"${root(4)}","execution_optimistic":false}`;
}

function streamOf(
  frames: readonly string[],
  { repeat = false, pieces = [] }: BeaconServerOptions,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  const encoder = new TextEncoder();
  const iterator = pieces[Symbol.iterator]();
  let timer: ReturnType<typeof setInterval> | undefined;
  return new ReadableStream({
    start(controller) {
      const send = (text: string) => controller.enqueue(encoder.encode(text));
      send(`: hello\n\n${frames.join("")}`);
      let n = frames.length;
      if (repeat) timer = setInterval(() => send(headFrame(++n)), 20);
    },
    pull(controller) {
      const { done, value } = iterator.next();
      if (!done) controller.enqueue(encoder.encode(value));
    },
    cancel() {
      clearInterval(timer);
    },
  });
}
