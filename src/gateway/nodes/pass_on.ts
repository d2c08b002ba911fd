/**
 * Passes requests to a healthy, synced node and streams its answer. Until the first byte of an
 * answer has arrived, another node is tried.
 */

import { deadline } from "@std/async/deadline";
import { delay } from "@std/async/delay";
import { publicError } from "../../beacon/http/errors.ts";
import { requestNode } from "../../beacon/http/request.ts";
import type { NodeEndpoint } from "../../beacon/http/endpoint.ts";
import type { ListenerAccess } from "../../listener/listener_access.ts";
import { type Answer, apiError, type GatewayRequest } from "../answer.ts";
import type { NodeMonitor } from "./node_monitor.ts";

/** Options for {@linkcode PassOn}. */
export interface PassOnOptions {
  /** How the nodes are requested. */
  access: Pick<ListenerAccess, "fetch">;
  /** Which node to request. */
  monitor: Pick<NodeMonitor, "ranked">;
  /** Whether an event has just named that block, by root or by slot. */
  isNews: (id: string) => boolean;
  /** Ends requests when aborted. */
  signal: AbortSignal;
}

/** Reads that validator clients, explorers and listeners need, and that cost a node little. */
const READS: readonly RegExp[] = [
  /^\/eth\/v1\/beacon\/genesis$/,
  /^\/eth\/v1\/config\/(spec|fork_schedule|deposit_contract)$/,
  /^\/eth\/v1\/node\/(version|syncing|health|identity)$/,
  /^\/eth\/v2\/node\/version$/,
  /^\/eth\/v1\/beacon\/headers(\/\w{1,80})?$/,
  /^\/eth\/v[12]\/beacon\/blocks\/\w{1,80}(\/(root|attestations))?$/,
  /^\/eth\/v1\/beacon\/blinded_blocks\/\w{1,80}$/,
  /^\/eth\/v1\/beacon\/states\/\w{1,80}\/finality_checkpoints$/,
];

/** Whether a path is one of the reads that are passed on. */
export function isPassedRead(path: string): boolean {
  return READS.some((read) => read.test(path));
}

/** Passes requests on. */
export class PassOn {
  readonly #options: PassOnOptions;
  #underWay = 0;

  /** @param options The nodes. */
  constructor(options: PassOnOptions) {
    this.#options = options;
  }

  /** Answers with what a node answers. */
  async answer(request: GatewayRequest): Promise<Answer> {
    if (this.#underWay >= MOST_UNDER_WAY) {
      return apiError(503, "Too many requests at a time", {
        "retry-after": "1",
      });
    }
    const { monitor, isNews, signal } = this.#options;
    const isRead = request.method === "GET" || request.method === "HEAD";
    const id = /\/(?:headers|blocks|blinded_blocks)\/(0x[0-9a-f]{64}|\d+)/i
      .exec(request.url.pathname)?.[1];
    // Nodes report a block before they answer requests for it.
    const isFresh = id !== undefined && isNews(id.toLowerCase());
    let refusal: Answer | undefined;
    for (let round = 0; round < (isFresh ? ROUNDS : 1); round++) {
      if (round > 0) await delay(ROUND_MS * round, { signal });
      const nodes = monitor.ranked().slice(0, isRead ? MOST_NODES : 1);
      const answer = await this.#askInTurn(
        nodes.map(({ endpoint }) => endpoint),
        request,
      );
      if (answer === undefined || isFinal(answer)) {
        return answer ?? refusal ?? NO_NODE;
      }
      if (refusal === undefined || answer.status === 404) refusal = answer;
    }
    return refusal ?? NO_NODE;
  }

  /**
   * The first node's answer that is final; the next node is requested where one refuses, or has not
   * answered for a moment. Else the first refusal, but that a block is missing counts more than errors.
   */
  async #askInTurn(
    nodes: readonly NodeEndpoint[],
    request: GatewayRequest,
  ): Promise<Answer | undefined> {
    const first = Promise.withResolvers<Answer | undefined>();
    const requests: AbortController[] = [];
    let refusal: Answer | undefined;
    let refused = 0;
    let patience: ReturnType<typeof setTimeout> | undefined;
    const next = () => {
      clearTimeout(patience);
      const node = nodes[requests.length];
      if (node === undefined || request.signal.aborted) {
        if (refused === requests.length) first.resolve(refusal);
        return;
      }
      const ended = new AbortController();
      requests.push(ended);
      patience = setTimeout(next, PATIENCE_MS);
      this.#ask(node, request, ended).catch((error: Error) =>
        apiError(502, error.message)
      ).then((answer) => {
        if (isFinal(answer)) {
          first.resolve(answer);
          for (const other of requests) if (other !== ended) other.abort();
          return;
        }
        refused++;
        if (refusal === undefined || answer.status === 404) refusal = answer;
        next();
      });
    };
    next();
    try {
      return await first.promise;
    } finally {
      clearTimeout(patience);
    }
  }

  async #ask(
    node: NodeEndpoint,
    request: GatewayRequest,
    ended: AbortController,
  ): Promise<Answer> {
    const { fetch } = this.#options.access;
    const { method, url: { pathname, search }, headers } = request;
    this.#underWay++;
    ended.signal.addEventListener("abort", () => this.#underWay--);
    const signal = AbortSignal.any([
      this.#options.signal,
      request.signal,
      ended.signal,
    ]);
    const query = search.slice(1);
    const accept = headers.get("accept") ?? "application/json";
    try {
      const response = await deadline(
        method === "GET" || method === "HEAD"
          ? requestNode(node, pathname, { fetch, signal, accept, query })
          : fetch(node.url(pathname, query), {
            method,
            headers: writeHeaders(node, accept, headers),
            body: request.body,
            // Required by Node for a body that is a stream.
            duplex: "half",
            redirect: "manual",
            signal,
          } as RequestInit),
        HEADERS_MS,
      );
      return await toAnswer(node, response, () => ended.abort());
    } catch (error) {
      ended.abort();
      throw new Error(
        error instanceof DOMException && error.name === "TimeoutError"
          ? `Cannot reach ${node.name}: no answer in ${HEADERS_MS} ms`
          : publicError(error, node).message,
      );
    }
  }
}

/** Whether no other node is requested: a block may be known to one node only, and later to all. */
function isFinal({ status }: Answer): boolean {
  return status < 500 && status !== 429 && status !== 404;
}

const NO_NODE: Answer = apiError(503, "No node is connected", {
  "retry-after": "1",
});
const ROUNDS = 4;
const ROUND_MS = 100;
const MOST_NODES = 4;
const MOST_UNDER_WAY = 256;
const HEADERS_MS = 10_000;
/** After so long without an answer the next node is requested beside. */
const PATIENCE_MS = 1000;
/** How long a node may pause in the middle of an answer. */
const PAUSE_MS = 30_000;
/** Of a refusal no more is passed on. */
const MOST_REFUSAL_BYTES = 64 * 1024;

/** Headers of requests that write; credentials of the reader stay here. */
function writeHeaders(
  node: NodeEndpoint,
  accept: string,
  given: Headers,
): Headers {
  const headers = node.headers(accept);
  for (const name of ["content-type", "eth-consensus-version"]) {
    const value = given.get(name);
    if (value !== null) headers.set(name, value);
  }
  return headers;
}

/** A node's answer, as soon as its first byte is here. */
async function toAnswer(
  node: NodeEndpoint,
  response: Response,
  /** Ends the request; called when nothing more is read of it. */
  abort: () => void,
): Promise<Answer> {
  const { status } = response;
  const headers: Record<string, string> = {};
  for (const [name, value] of response.headers) {
    if (PASSED_HEADERS.test(name) && !node.holdsSecret(value)) {
      headers[name] = value;
    }
  }
  if (status < 200 || (status >= 300 && status < 400)) {
    abort();
    throw new Error(`Cannot use ${node.name}: unexpected status ${status}`);
  }
  if (response.body === null) {
    abort();
    return { status, headers, body: null };
  }
  const reader = response.body.getReader();
  const read = () => deadline(reader.read(), PAUSE_MS);
  if (status >= 400) {
    const text = await readText(read);
    abort();
    return node.holdsSecret(text)
      ? apiError(status, "The node's message is not shown")
      : { status, headers, body: text };
  }
  const first = await read();
  if (first.done) {
    abort();
    return { status, headers, body: null };
  }
  let next: Uint8Array<ArrayBuffer> | undefined = first.value;
  const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
    async pull(controller) {
      try {
        const value = next ?? (await read()).value;
        next = undefined;
        if (value !== undefined) return controller.enqueue(value);
        controller.close();
        abort();
      } catch (error) {
        abort();
        throw publicError(error, node);
      }
    },
    cancel: abort,
  }, { highWaterMark: 0 });
  return { status, headers, body };
}

const PASSED_HEADERS = /^(content-type|retry-after|eth-[a-z-]+)$/;

async function readText(
  read: () => Promise<ReadableStreamReadResult<Uint8Array<ArrayBuffer>>>,
): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  while (text.length < MOST_REFUSAL_BYTES) {
    const { done, value } = await read();
    if (done) break;
    text += decoder.decode(value, { stream: true });
  }
  return text.slice(0, MOST_REFUSAL_BYTES);
}
