/** The command as a process of its own, as users run it. */

import { TextLineStream } from "@std/streams/text-line-stream";

/** The command's module. */
export const MAIN = new URL("../../src/cli/main.ts", import.meta.url).href;

/** A running command. */
export interface Cli extends AsyncDisposable {
  /** Lines of stdout. */
  stdout: ReadableStream<string>;
  /** Lines of stderr. */
  stderr: ReadableStream<string>;
  /** Sends a signal. */
  kill(signal: Deno.Signal): void;
  /** Its exit code, once it has ended. */
  code: Promise<number>;
  /** Its process ID. */
  pid: number;
}

/**
 * Starts the command in Deno.
 *
 * @param args Its arguments.
 * @param permissions What it is allowed to do.
 */
export function spawnCli(
  args: string[],
  permissions: string[] = ["--allow-net"],
): Cli {
  const deno = ["run", "--quiet", "--no-prompt", ...permissions, MAIN];
  return spawnProgram(Deno.execPath(), [...deno, ...args]);
}

/** Starts a program. */
export function spawnProgram(program: string, args: string[]): Cli {
  const child = new Deno.Command(program, {
    args,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  let isRunning = true;
  const code = child.status.then(({ code, signal }) => {
    isRunning = false;
    return signal === null ? code : -1;
  });
  const stdout = toLines(child.stdout);
  const stderr = toLines(child.stderr);
  return {
    stdout,
    stderr,
    kill: (signal) => child.kill(signal),
    code,
    pid: child.pid,
    async [Symbol.asyncDispose]() {
      if (isRunning) child.kill("SIGKILL");
      await code;
      for (const lines of [stdout, stderr]) {
        if (!lines.locked) await lines.cancel();
      }
    },
  };
}

/** What a command has printed, and its exit code. */
export interface Outcome {
  code: number;
  stdout: string[];
  stderr: string[];
}

/** Runs the command to its end, in Deno. */
export async function runCli(
  args: string[],
  permissions?: string[],
): Promise<Outcome> {
  return await outcomeOf(spawnCli(args, permissions));
}

/** Waits for the end of a command. */
export async function outcomeOf(running: Cli): Promise<Outcome> {
  await using cli = running;
  const [code, stdout, stderr] = await Promise.all([
    cli.code,
    Array.fromAsync(cli.stdout),
    Array.fromAsync(cli.stderr),
  ]);
  return { code, stdout, stderr };
}

/** Waits for the log line that names where the command serves. */
export async function servedUrl(
  stderr: ReadableStream<string>,
): Promise<string> {
  for await (const line of stderr.values({ preventCancel: true })) {
    const url = /on (http:\S+)$/.exec(line)?.[1];
    if (url !== undefined) return url;
  }
  throw new Error("stderr ended without an address");
}

function toLines(
  bytes: ReadableStream<Uint8Array<ArrayBuffer>>,
): ReadableStream<string> {
  return bytes.pipeThrough(new TextDecoderStream()).pipeThrough(
    new TextLineStream(),
  );
}
