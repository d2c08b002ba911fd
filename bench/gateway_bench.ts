/**
 * The gateway beside nginx with nchan and beside better-sse: 1,000 readers of ~300-byte events, in
 * one run. Servers and readers are processes of their own; a peer that is not installed is named as
 * missing.
 *
 * `deno run -A bench/gateway_bench.ts [--smoke]` (Linux)
 */

// deno-lint-ignore-file no-console -- a script that prints

import { createServer } from "node:http";
import { SseListener } from "@org/beacon-sse";
import { createGateway, toNodeListener } from "@org/beacon-sse/gateway";

const SMOKE = Deno.args.includes("--smoke");
const READERS = SMOKE ? 50 : 1000;
/** Events of a burst. */
const MOST_EVENTS = 640;
const PACED_EVENTS = SMOKE ? 30 : 300;
const TOPIC = "voluntary_exit";
const encoder = new TextEncoder();

/** What a server can be told, one line each: `burst PER_TICK EVENTS MARK` or `paced EVENTS MARK`. */
interface Server {
  name: string;
  pid: number;
  port: number;
  path: string;
  /** Publishes; resolves when all is handed to the server. */
  burst(perTick: number, events: number, mark: string): Promise<void>;
  paced(events: number, mark: string): Promise<void>;
  close(): Promise<void>;
}

/** About 300 bytes on the wire; the time in microseconds and the mark are found in its text. */
function payload(mark: string): string {
  const micros = Math.round(
    (performance.timeOrigin + performance.now()) * 1000,
  );
  return `{"message":{"epoch":"${mark}","validator_index":"${micros}"},"signature":"0x${
    (serial++).toString(16).padStart(192, "0")
  }"}`;
}
let serial = 1;

async function main(): Promise<void> {
  const rows: Record<string, Record<string, string>> = {};
  for (const [name, start] of Object.entries(SERVERS)) {
    let server: Server;
    try {
      server = await start();
    } catch (error) {
      console.log(`${name}: missing (${(error as Error).message})`);
      continue;
    }
    try {
      rows[name] = await measure(server);
      console.log(name, rows[name]);
    } finally {
      await server.close();
    }
  }
  const columns = [...new Set(Object.values(rows).flatMap(Object.keys))];
  console.log(`\n| server | ${columns.join(" | ")} |`);
  console.log(`|---|${columns.map(() => "---").join("|")}|`);
  for (const [name, row] of Object.entries(rows)) {
    console.log(
      `| ${name} | ${columns.map((c) => row[c] ?? "–").join(" | ")} |`,
    );
  }
}

async function measure(server: Server): Promise<Record<string, string>> {
  const row: Record<string, string> = {};
  await using readers = await Readers.start(server, READERS);
  await readers.until("warm", () => server.burst(1, 1, "warm"));
  // Of the second thousand: the first one brings what the process needs once.
  const before = rss(server.pid);
  const second = await Readers.start(server, READERS);
  await second.until("second", () => server.burst(1, 1, "second"));
  const idle = (rss(server.pid) - before) / READERS;
  await second[Symbol.asyncDispose]();
  row["RSS per idle reader"] = `${(idle / 1024).toFixed(1)} kB`;
  for (const perTick of [1, 8, 64]) {
    const events = (SMOKE ? 2 : Math.ceil(MOST_EVENTS / perTick)) * perTick;
    const mark = `burst${perTick}`;
    const cpu = cpuMs(server.pid);
    const begin = performance.now();
    await readers.until(mark, () => server.burst(perTick, events, mark));
    const ms = performance.now() - begin;
    const used = cpuMs(server.pid) - cpu;
    const deliveries = events * READERS;
    row[`burst, ${perTick} a tick`] = `${thousands(deliveries / ms)} k/s, ${
      thousands(deliveries / used)
    } k per CPU s`;
  }
  const cpu = cpuMs(server.pid);
  await readers.until("paced", () => server.paced(PACED_EVENTS, "paced"));
  const used = cpuMs(server.pid) - cpu;
  row["paced 60/s"] = `${
    (used * 1000 / (PACED_EVENTS * READERS)).toFixed(1)
  } µs CPU per delivery`;
  const calm = await readers.latency();
  row["latency p50 / p99"] = `${calm.p50.toFixed(1)} / ${
    calm.p99.toFixed(1)
  } ms`;
  using _stuck = await stuckReader(server);
  await readers.until("stuck", () => server.paced(PACED_EVENTS, "stuck"));
  const held = await readers.latency();
  row["p99 with a stuck reader"] = `${held.p99.toFixed(1)} ms`;
  return row;
}

function thousands(perMs: number): string {
  return perMs.toFixed(0);
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

/** A reader that never reads. */
async function stuckReader({ port, path }: Server): Promise<Disposable> {
  const connection = await Deno.connect({ hostname: "127.0.0.1", port });
  await connection.write(encoder.encode(requestText(path)));
  return connection;
}

function requestText(path: string): string {
  return `GET ${path} HTTP/1.1\r\nhost: bench\r\naccept: text/event-stream\r\n\r\n`;
}

/** The readers' process, spoken to by lines. */
class Readers implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #lines: AsyncIterator<string>;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;

  private constructor(child: Deno.ChildProcess) {
    this.#child = child;
    this.#lines = linesOf(child.stdout)[Symbol.asyncIterator]();
    this.#writer = child.stdin.getWriter();
  }

  static async start({ port, path }: Server, count: number): Promise<Readers> {
    const child = self("readers", `${port}`, path, `${count}`);
    const readers = new Readers(child);
    await readers.#lines.next();
    return readers;
  }

  /** Publishes, and waits until each reader has received the mark. */
  async until(mark: string, publish: () => Promise<void>): Promise<void> {
    await this.#writer.write(encoder.encode(`${mark}\n`));
    await publish();
    await this.#lines.next();
  }

  /** Latencies since the last call, in milliseconds. */
  async latency(): Promise<{ p50: number; p99: number }> {
    await this.#writer.write(encoder.encode("latency\n"));
    return JSON.parse((await this.#lines.next()).value);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#child.status;
  }
}

function self(...args: string[]): Deno.ChildProcess {
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--quiet", import.meta.filename!, ...args],
    stdin: "piped",
    stdout: "piped",
  }).spawn();
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
    const buffer = new Uint8Array(256 * 1024);
    for (;;) {
      const size = await connection.read(buffer);
      if (size === null) throw new Error("a server ended a stream");
      const tail = decoder.decode(
        buffer.subarray(Math.max(0, size - 500), size),
      );
      if (index % 50 === 0) {
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
    const connection = await Deno.connect({ hostname: "127.0.0.1", port });
    await connection.write(encoder.encode(requestText(path)));
    // With the headers here, the server has the reader.
    await connection.read(new Uint8Array(4096));
    void read(index, connection);
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
  }
}

/** Publishes by lines to a server's process: ours, and better-sse's. */
function lineServer(
  name: string,
  child: Deno.ChildProcess,
  port: number,
  path: string,
  lines: AsyncIterator<string>,
): Server {
  const writer = child.stdin.getWriter();
  const tell = async (line: string) => {
    await writer.write(encoder.encode(`${line}\n`));
    await lines.next();
  };
  return {
    name,
    pid: child.pid,
    port,
    path,
    burst: (perTick, events, mark) =>
      tell(`burst ${perTick} ${events} ${mark}`),
    paced: (events, mark) => tell(`paced ${events} ${mark}`),
    async close() {
      child.kill("SIGKILL");
      await child.status;
    },
  };
}

const SERVERS: Record<string, () => Promise<Server>> = {
  async "gateway, node:http"() {
    const child = self("gateway");
    const lines = linesOf(child.stdout)[Symbol.asyncIterator]();
    const port = Number((await lines.next()).value);
    const path = `/eth/v1/events?topics=${TOPIC}`;
    return lineServer("gateway", child, port, path, lines);
  },
  async "gateway, Deno.serve"() {
    const child = self("gateway", "web");
    const lines = linesOf(child.stdout)[Symbol.asyncIterator]();
    const port = Number((await lines.next()).value);
    const path = `/eth/v1/events?topics=${TOPIC}`;
    return lineServer("gateway", child, port, path, lines);
  },
  async "nginx + nchan"() {
    await new Deno.Command("nginx", { args: ["-v"], stderr: "null" }).output();
    const directory = await Deno.makeTempDir();
    const port = freePort();
    await Deno.writeTextFile(
      `${directory}/nginx.conf`,
      `daemon off; master_process off; pid ${directory}/pid; error_log ${directory}/error.log;
load_module /usr/lib/nginx/modules/ngx_nchan_module.so;
events { worker_connections 4096; }
http { access_log off; client_body_temp_path ${directory}/b; proxy_temp_path ${directory}/p;
fastcgi_temp_path ${directory}/f; uwsgi_temp_path ${directory}/u; scgi_temp_path ${directory}/s;
keepalive_requests 1000000;
server { listen 127.0.0.1:${port};
location /pub { nchan_publisher; nchan_channel_id a; nchan_message_buffer_length 4096; }
location /sub { nchan_subscriber eventsource; nchan_channel_id a; nchan_subscriber_first_message newest; } } }`,
    );
    const child = new Deno.Command("nginx", {
      args: ["-c", `${directory}/nginx.conf`, "-p", directory],
      stderr: "null",
    }).spawn();
    const url = `http://127.0.0.1:${port}/pub`;
    const post = async (mark: string) => {
      const body = payload(mark);
      const headers = { "x-eventsource-event": TOPIC };
      const response = await fetch(url, { method: "POST", headers, body });
      await response.body?.cancel();
    };
    for (let i = 0;; i++) {
      try {
        await post("first");
        break;
      } catch (error) {
        if (i === 50) throw error;
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    }
    return {
      name: "nchan",
      pid: child.pid,
      port,
      path: "/sub",
      // Each event is a request of its own; as many at a time as a tick has.
      async burst(perTick, events, mark) {
        for (let i = 0; i < events - 1; i += perTick) {
          const size = Math.min(perTick, events - 1 - i);
          await Promise.all(Array.from({ length: size }, () => post("0")));
        }
        await post(mark);
      },
      paced: (events, mark) => pace(events, mark, post),
      async close() {
        child.kill("SIGKILL");
        await child.status;
        await Deno.remove(directory, { recursive: true });
      },
    };
  },
  async "better-sse, node"() {
    const directory = await Deno.makeTempDir();
    const install = await new Deno.Command("npm", {
      args: ["i", "--silent", "--prefix", directory, "better-sse@0.16.1"],
      stdout: "null",
      stderr: "null",
    }).output();
    if (!install.success) throw new Error("npm cannot install it");
    await Deno.writeTextFile(`${directory}/server.mjs`, BETTER_SSE);
    const child = new Deno.Command("node", {
      args: [`${directory}/server.mjs`],
      stdin: "piped",
      stdout: "piped",
    }).spawn();
    const lines = linesOf(child.stdout)[Symbol.asyncIterator]();
    const port = Number((await lines.next()).value);
    return lineServer("better-sse", child, port, "/", lines);
  },
};

function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

/** 60 events a second. */
async function pace(
  events: number,
  mark: string,
  publish: (mark: string) => unknown,
): Promise<void> {
  const begin = performance.now();
  for (let i = 1; i <= events; i++) {
    await publish(i === events ? mark : "0");
    const next = begin + i * 1000 / 60;
    await new Promise((resolve) =>
      setTimeout(resolve, Math.max(0, next - performance.now()))
    );
  }
}

const BETTER_SSE = `
import { createServer } from "node:http";
import { createInterface } from "node:readline";
import { createChannel, createSession } from "better-sse";
const channel = createChannel();
const server = createServer(async (request, response) => {
  channel.register(await createSession(request, response, { serializer: (data) => data }));
});
let serial = 1;
const payload = (mark) => \`{"message":{"epoch":"\${mark}","validator_index":"\${
  Math.round((performance.timeOrigin + performance.now()) * 1000)
}"},"signature":"0x\${(serial++).toString(16).padStart(192, "0")}"}\`;
const tick = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const send = (mark) => channel.broadcast(payload(mark), "${TOPIC}");
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
for await (const line of createInterface({ input: process.stdin })) {
  const [kind, ...rest] = line.split(" ");
  if (kind === "burst") {
    const [perTick, events] = rest.map(Number);
    for (let i = 0; i < events; i += perTick) {
      for (let j = 0; j < perTick; j++) send(i + j === events - 1 ? rest[2] : "0");
      await tick(0);
    }
  } else {
    const begin = performance.now();
    for (let i = 1; i <= Number(rest[0]); i++) {
      send(i === Number(rest[0]) ? rest[1] : "0");
      await tick(Math.max(0, begin + i * 1000 / 60 - performance.now()));
    }
  }
  console.log("told");
}
`;

/** The process of the gateway: a listener over a node that is a `fetch`. */
async function runGateway(isWeb: boolean): Promise<void> {
  let controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  const listener = await SseListener.start({
    nodes: ["http://in.memory"],
    topics: [TOPIC],
    config: {
      genesisTime: 1_606_824_023_000,
      slotDurationMs: 12_000,
      slotsPerEpoch: 32,
    },
    fetch: (input) => {
      if (!String(input).includes("/eth/v1/events")) {
        return Promise.resolve(new Response(null, { status: 404 }));
      }
      const body = new ReadableStream<Uint8Array>({
        start: (own) => void (controller = own),
      });
      const headers = { "content-type": "text/event-stream" };
      return Promise.resolve(new Response(body, { headers }));
    },
  });
  const gateway = createGateway(listener);
  if (isWeb) {
    const server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen() {} },
      gateway.fetch,
    );
    console.log(server.addr.port);
  } else {
    const server = createServer(toNodeListener(gateway));
    server.listen(0, "127.0.0.1", () => {
      console.log((server.address() as { port: number }).port);
    });
  }
  const frame = (mark: string) => `event: ${TOPIC}\ndata: ${payload(mark)}\n\n`;
  const send = (text: string) => controller!.enqueue(encoder.encode(text));
  for await (const line of linesOf(Deno.stdin.readable)) {
    const [kind, ...rest] = line.split(" ");
    if (kind === "burst") {
      const [perTick, events] = rest.map(Number) as [number, number];
      for (let i = 0; i < events; i += perTick) {
        let text = "";
        for (let j = 0; j < perTick; j++) {
          text += frame(i + j === events - 1 ? rest[2]! : "0");
        }
        send(text);
        await new Promise((resolve) => setTimeout(resolve, 0));
      }
    } else await pace(Number(rest[0]), rest[1]!, (mark) => send(frame(mark)));
    console.log("told");
  }
}

const [mode, ...rest] = Deno.args;
if (mode === "readers") {
  await runReaders(Number(rest[0]), rest[1]!, Number(rest[2]));
} else if (mode === "gateway") await runGateway(rest[0] === "web");
else await main();
