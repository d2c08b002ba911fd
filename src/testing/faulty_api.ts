/** Answers requests as a node does that has faults; without any, it is the node's own API. */

import type { FaultHandle } from "./active_fault.ts";
import type { BeaconApi } from "./beacon_api.ts";
import { isAt } from "./endpoint.ts";
import {
  askedTopics,
  type EventStreams,
  streamResponse,
} from "./event_streams.ts";
import type { NodeFault } from "./fault.ts";
import {
  hangUntil,
  statusResponse,
  topicRefusal,
  withFirstBytes,
} from "./fault_answers.ts";
import type { FaultSet } from "./fault_set.ts";
import type { IncomingRequest } from "./http_server.ts";
import { seededWords, takeHex } from "./random.ts";
import type { StreamStriker } from "./stream_striker.ts";

/** Options for {@linkcode FaultyApi}. */
export interface FaultyApiOptions {
  /** Answers what no fault strikes. */
  api: BeaconApi;
  /** Opens event streams. */
  streams: EventStreams;
  /** Puts faults on them. */
  striker: StreamStriker;
  /** The faults that are on. */
  faults: FaultSet<NodeFault>;
  /** Decides the root of another chain. */
  seed: number;
  /** Ends long answers. */
  signal: AbortSignal;
}

/** An answer, or the promise of one. */
type Answer = Response | Promise<Response>;

/** The HTTP endpoints of a simulated node with faults. */
export class FaultyApi {
  readonly #options: FaultyApiOptions;

  constructor(options: FaultyApiOptions) {
    this.#options = options;
  }

  /** Answers a request; the oldest fault that strikes it decides how. */
  respond(request: IncomingRequest): Answer {
    const { api, faults } = this.#options;
    if (faults.size === 0 || request.method !== "GET") {
      return api.respond(request);
    }
    for (const handle of faults.striking()) {
      const answer = this.#struck(handle, request);
      if (answer) return answer;
    }
    return isAt("events", request.path)
      ? this.#stream(request)
      : api.respond(request);
  }

  /** What a request gets from one fault; `undefined` where it is not struck. */
  #struck(
    handle: FaultHandle<NodeFault>,
    request: IncomingRequest,
  ): Answer | undefined {
    const { api, seed, signal } = this.#options;
    const { fault } = handle;
    const isEvents = isAt("events", request.path);
    switch (fault.type) {
      case "status":
        if (!isAt(fault.endpoint ?? "events", request.path)) return undefined;
        return handle.strike() ? statusResponse(fault, signal) : undefined;
      case "hang":
        if (!isAt(fault.endpoint ?? "events", request.path)) return undefined;
        return handle.strike() ? hangUntil(handle.healed) : undefined;
      case "empty":
        return isEvents && handle.strike() ? streamResponse(null) : undefined;
      case "other-chain":
        if (!isAt("genesis", request.path) || !handle.strike()) {
          return undefined;
        }
        return api.genesis(
          fault.root ?? takeHex(seededWords(seed, "other validators"), 32),
        );
      case "refuse-topics": {
        const topic = askedTopics(request.query).find((topic) =>
          fault.topics.includes(topic)
        );
        if (!isEvents || topic === undefined || !handle.strike()) {
          return undefined;
        }
        return topicRefusal(fault, topic);
      }
      case "joined-topics": {
        const list = request.query.getAll("topics").find((list) =>
          list.includes(",")
        );
        if (!isEvents || list === undefined || !handle.strike()) {
          return undefined;
        }
        return fault.answer === "hang"
          ? hangUntil(handle.healed)
          : topicRefusal(fault, list);
      }
      default:
        return undefined;
    }
  }

  #stream({ query, headers }: IncomingRequest): Answer {
    const { streams, striker, faults } = this.#options;
    const isRepeated = query.getAll("topics").length > 1;
    const isFirstOnly = isRepeated &&
      faults.ofType("repeated-topics")[0]?.strike();
    const topics = isFirstOnly
      ? query.get("topics")!.split(",")
      : askedTopics(query);
    const refusal = streams.refusal(topics);
    if (refusal) return refusal;
    const connection = streams.open(topics, query, headers);
    for (const handle of faults.striking()) {
      striker.strike(handle, connection, "new");
    }
    const wrongType = faults.ofType("content-type")[0];
    const contentType = wrongType?.strike()
      ? wrongType.fault.contentType ?? "text/html"
      : undefined;
    const isLate = faults.ofType("late-headers")[0]?.strike();
    return isLate
      ? withFirstBytes(connection.body, contentType)
      : streamResponse(connection.body, contentType);
  }
}
