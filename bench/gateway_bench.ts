/**
 * The gateway beside nginx with nchan and beside better-sse: 1,000 readers of ~300-byte events. All
 * servers run at the same time and are measured in turn, round by round; servers and readers are
 * processes of their own. A peer that is not installed is named as missing.
 *
 * `deno run -A bench/gateway_bench.ts [--smoke]` (Linux) prints a table in Markdown.
 */

// deno-lint-ignore-file no-console -- a script that prints

import { createServer, type ServerResponse } from "node:http";
import process from "node:process";
import { createInterface } from "node:readline";
import { SseListener } from "@org/beacon-sse";
import { createGateway, toNodeListener } from "@org/beacon-sse/gateway";

const SMOKE = Deno.args.includes("--smoke");
const READERS = SMOKE ? 50 : 1000;
const ROUNDS = SMOKE ? 1 : 2;
/** Events of a burst, by how many are sent in one turn of the event loop. */
const BURSTS = { 1: 16, 8: 64, 64: 128 } as const;
const PACED_EVENTS = SMOKE ? 30 : 120;
const TOPIC = "voluntary_exit";
/** Few, and large: sent to fill the buffers of the reader that does not read. */
const LARGE_TOPIC = "attester_slashing";
const EVENTS_PATH = "/eth/v1/events?topics=";
const encoder = new TextEncoder();

/** A server in a process of its own. */
interface Server {
  pid: number;
  port: number;
  /** Where a reader of the small events reads. */
  path: string;
  /** Where the small and the large events can be read. */
  stuckPath: string;
  /** Publishes as the line says, see `obey`; resolves when all is handed to the server. */
  tell(line: string): Promise<void>;
  close(): Promise<void>;
}

/** What was measured of a server, a value for each round. */
type Row = Record<string, number[]>;

async function main(): Promise<void> {
  await using stack = new AsyncDisposableStack();
  const stages: { name: string; server: Server; readers: Readers; row: Row }[] =
    [];
  for (const [name, start] of Object.entries(SERVERS)) {
    try {
      const server = await start();
      stack.defer(() => server.close());
      const readers = stack.use(await Readers.start(server, READERS));
      await readers.until("warm", () => server.tell("burst 1 1 warm"));
      const row = { idle: [await memoryOfReaders(server)] };
      stages.push({ name, server, readers, row });
    } catch (error) {
      console.log(`${name}: missing (${(error as Error).message})\n`);
    }
  }
  const add = (row: Row, key: string, value: number) =>
    (row[key] ??= []).push(value);
  for (let round = 0; round < ROUNDS; round++) {
    for (const [perTick, events] of Object.entries(BURSTS)) {
      for (const { server, readers, row } of stages) {
        const cpu = cpuMs(server.pid);
        const begin = performance.now();
        const line = `burst ${perTick} ${SMOKE ? perTick : events} b${round}`;
        await readers.until(`b${round}`, () => server.tell(line));
        const deliveries = (SMOKE ? Number(perTick) : events) * READERS;
        const ms = performance.now() - begin;
        add(row, `burst ${perTick}`, deliveries / ms);
        add(row, `per CPU ${perTick}`, deliveries / (cpuMs(server.pid) - cpu));
      }
    }
    for (const { server, readers, row } of stages) {
      const pace = async (mark: string) => {
        const line = `paced ${PACED_EVENTS} ${mark}`;
        await readers.until(mark, () => server.tell(line));
        return await readers.latency();
      };
      const calm = async () => {
        const cpu = cpuMs(server.pid);
        const { p50, p99 } = await pace(`calm${round}`);
        const used = cpuMs(server.pid) - cpu;
        add(row, "cpu", used * 1000 / (PACED_EVENTS * READERS));
        add(row, "p50", p50);
        add(row, "p99", p99);
      };
      if (round % 2 === 0) await calm();
      const stuck = await openStream(server.port, server.stuckPath);
      await server.tell("fill");
      add(row, "stuck p99", (await pace(`held${round}`)).p99);
      stuck.close();
      if (round % 2 === 1) await calm();
    }
  }
  console.log(`Load of the machine: ${Deno.loadavg()[0]!.toFixed(1)}.\n`);
  printTable(stages);
  await measureAddedLatency(stack);
}

function printTable(stages: readonly { name: string; row: Row }[]): void {
  const thousands = (perMs: number) => `${perMs.toFixed(0)} k/s`;
  const ms = (value: number) => `${value.toFixed(1)} ms`;
  const columns: Record<string, (row: Row) => string> = {
    "idle reader": ({ idle }) => `${(median(idle!) / 1024).toFixed(1)} kB`,
    ...Object.fromEntries(
      Object.keys(BURSTS).map((perTick) => [
        `burst, ${perTick} a tick (per CPU second)`,
        (row: Row) =>
          `${thousands(median(row[`burst ${perTick}`]!))} (${
            median(row[`per CPU ${perTick}`]!).toFixed(0)
          } k)`,
      ]),
    ),
    "CPU for a delivery at 60/s": ({ cpu }) => `${median(cpu!).toFixed(1)} µs`,
    "p50 / p99": ({ p50, p99 }) => `${ms(median(p50!))} / ${ms(median(p99!))}`,
    "p99 beside a stuck reader": (row) => {
      const moved = median(
        row["stuck p99"]!.map((held, round) => held / row["p99"]![round]! - 1),
      );
      const percent = `${moved < 0 ? "−" : "+"}${
        Math.abs(moved * 100).toFixed(0)
      } %`;
      return `${ms(median(row["stuck p99"]!))} (${percent})`;
    },
  };
  console.log(`| server | ${Object.keys(columns).join(" | ")} |`);
  console.log(`|---|${"---:|".repeat(Object.keys(columns).length)}`);
  for (const { name, row } of stages) {
    const cells = Object.values(columns).map((column) => column(row));
    console.log(`| ${name} | ${cells.join(" | ")} |`);
  }
  const [gateway] = stages;
  const peer = stages.find(({ name }) => name.includes("nchan"));
  if (gateway === undefined || peer === undefined) return;
  const ratio = (key: string) =>
    `${
      median(gateway.row[key]!.map((value, i) => value / peer.row[key]![i]!))
        .toFixed(1)
    }×`;
  console.log(
    `\nAgainst nchan, medians of ${ROUNDS} rounds: ${
      ratio("burst 8")
    } the deliveries at 8 events a tick, ${ratio("burst 64")} at 64, and ${
      ratio("cpu")
    } the CPU for a delivery at 60 events a second.`,
  );
}

/** One reader of a node itself, one of a gateway over it, and the crowd at that gateway. */
async function measureAddedLatency(
  stack: AsyncDisposableStack,
): Promise<void> {
  const start = async (...args: string[]) => {
    const server = await startSelf(...args);
    stack.defer(() => server.close());
    return server;
  };
  const node = await start("node");
  const gateway = await start("gateway", `http://127.0.0.1:${node.port}`);
  const direct = stack.use(await Readers.start(node, 1));
  const alone = stack.use(await Readers.start(gateway, 1));
  const rows: [string, { p50: number; p99: number }, Readers][] = [];
  const measure = async (name: string, readers: Readers) => {
    await readers.until(
      name,
      () =>
        direct.until(name, () => node.tell(`paced ${PACED_EVENTS} ${name}`)),
    );
    const [from, through] = [await direct.latency(), await readers.latency()];
    const added = { p50: through.p50 - from.p50, p99: through.p99 - from.p99 };
    rows.push([name, added, readers]);
  };
  await measure("alone", alone);
  const crowd = stack.use(await Readers.start(gateway, READERS));
  await measure("crowd", crowd);
  const [one, many] = rows.map(([, { p50, p99 }]) =>
    `${p50.toFixed(1)} ms at the median and ${p99.toFixed(1)} ms at p99`
  );
  console.log(
    `\nThe gateway adds ${one} to what a reader of the node itself sees, and ${many} with ${READERS} readers.`,
  );
}

/** Bytes of resident memory that each of a second crowd needs: the first brings what is needed once. */
async function memoryOfReaders(server: Server): Promise<number> {
  const before = rss(server.pid);
  await using second = await Readers.start(server, READERS);
  await second.until("second", () => server.tell("burst 1 1 second"));
  return (rss(server.pid) - before) / READERS;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1]!;
}

function rss(pid: number): number {
  const status = Deno.readTextFileSync(`/proc/${pid}/status`);
  return Number(/VmRSS:\s+(\d+)/.exec(status)![1]) * 1024;
}

function cpuMs(pid: number): number {
  const fields = Deno.readTextFileSync(`/proc/${pid}/stat`).split(") ")[1]!
    .split(" ");
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

/** Opens a stream as a client that reads nothing unless it is made to. */
async function openStream(port: number, path: string): Promise<Deno.Conn> {
  const connection = await Deno.connect({ hostname: "127.0.0.1", port });
  const request =
    `GET ${path} HTTP/1.1\r\nhost: bench\r\naccept: text/event-stream\r\n\r\n`;
  await connection.write(encoder.encode(request));
  // With the headers here, the server has the reader.
  await connection.read(new Uint8Array(4096));
  return connection;
}

/** The process of the readers, spoken to by lines. */
class Readers implements AsyncDisposable {
  readonly #child: Child;

  private constructor(child: Child) {
    this.#child = child;
  }

  static async start({ port, path }: Server, count: number): Promise<Readers> {
    const child = spawnSelf("readers", `${port}`, path, `${count}`);
    await child.line();
    return new Readers(child);
  }

  /** Publishes, and waits until each reader has received the mark. */
  async until(mark: string, publish: () => Promise<void>): Promise<void> {
    await this.#child.write(mark);
    await this.#child.line();
    await publish();
    await this.#child.line();
  }

  /** Latencies since the last mark was set, in milliseconds. */
  async latency(): Promise<{ p50: number; p99: number }> {
    await this.#child.write("latency");
    return JSON.parse(await this.#child.line());
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#child.kill();
  }
}

/** A child process that takes lines and answers with lines. */
type Child = ReturnType<typeof spawn>;

function spawn(command: string, args: string[]) {
  const child = new Deno.Command(command, {
    args,
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  const lines = linesOf(child.stdout);
  return {
    pid: child.pid,
    write: (line: string) => writer.write(encoder.encode(`${line}\n`)),
    async line(): Promise<string> {
      const { done, value } = await lines.next();
      if (done) throw new Error(`${command} has ended`);
      return value;
    },
    async kill() {
      child.kill("SIGKILL");
      await child.status;
    },
  };
}

function spawnSelf(...args: string[]): Child {
  const own = ["run", "-A", "--quiet", import.meta.filename!, ...args];
  return spawn(Deno.execPath(), own);
}

async function* linesOf(
  stream: ReadableStream<Uint8Array<ArrayBuffer>>,
): AsyncGenerator<string> {
  let rest = "";
  for await (const text of stream.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop()!;
    yield* lines;
  }
}

/** The process of the readers. */
async function runReaders(
  port: number,
  path: string,
  count: number,
): Promise<void> {
  let mark = "";
  let waiting = new Set<number>();
  let latencies: number[] = [];
  const decoder = new TextDecoder();
  const read = async (index: number, connection: Deno.Conn) => {
    const buffer = new Uint8Array(64 * 1024);
    for (;;) {
      const size = await connection.read(buffer);
      if (size === null) throw new Error("a server ended a stream");
      const tail = decoder.decode(
        buffer.subarray(Math.max(0, size - 500), size),
      );
      if (index % 10 === 0) {
        const micros = /"validator_index":"(\d+)"/.exec(tail)?.[1];
        const now = (performance.timeOrigin + performance.now()) * 1000;
        if (micros !== undefined) latencies.push((now - Number(micros)) / 1000);
      }
      if (mark !== "" && tail.includes(`"epoch":"${mark}"`)) {
        if (waiting.delete(index) && waiting.size === 0) console.log("done");
      }
    }
  };
  for (let index = 0; index < count; index++) {
    void read(index, await openStream(port, path));
  }
  console.log("open");
  for await (const line of linesOf(Deno.stdin.readable)) {
    if (line === "latency") {
      const sorted = latencies.sort((a, b) => a - b);
      const at = (share: number) =>
        sorted[Math.floor(sorted.length * share)] ?? 0;
      console.log(JSON.stringify({ p50: at(0.5), p99: at(0.99) }));
      continue;
    }
    mark = line;
    latencies = [];
    waiting = new Set(Array.from({ length: count }, (_, index) => index));
    console.log("ready");
  }
}

/** A server that takes lines: ours, and better-sse's. */
async function lineServer(
  child: Child,
  path: string,
  stuckPath: string,
): Promise<Server> {
  return {
    pid: child.pid,
    port: Number(await child.line()),
    path,
    stuckPath,
    async tell(line) {
      await child.write(line);
      await child.line();
    },
    close: () => child.kill(),
  };
}

function startSelf(...args: string[]): Promise<Server> {
  const path = EVENTS_PATH + TOPIC;
  return lineServer(spawnSelf(...args), path, `${path},${LARGE_TOPIC}`);
}

const SERVERS: Record<string, () => Promise<Server>> = {
  "gateway, node:http": () => startSelf("gateway"),
  "gateway, Deno.serve": () => startSelf("web"),
  async "nginx + nchan"() {
    await new Deno.Command("nginx", { args: ["-v"], stderr: "null" }).output();
    const folder = await Deno.makeTempDir();
    const free = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const { port } = free.addr;
    free.close();
    await Deno.writeTextFile(
      `${folder}/nginx.conf`,
      `daemon off; master_process off; pid ${folder}/pid; error_log ${folder}/error.log;
load_module /usr/lib/nginx/modules/ngx_nchan_module.so;
events { worker_connections 8192; }
http { access_log off; client_body_temp_path ${folder}/b; proxy_temp_path ${folder}/p;
fastcgi_temp_path ${folder}/f; uwsgi_temp_path ${folder}/u; scgi_temp_path ${folder}/s;
keepalive_requests 1000000; client_max_body_size 10m; nchan_message_buffer_length 4096;
server { listen 127.0.0.1:${port};
location /${TOPIC} { nchan_publisher; nchan_channel_id a; }
location /${LARGE_TOPIC} { nchan_publisher; nchan_channel_id b; }
location /sub { nchan_subscriber eventsource; nchan_channel_id a; nchan_subscriber_first_message newest; }
location /stuck { nchan_subscriber eventsource; nchan_channel_id a b; nchan_subscriber_first_message newest; } } }`,
    );
    const child = new Deno.Command("nginx", {
      args: ["-c", `${folder}/nginx.conf`, "-p", folder],
      stderr: "null",
    }).spawn();
    const post = async (topic: string, body: string) => {
      const headers = { "x-eventsource-event": topic };
      const url = `http://127.0.0.1:${port}/${topic}`;
      const response = await fetch(url, { method: "POST", headers, body });
      await response.body?.cancel();
    };
    for (let i = 0;; i++) {
      try {
        await post(TOPIC, payload("first"));
        break;
      } catch (error) {
        if (i === 50) throw error;
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    }
    return {
      pid: child.pid,
      port,
      path: "/sub",
      stuckPath: "/stuck",
      // Each event is a request of its own; as many at a time as a tick has, the last one behind them.
      tell: (line) =>
        obey(line, async (topic, events) => {
          const last = events.pop()!;
          await Promise.all(events.map((event) => post(topic, event)));
          await post(topic, last);
        }),
      async close() {
        child.kill("SIGKILL");
        await child.status;
        await Deno.remove(folder, { recursive: true });
      },
    };
  },
  async "better-sse, node"() {
    const folder = await Deno.makeTempDir();
    const install = await new Deno.Command("npm", {
      args: ["i", "--silent", "--prefix", folder, "better-sse@0.16.1"],
      stdout: "null",
      stderr: "null",
    }).output();
    if (!install.success) throw new Error("npm cannot install it");
    await Deno.writeTextFile(`${folder}/server.mjs`, BETTER_SSE);
    const child = spawn("node", [`${folder}/server.mjs`]);
    return await lineServer(child, "/", "/stuck");
  },
};

/** About 300 bytes on the wire; the time in microseconds and the mark are found in its text. */
function payload(mark: string): string {
  const now = (performance.timeOrigin + performance.now()) * 1000;
  const micros = payload.last = Math.max(Math.round(now), payload.last + 1);
  const signature = "0x" + "ab".repeat(96);
  return `{"message":{"epoch":"${mark}","validator_index":"${micros}"},"signature":"${signature}"}`;
}
payload.last = 0;

/** 2.6 MB, as large as they come. */
function largePayload(): string {
  const micros = payload.last++;
  const root = "0x" + "12".repeat(32);
  const checkpoint = { epoch: "1", root };
  const attestation = {
    attesting_indices: Array.from({ length: 131_072 }, (_, i) => `${i + 1e6}`),
    data: {
      slot: "32",
      index: "0",
      beacon_block_root: root,
      source: checkpoint,
      target: checkpoint,
    },
    signature: "0x" + `${micros}`.padStart(192, "0"),
  };
  return JSON.stringify({
    attestation_1: attestation,
    attestation_2: attestation,
  });
}

/**
 * Publishes what a line says: `burst PER_TICK EVENTS MARK`, `paced EVENTS MARK` (60 events a second) or
 * `fill`. The last event has the mark.
 */
async function obey(
  line: string,
  send: (topic: string, events: string[]) => unknown,
): Promise<void> {
  const [kind, ...rest] = line.split(" ");
  if (kind === "fill") {
    for (let i = 0; i < 4; i++) {
      await send("attester_slashing", [largePayload()]);
    }
    return;
  }
  const mark = rest.pop()!;
  const events = Number(rest.pop());
  const perTick = Number(rest.pop() ?? 1);
  const begin = performance.now();
  for (let sent = perTick; sent <= events; sent += perTick) {
    const texts = Array.from(
      { length: perTick },
      (_, i) => payload(sent === events && i === perTick - 1 ? mark : "0"),
    );
    await send("voluntary_exit", texts);
    const until = kind === "paced" ? begin + sent * 1000 / 60 : 0;
    await new Promise((resolve) =>
      setTimeout(resolve, Math.max(0, until - performance.now()))
    );
  }
}

/** Publishes what the lines at standard input say. */
async function obeyInput(
  send: (topic: string, events: string[]) => unknown,
): Promise<void> {
  for await (const line of createInterface({ input: process.stdin })) {
    await obey(line, send);
    console.log("told");
  }
}

const BETTER_SSE = `
import { createServer } from "node:http";
import { createInterface } from "node:readline";
import { createChannel, createSession } from "better-sse";
${payload}
payload.last = 0;
${largePayload}
${obey}
${obeyInput}
const channels = { ${TOPIC}: createChannel(), ${LARGE_TOPIC}: createChannel() };
const server = createServer(async (request, response) => {
  const session = await createSession(request, response, { serializer: (data) => data });
  channels.${TOPIC}.register(session);
  if (request.url === "/stuck") channels.${LARGE_TOPIC}.register(session);
});
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
await obeyInput((topic, events) => {
  for (const event of events) channels[topic].broadcast(event, topic);
});
`;

const HEADERS = { "content-type": "text/event-stream" };

function frames(topic: string, events: readonly string[]): string {
  return events.map((data) => `event: ${topic}\ndata: ${data}\n\n`).join("");
}

function listen(server: ReturnType<typeof createServer>): void {
  server.listen(0, "127.0.0.1", () => {
    console.log((server.address() as { port: number }).port);
  });
}

/** The process of a gateway, over the node at a URL, or over one that is a `fetch`. */
async function runGateway(isWeb: boolean, url?: string): Promise<void> {
  let controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  const inMemory: typeof fetch = (input) => {
    if (!String(input).includes("/eth/v1/events")) {
      return Promise.resolve(new Response(null, { status: 404 }));
    }
    const body = new ReadableStream<Uint8Array>({
      start: (own) => void (controller = own),
    });
    return Promise.resolve(new Response(body, { headers: HEADERS }));
  };
  const listener = await SseListener.start({
    nodes: [url ?? "http://in.memory"],
    topics: [TOPIC, LARGE_TOPIC],
    config: {
      genesisTime: 1_606_824_023_000,
      slotDurationMs: 12_000,
      slotsPerEpoch: 32,
    },
    ...(url === undefined && { fetch: inMemory }),
  });
  await listener.ready;
  const gateway = createGateway(listener);
  if (isWeb) {
    Deno.serve({
      hostname: "127.0.0.1",
      port: 0,
      onListen: ({ port }) => console.log(port),
    }, gateway.fetch);
  } else listen(createServer(toNodeListener(gateway)));
  await obeyInput((topic, events) =>
    controller!.enqueue(encoder.encode(frames(topic, events)))
  );
}

/** The process of a node: nothing but its event stream. */
async function runNode(): Promise<void> {
  const readers = new Set<ServerResponse>();
  listen(createServer((request, response) => {
    if (!request.url!.startsWith("/eth/v1/events")) {
      return response.writeHead(404).end();
    }
    response.writeHead(200, HEADERS).flushHeaders();
    response.socket!.setNoDelay(true);
    readers.add(response);
  }));
  await obeyInput((topic, events) => {
    for (const reader of readers) reader.write(frames(topic, events));
  });
}

// Not where `deno bench` loads all benches: this one needs minutes, and more permissions.
if (import.meta.main) {
  const [mode, ...rest] = Deno.args;
  if (mode === "readers") {
    await runReaders(Number(rest[0]), rest[1]!, Number(rest[2]));
  } else if (mode === "gateway" || mode === "web") {
    await runGateway(mode === "web", rest[0]);
  } else if (mode === "node") await runNode();
  else await main();
}
