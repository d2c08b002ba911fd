/** A real nats-server with JetStream, on loopback, that can be killed and started again. */

/** Whether `nats-server` is installed. */
export const HAS_NATS_SERVER = isInstalled();

/** Options of a test that needs `nats-server`. */
export const NEEDS_NATS_SERVER = { ignore: !HAS_NATS_SERVER };

if (!HAS_NATS_SERVER) {
  // deno-lint-ignore no-console -- shows why tests are ignored
  console.log("nats-server is not installed: tests that need it are ignored");
}

/** Settings of a {@linkcode NatsServer}. */
export interface NatsServerSettings {
  /** Whether it has JetStream; it has by default. */
  hasJetStream?: boolean;
  /** The password of the user `beacon`; none is needed where absent. */
  password?: string;
}

/** A running server. */
export class NatsServer implements AsyncDisposable {
  /** Port for TCP. */
  readonly port: number;
  /** Port for WebSocket. */
  readonly webPort: number;
  /** What its configuration has besides; read at each start. */
  settings: NatsServerSettings;
  readonly #folder: string;
  #refused = 0;
  #onLog = () => {};
  #process: Deno.ChildProcess | undefined;

  private constructor(
    port: number,
    webPort: number,
    folder: string,
    settings: NatsServerSettings,
  ) {
    this.port = port;
    this.webPort = webPort;
    this.#folder = folder;
    this.settings = settings;
  }

  /** Starts one with an empty store. */
  static async start(settings: NatsServerSettings = {}): Promise<NatsServer> {
    const server = new NatsServer(
      freePort(),
      freePort(),
      await Deno.makeTempDir({ prefix: "beacon-sse-nats-" }),
      settings,
    );
    await server.start();
    return server;
  }

  /** Its address over TCP. */
  get url(): string {
    return `nats://127.0.0.1:${this.port}`;
  }

  /** Its address over WebSocket. */
  get webUrl(): string {
    return `ws://127.0.0.1:${this.webPort}`;
  }

  /** Starts it again, with the store that it has. Resolves when it takes connections. */
  async start(): Promise<void> {
    const config = `${this.#folder}/server.conf`;
    const { hasJetStream = true, password } = this.settings;
    await Deno.writeTextFile(
      config,
      `listen: "127.0.0.1:${this.port}"
${hasJetStream ? `jetstream { store_dir: "${this.#folder}/store" }` : ""}
${
        password === undefined
          ? ""
          : `authorization { user: beacon, password: "${password}" }`
      }
websocket { listen: "127.0.0.1:${this.webPort}", no_tls: true }
`,
    );
    this.#process = new Deno.Command("nats-server", {
      args: ["-c", config],
      stdin: "null",
      stdout: "null",
      stderr: "piped",
    }).spawn();
    // The rest of its log must be read, or the server would wait for a reader.
    const log = this.#process.stderr.pipeThrough(new TextDecoderStream())
      .getReader();
    for (let text = ""; !text.includes("Server is ready");) {
      const { done, value } = await log.read();
      if (done) throw new Error(`nats-server did not start: ${text}`);
      text += value;
    }
    this.#refused = 0;
    void (async () => {
      while (true) {
        const { done, value = "" } = await log.read();
        if (done) return;
        this.#refused += value.split("authentication error").length - 1;
        this.#onLog();
      }
    })();
  }

  /** Resolves when it has refused so many passwords since it was started. */
  async whenRefused(count: number): Promise<void> {
    while (this.#refused < count) {
      await new Promise<void>((resolve) => this.#onLog = resolve);
    }
  }

  /** Kills it as a power switch would, as far as a process can be. */
  async kill(): Promise<void> {
    const process = this.#process;
    if (process === undefined) return;
    this.#process = undefined;
    process.kill("SIGKILL");
    await process.status;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    await Deno.remove(this.#folder, { recursive: true });
  }
}

function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

function isInstalled(): boolean {
  try {
    return new Deno.Command("nats-server", {
      args: ["--version"],
      stdout: "null",
      stderr: "null",
    }).outputSync().success;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
