/** Requests that a gateway passes on while a node hangs. */

import { assert, assertEquals } from "@std/assert";
import { NodeEndpoint } from "../../src/beacon/http/endpoint.ts";
import { PassOn } from "../../src/gateway/nodes/pass_on.ts";
import { VirtualTime } from "../fuzz/virtual_time.ts";

/** Passes a request on to nodes that answer so; returns the answer's status, and after how long. */
async function passOn(
  nodes: Record<string, (signal: AbortSignal) => Promise<Response>>,
): Promise<{ status: number; afterMs: number }> {
  using time = new VirtualTime({ startAt: 1_700_000_000_000, random: () => 0 });
  const never = new AbortController().signal;
  const passOn = new PassOn({
    access: {
      fetch: (input, init) => {
        const { hostname } = new URL(input as string);
        return nodes[hostname]!(init!.signal!);
      },
    },
    monitor: {
      ranked: () =>
        Object.keys(nodes).map((name) => ({
          endpoint: new NodeEndpoint(`http://${name}`),
        })) as never,
    },
    isNews: () => false,
    signal: never,
  });
  const url = new URL("http://gateway/eth/v1/node/version");
  const answered = passOn.answer({
    method: "GET",
    url,
    headers: new Headers(),
    body: null,
    address: undefined,
    signal: never,
  }).then(({ status }) => ({ status, afterMs: time.elapsed }));
  let isOver = false;
  answered.finally(() => isOver = true);
  while (!isOver) await time.pass(100);
  return await answered;
}

const hang = (signal: AbortSignal) =>
  new Promise<Response>((_, reject) =>
    signal.addEventListener("abort", () => reject(signal.reason))
  );
const answer = (status: number) => () =>
  Promise.resolve(Response.json({ data: {} }, { status }));

Deno.test("PassOn() requests another node where the first one does not answer", async () => {
  let isEnded = false;
  const { status, afterMs } = await passOn({
    a: (signal) => hang(signal).finally(() => isEnded = true),
    b: answer(200),
  });
  assertEquals(status, 200);
  assert(afterMs <= 1000, `${afterMs} ms`);
  assert(isEnded);
});

Deno.test("PassOn() waits for a slow node where the other one refuses", async () => {
  const { status } = await passOn({
    a: () =>
      new Promise((resolve) =>
        setTimeout(() => resolve(Response.json({ data: {} })), 3000)
      ),
    b: answer(503),
  });
  assertEquals(status, 200);
});

Deno.test("PassOn() answers with the refusal where no node answers", async () => {
  const { status } = await passOn({ a: hang, b: answer(404) });
  assertEquals(status, 404);
});
