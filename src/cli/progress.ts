/** What the command waits for, on one line of the terminal that is refreshed in place. */

import type { NodeSnapshot } from "../listener/node_state.ts";
import type { DisconnectedStatus } from "../listener/node_status.ts";
import type { SseListener } from "../listener/sse_listener.ts";
import type { Output } from "./host.ts";
import { fitStart } from "./pretty_line.ts";
import { addHint } from "./log_line.ts";

/** Shows a line until the first event. */
export class Progress {
  readonly #terminal: Pick<Output, "writeSync">;
  readonly #width: () => number;
  readonly #now: () => number;
  readonly #encoder = new TextEncoder();
  /** The last disconnect of each node. */
  readonly #ends = new Map<string, DisconnectedStatus>();
  readonly #over = new AbortController();
  #timer: ReturnType<typeof setInterval> | undefined;
  #isShown = false;

  constructor(
    terminal: Pick<Output, "writeSync">,
    width: () => number,
    now: () => number = Date.now,
  ) {
    this.#terminal = terminal;
    this.#width = width;
    this.#now = now;
  }

  /** Shows what a listener is waiting for, from now on. */
  follow(listener: Pick<SseListener, "nodes" | "status">): void {
    const { signal } = this.#over;
    if (signal.aborted) return;
    const startedAt = this.#now();
    const show = () => {
      const now = this.#now();
      const line = describeWait(listener.nodes, this.#ends, now, startedAt);
      this.#write(`\r\x1b[K${fitStart(line, this.#width() - 1)}`);
      this.#isShown = true;
    };
    this.#timer = setInterval(show, 1000);
    show();
    const statuses = listener.status({ signal });
    (async () => {
      for await (const status of statuses) {
        if (status.type === "disconnected") this.#ends.set(status.node, status);
      }
    })();
  }

  /** Takes the line away to make room for another one; it comes back with the next second. */
  hide(): void {
    if (this.#isShown) this.#write("\r\x1b[K");
    this.#isShown = false;
  }

  end(): void {
    clearInterval(this.#timer);
    this.#over.abort();
    this.hide();
  }

  #write(text: string): void {
    try {
      this.#terminal.writeSync(this.#encoder.encode(text));
    } catch {
      // The terminal is gone; the command ends when its output is.
    }
  }
}

function describeWait(
  nodes: readonly NodeSnapshot[],
  ends: ReadonlyMap<string, DisconnectedStatus>,
  now: number,
  startedAt: number,
): string {
  const seconds = (ms: number) => `${Math.max(0, Math.round(ms / 1000))} s`;
  const away = nodes.filter(({ state }) => state !== "connected");
  const end = away.map(({ name }) => ends.get(name)).find((end) => end);
  const connected = nodes.length - away.length;
  const who = nodes.length === 1
    ? "Connected"
    : `${connected} of ${nodes.length} nodes connected`;
  const what = connected > 0
    ? `${who}, waiting for the first event`
    : end === undefined
    ? `Connecting to ${nodes.map(({ name }) => name).join(", ")}`
    : "No node is connected";
  const waited = `${what} (${seconds(now - startedAt)})`;
  if (end === undefined) return waited;
  const retryInMs = end.at + end.retryInMs - now;
  const retry = retryInMs > 0
    ? `next attempt in ${seconds(retryInMs)}`
    : "connecting again";
  return `${waited}, ${retry}: ${addHint(end.error.message, end.error)}`;
}
