/** Debian's Prometheus and its tool, on loopback, with a data directory of its own. */

import { TextLineStream } from "@std/streams/text-line-stream";
import { needs } from "../needs.ts";

/** The files that are deployed. */
export const DEPLOY = new URL("../../deploy/", import.meta.url);

/** Options of a test that needs Prometheus. */
export const NEEDS_PROMETHEUS = needs(
  "prometheus and promtool",
  ["prometheus", "promtool"].every((program) => {
    try {
      return new Deno.Command(program, { args: ["--version"] }).outputSync()
        .success;
    } catch {
      return false;
    }
  }),
);

/** Runs `promtool` to its end; returns what it prints, and throws that if it fails. */
export async function promtool(
  args: string[],
  stdin = "",
): Promise<string> {
  const child = new Deno.Command("promtool", {
    args,
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const [{ success, stdout, stderr }] = await Promise.all([
    child.output(),
    new Response(stdin).body?.pipeTo(child.stdin) ?? child.stdin.close(),
  ]);
  const text = new TextDecoder().decode(stdout) +
    new TextDecoder().decode(stderr);
  if (!success) throw new Error(`promtool ${args.join(" ")}: ${text}`);
  return text;
}

/** A series in an answer of Prometheus. */
export interface Sample {
  /** Labels. */
  metric: Record<string, string>;
  /** Unix time in seconds, and the value. */
  value: [number, string];
}

/** A running Prometheus that scrapes one target each second. */
export class Prometheus implements AsyncDisposable {
  readonly #process: Deno.ChildProcess;
  readonly #folder: string;
  readonly #url: string;

  private constructor(
    process: Deno.ChildProcess,
    folder: string,
    url: string,
  ) {
    this.#process = process;
    this.#folder = folder;
    this.#url = url;
  }

  /**
   * Starts it with the rules that are deployed.
   *
   * @param target Host and port with `/metrics`.
   */
  static async start(target: string): Promise<Prometheus> {
    const folder = await Deno.makeTempDir();
    const config = JSON.stringify({
      global: { scrape_interval: "1s", evaluation_interval: "1s" },
      rule_files: [new URL("prometheus/alerts.yml", DEPLOY).pathname],
      scrape_configs: [{
        job_name: "beacon-sse",
        static_configs: [{ targets: [target] }],
      }],
    });
    await Deno.writeTextFile(`${folder}/prometheus.yml`, config);
    const process = new Deno.Command("prometheus", {
      args: [
        `--config.file=${folder}/prometheus.yml`,
        `--storage.tsdb.path=${folder}/data`,
        "--web.listen-address=127.0.0.1:0",
        "--enable-feature=exemplar-storage",
      ],
      stdin: "null",
      stdout: "null",
      stderr: "piped",
    }).spawn();
    const lines = process.stderr.pipeThrough(new TextDecoderStream())
      .pipeThrough(new TextLineStream());
    let log = "";
    let url = "";
    for await (const line of lines.values({ preventCancel: true })) {
      log += `${line}\n`;
      const address = /"Listening on" address=(\S+)/.exec(line)?.[1];
      if (address !== undefined) url = `http://${address}`;
      if (line.includes("Server is ready")) {
        // Its log goes on, and must be read.
        lines.pipeTo(new WritableStream()).catch(() => {});
        return new Prometheus(process, folder, url);
      }
    }
    await process.status;
    await Deno.remove(folder, { recursive: true });
    throw new Error(`prometheus did not start: ${log}`);
  }

  /** Evaluates a query now. */
  async query(query: string): Promise<Sample[]> {
    const { result } = await this.get("query", { query }) as {
      result: Sample[];
    };
    return result;
  }

  /** Evaluates a query until it has a result that is as wanted. */
  async poll(
    query: string,
    isWanted: (samples: Sample[]) => boolean,
  ): Promise<Sample[]> {
    const end = performance.now() + PATIENCE_MS;
    while (true) {
      const samples = await this.query(query);
      if (isWanted(samples)) return samples;
      if (performance.now() > end) {
        throw new Error(`${query}: ${JSON.stringify(samples)}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  /** Reads the API. */
  async get(path: string, params: Record<string, string>): Promise<unknown> {
    const response = await fetch(
      `${this.#url}/api/v1/${path}?${new URLSearchParams(params)}`,
    );
    const { data, error } = await response.json();
    if (error !== undefined) {
      throw new Error(`${path} ${JSON.stringify(params)}: ${error}`);
    }
    return data;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#process.kill("SIGKILL");
    await this.#process.status;
    await Deno.remove(this.#folder, { recursive: true });
  }
}

const PATIENCE_MS = 20_000;
