/** Answers requests as a node does that has faults; without any, it is the node's own API. */

import type { ActiveFault, FaultHandle } from "../faults/active_fault.ts";
import type { BeaconApi } from "./beacon_api.ts";
import { isAt } from "./endpoint.ts";
import {
  askedTopics,
  type EventStreams,
  streamResponse,
} from "./event_streams.ts";
import type { FaultOf, NodeFault } from "../faults/fault.ts";
import {
  hangUntil,
  statusResponse,
  topicRefusal,
  withFirstBytes,
} from "../faults/fault_answers.ts";
import type { FaultSet } from "../faults/fault_set.ts";
import type { IncomingRequest } from "./http_server.ts";
import { seededWords, takeHex } from "./random.ts";
import type { StreamStriker } from "../faults/stream_striker.ts";

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
      if (!answer) continue;
      // What hangs ends with its fault; any other answer is complete.
      if (answer instanceof Response) endIfSpent(handle);
      return answer;
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
    const isFirstOnly = isRepeated && this.#strike("repeated-topics");
    const topics = isFirstOnly
      ? query.get("topics")!.split(",")
      : askedTopics(query);
    const refusal = streams.refusal(topics);
    if (refusal) return refusal;
    const connection = streams.open(topics, query, headers);
    for (const handle of faults.striking()) {
      striker.strike(handle, connection, "new");
    }
    const wrongType = this.#strike("content-type");
    const contentType = wrongType && (wrongType.contentType ?? "text/html");
    return this.#strike("late-headers")
      ? withFirstBytes(connection.body, contentType)
      : streamResponse(connection.body, contentType);
  }

  /** Strikes with the oldest fault of a type; `undefined` where there is none. */
  #strike<T extends NodeFault["type"]>(
    type: T,
  ): Readonly<FaultOf<NodeFault, T>> | undefined {
    const [handle] = this.#options.faults.ofType(type);
    if (!handle?.strike()) return undefined;
    endIfSpent(handle);
    return handle.fault;
  }
}

/** Ends a fault that has used up its times. */
function endIfSpent(handle: ActiveFault & { isStriking: boolean }): void {
  if (!handle.isStriking) handle.heal();
}
