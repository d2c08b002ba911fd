/** The gateway: many nodes in, one beacon node out. */

import type { SseListener } from "../listener/sse_listener.ts";
import { accessOf } from "../listener/listener_access.ts";
import { refuse } from "../values/check.ts";
import { printable } from "../values/shown.ts";
import { ReaderLimits, TokenCheck } from "./access.ts";
import { type Answer, apiError, type Handle, json, plain } from "./answer.ts";
import { Api } from "./api.ts";
import { ChainHistory } from "./events/chain_history.ts";
import { EventHub } from "./events/event_hub.ts";
import { createEventsRoute } from "./events/events_route.ts";
import { GapCoverage } from "./events/gap_coverage.ts";
import { MissingEvents } from "./events/missing_events.ts";
import { PastReplay } from "./events/past_replay.ts";
import { Resume } from "./events/resume.ts";
import { checkGatewayOptions, type GatewayOptions } from "./gateway_options.ts";
import { answerMetrics } from "./metrics_route.ts";
import { NodeMonitor } from "./nodes/node_monitor.ts";
import { pageHeaders, renderPage } from "./page/page.ts";
import { isPassedRead, PassOn } from "./nodes/pass_on.ts";
import { type ConnectionInfo, toResponse } from "./web_response.ts";

/** A running gateway. */
export interface Gateway {
  /**
   * Answers a request; a handler for `Deno.serve`, `Bun.serve` and workers.
   *
   * @param request The request.
   * @param info The peer's address, for the limit of readers for each address.
   */
  fetch(request: Request, info?: ConnectionInfo): Promise<Response>;
  /** Ends all streams cleanly. The listener goes on. */
  close(): Promise<void>;
}

const handles = new WeakMap<Gateway, Handle>();

/** The way into a gateway past `Request` and `Response`, for `toNodeListener()`. */
export function handleOf(gateway: Gateway): Handle | undefined {
  return handles.get(gateway);
}

/**
 * Creates a gateway over a listener. To its readers it is a beacon node:
 *
 * - `GET /eth/v1/events`: the listener's events, each once, as the nodes sent them. A reader that
 *   comes back receives what it missed.
 * - Reads of the Beacon API that clients of a node need (genesis, spec, version, syncing, health,
 *   identity, headers, blocks, finality checkpoints), from a healthy, synced node.
 * - `/`: a live page of nodes, slots and reorgs; `/api/nodes` and `/api/race`: what it shows, as JSON.
 * - `/healthz`, `/readyz`, `/metrics`.
 *
 * @param listener The listener, which the gateway does not close.
 * @param options Limits, token, what is kept.
 * @throws {TypeError} If an option is of the wrong kind; the message names it and its value.
 * @throws {RangeError} If a number is out of its range; the message names it and its value.
 *
 * @example Usage
 * ```ts
 * import { SseListener, subscribe } from "@org/beacon-sse";
 * import { createGateway } from "@org/beacon-sse/gateway";
 * import { SimulatedBeaconNode } from "@org/beacon-sse/testing";
 * import { assertEquals } from "@std/assert";
 *
 * await using node = await SimulatedBeaconNode.start({ slotDurationMs: 500 });
 * await using listener = await SseListener.start({ nodes: [node.url] });
 * const gateway = createGateway(listener);
 * const options = { hostname: "127.0.0.1", port: 0, onListen() {} };
 * await using server = Deno.serve(options, gateway.fetch);
 *
 * for await (const event of subscribe(`http://127.0.0.1:${server.addr.port}`, { topics: ["head"] })) {
 *   assertEquals(event.topic, "head");
 *   break;
 * }
 * await gateway.close();
 * ```
 */
export function createGateway(
  listener: SseListener,
  options: GatewayOptions = {},
): Gateway {
  const access = accessOf(listener);
  if (access === undefined) {
    refuse("create gateway", "listener", "an SseListener", listener);
  }
  const checked = checkGatewayOptions(options);
  const { token, keepEvents, keepBytes, keepAliveMs, history } = checked;
  const ended = new AbortController();
  const { signal } = ended;
  const startedAt = access.now();
  const startSlot = () => listener.clock?.slotAt(startedAt);
  const monitor = new NodeMonitor({
    access,
    slotDurationMs: () =>
      listener.clock?.slotDurationMs(listener.clock.slotAt(access.now())) ??
        12_000,
    signal,
  });
  const hub = new EventHub({
    epoch: newEpoch(),
    now: access.now,
    currentSlot: () => listener.clock?.slotAt(access.now()),
    startSlot,
    maxEvents: keepEvents,
    maxBytes: keepBytes,
    keepAliveMs,
  });
  let isRunning = true;
  const missing = new MissingEvents({ access, startSlot });
  const fed = feed(listener, access.topics, hub, missing, signal).finally(
    () => {
      isRunning = false;
      hub.close();
      ended.abort();
    },
  );
  const running = Promise.all([fed, monitor.run()]);
  const limits = new ReaderLimits(checked);
  const tokens = token === undefined ? undefined : new TokenCheck(token);
  const { now, topics } = access;
  const past = history && new PastReplay({
    hub,
    history,
    clock: () => listener.clock,
    now,
    topics,
    signal,
  });
  const resume = new Resume({
    hub,
    topics: access.topics,
    clock: () => listener.clock,
    startedAt,
    history: new ChainHistory({
      access,
      monitor,
      clock: () => listener.clock,
      signal,
    }),
    past,
    signal,
  });
  const passOn = new PassOn({
    access,
    monitor,
    isNews: (root) => hub.isNews(root),
    signal,
  });
  const api = new Api({ access, monitor, clock: () => listener.clock });
  const races = listener.race({ signal });
  const raced = (async () => {
    for await (const record of races) api.add(record);
  })();
  const routes = new Map<string, Handle>([
    [
      "/eth/v1/events",
      createEventsRoute({
        hub,
        topics: access.topics,
        resume,
        admit: (address) => limits.admit(address),
      }),
    ],
    ["/metrics", (request) => answerMetrics(listener.registry, request)],
    ["/api/nodes", () => Promise.resolve(api.nodes())],
    ["/api/race", (request) => Promise.resolve(api.race(request))],
    ["/", page],
  ]);

  const handle: Handle = async (request) => {
    const { method, url: { pathname, href } } = request;
    if (href.length > MOST_URL_UNITS) {
      return apiError(
        414,
        `URI too long: at most ${MOST_URL_UNITS} characters`,
      );
    }
    if (method === "OPTIONS") return PREFLIGHT;
    if (pathname === "/healthz" || pathname === "/readyz") {
      return isRead(method) ? health(pathname) : notAllowed(method);
    }
    const refusal = await tokens?.refusal(request);
    if (refusal !== undefined) return refusal;
    if (!isRunning) {
      return apiError(503, "The gateway is closed", { "retry-after": "5" });
    }
    const route = routes.get(pathname);
    if (route !== undefined) {
      return isRead(method) ? await route(request) : notAllowed(method);
    }
    if (checked.passAll || (isRead(method) && isPassedRead(pathname))) {
      return await passOn.answer(request);
    }
    return apiError(404, `Not found: ${printable(pathname, 100)}`);
  };

  function page(): Promise<Answer> {
    const nonce = crypto.randomUUID();
    return Promise.resolve({
      status: 200,
      headers: pageHeaders(nonce),
      body: renderPage(nonce),
    });
  }

  function health(path: string): Answer {
    if (path === "/healthz") return plain(isRunning ? 200 : 503);
    const clock = listener.clock !== undefined;
    const ready = isRunning && clock &&
      listener.nodes.some(({ state }) => state === "connected");
    // Only a reader with the token may see the names of nodes.
    const nodes = tokens === undefined ? { nodes: api.nodeStates() } : {};
    return json({ ready, clock, ...nodes }, ready ? 200 : 503);
  }

  const guarded: Handle = async (request) => {
    try {
      const answer = await handle(request);
      return { ...answer, headers: { ...COMMON, ...answer.headers } };
    } catch {
      // Its message may hold credentials.
      return apiError(500, "Internal error", COMMON);
    }
  };
  const gateway: Gateway = {
    fetch: (request, info) => toResponse(guarded, request, info),
    async close() {
      ended.abort();
      await Promise.all([running, raced]);
    },
  };
  handles.set(gateway, guarded);
  return gateway;
}

/** No request that the gateway or a node knows needs a longer one. */
const MOST_URL_UNITS = 8192;

/** Any page may read what a beacon node publishes: a browser does not add the token for it. */
const COMMON = {
  "access-control-allow-origin": "*",
  "cache-control": "no-store",
};

const PREFLIGHT: Answer = {
  status: 204,
  headers: {
    "access-control-allow-methods": "GET, HEAD, OPTIONS",
    "access-control-allow-headers": "*, authorization",
    "access-control-max-age": "86400",
  },
  body: null,
};

function isRead(method: string): boolean {
  return method === "GET" || method === "HEAD";
}

function notAllowed(method: string): Answer {
  return apiError(405, `Method not allowed: ${printable(method, 20)}`, {
    allow: "GET, HEAD, OPTIONS",
  });
}

/** A name that no other run has: the time, and a random number. */
function newEpoch(): string {
  const [chance] = crypto.getRandomValues(new Uint32Array(1));
  return Date.now().toString(36) + chance!.toString(36);
}

/** Takes events and gaps of the listener until either ends. */
async function feed(
  listener: SseListener,
  topics: readonly string[],
  hub: EventHub,
  missing: MissingEvents,
  signal: AbortSignal,
): Promise<void> {
  const events = listener.events({ topics, raw: true, signal });
  const statuses = listener.status({ signal });
  const coverage = new GapCoverage(
    () => listener.clock,
    (name) => listener.nodes.find((node) => node.name === name)?.lastEventAt,
  );
  let dropped = 0;
  const gaps = async () => {
    for await (const status of statuses) {
      const gap = coverage.take(status);
      if (gap === undefined) continue;
      const count = status.type === "gap" ? status.count ?? 1 : 1;
      if (status.type === "gap" && status.kind === "queue") {
        // Another subscriber of the listener may have lost them.
        if (events.dropped === dropped) continue;
        dropped = events.dropped;
      }
      missing.addGap(gap);
      hub.addGap(gap, count, status.node);
    }
  };
  const passed = (async () => {
    for await (const event of events) {
      if (missing.isOfBefore(event, hub.slot)) continue;
      for (const gap of missing.before(event, coverage.since(event.node))) {
        hub.addGap(gap, gap.to - gap.from + 1, event.node);
      }
      hub.publish(event);
    }
  })();
  await Promise.all([gaps(), passed]);
}
