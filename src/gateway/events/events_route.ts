/** `GET /eth/v1/events`: the Beacon API's event stream, with positions and replay. */

import { printable } from "../../values/shown.ts";
import {
  type Answer,
  apiError,
  type GatewayRequest,
  type StreamAnswer,
} from "../answer.ts";
import type { EventHub } from "./event_hub.ts";
import { encodeKeepAlive, type Filter } from "./frame.ts";
import { parsePosition, parseSince, type Start } from "./position.ts";
import type { Resume } from "./resume.ts";

/** What the route works with. */
export interface EventsRouteOptions {
  /** The stream. */
  hub: EventHub;
  /** The topics that can be had. */
  topics: readonly string[];
  /** Finds out where a reader begins. */
  resume: Resume;
  /** Admits a reader; returns what to call when it is gone, or why it is refused. */
  admit: (address: string | undefined) => (() => void) | Answer;
}

/** Makes the route. */
export function createEventsRoute(
  options: EventsRouteOptions,
): (request: GatewayRequest) => Promise<Answer | StreamAnswer> {
  const { hub, resume, admit } = options;
  return async ({ method, url, headers, address }) => {
    let filter: Filter;
    let start: Start | undefined;
    try {
      filter = readFilter(url.searchParams, options.topics);
      start = readStart(url.searchParams, headers);
    } catch (error) {
      return apiError(400, (error as Error).message);
    }
    if (method === "HEAD") return { status: 200, headers: HEADERS, body: null };
    const leave = admit(address);
    if (typeof leave !== "function") return leave;
    try {
      const begin = await resume.find(start, filter);
      // An early position, so that a reader that receives nothing can resume too.
      begin.first.unshift(encodeKeepAlive(undefined));
      return {
        status: 200,
        headers: HEADERS,
        open: hub.open(filter, begin, leave),
      };
    } catch (error) {
      leave();
      if (error instanceof TypeError) return apiError(400, error.message);
      throw error;
    }
  };
}

const HEADERS = {
  "content-type": "text/event-stream",
  "cache-control": "no-store",
  // Proxies such as nginx would hold events back.
  "x-accel-buffering": "no",
};

/** The topic under which gaps are sent as events. */
const GAP_TOPIC = "gap";
const MOST_TOPICS = 64;
/** Where clients that cannot set the header put the id. */
const ID_PARAMETERS = [
  "last_event_id",
  "lastEventId",
  "Last-Event-ID",
  "evs_last_event_id",
];

function readFilter(query: URLSearchParams, known: readonly string[]): Filter {
  const listed = query.getAll("topics").flatMap((topics) => topics.split(","))
    .map((topic) => topic.trim()).filter((topic) => topic !== "");
  if (listed.length === 0) {
    throw new TypeError("Invalid topics: at least one topic is required");
  }
  if (listed.length > MOST_TOPICS) {
    throw new TypeError(`Invalid topics: at most ${MOST_TOPICS} are allowed`);
  }
  const wrong = listed.find((topic) =>
    topic !== GAP_TOPIC && !known.includes(topic)
  );
  if (wrong !== undefined) {
    throw new TypeError(
      `Invalid topic: ${printable(wrong, 64)}. Topics here: ${
        known.join(", ")
      }`,
    );
  }
  const topics = new Set(listed);
  const gaps = topics.delete(GAP_TOPIC);
  // The stand-in of a node that does not know `head_v2`.
  if (topics.has("head_v2") && !known.includes("head")) topics.add("head");
  const sources = query.get("sources") === "1";
  const key = [...[...topics].sort(), gaps ? 1 : 0, sources ? 1 : 0].join();
  return { key, topics, gaps, sources };
}

/** The header wins: a browser that reconnects sends it beside the query of the page. */
function readStart(
  query: URLSearchParams,
  headers: Headers,
): Start | undefined {
  const id = headers.get("last-event-id") ||
    ID_PARAMETERS.map((name) => query.get(name)).find(Boolean);
  if (id) return { type: "position", position: parsePosition(id) };
  const since = query.get("since");
  return since === null ? undefined : parseSince(since);
}
