/**
 * The command `beacon-sse`: prints the events of Ethereum beacon nodes, pretty for people or as
 * JSON lines for programs, and serves metrics and health.
 *
 * ```sh
 * deno run --allow-net jsr:@org/beacon-sse/cli http://localhost:5052
 * deno run --allow-net jsr:@org/beacon-sse/cli demo
 * deno run --allow-net jsr:@org/beacon-sse/cli --help
 * node node_modules/@org/beacon-sse/src/cli/main.js --help # after `npx jsr add @org/beacon-sse`
 * ```
 *
 * @example From a program
 * ```ts
 * import { run } from "@org/beacon-sse/cli";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(await run(["--version"]), 0);
 * ```
 *
 * @module
 */

import { deadline } from "@std/async/deadline";
import config from "../../deno.json" with { type: "json" };
import type { LogFunction } from "../listener/log.ts";
import { printable } from "../values/shown.ts";
import { parseArgs } from "./args.ts";
import { demo } from "./demo.ts";
import { HELP } from "./help.ts";
import { isMain, runProcess, stderr, stdout } from "./host.ts";
import { LineWriter } from "./line_writer.ts";
import { formatLogLine } from "./log_line.ts";
import { replay } from "./replay.ts";
import { UsageError } from "./usage_error.ts";
import { watch } from "./watch.ts";

/** How long a reader of stderr that has stopped reading is waited for. */
const GRACE_MS = 500;

/**
 * Runs the command: events go to stdout, log lines to stderr.
 *
 * @param args The arguments, without the program's name; `--help` lists them.
 * @returns The exit code: 0 stopped, 2 bad usage, 1 anything else. For 1 and 2 one line on
 *   stderr has the reason.
 */
export async function run(args: readonly string[]): Promise<number> {
  const errors = new LineWriter(stderr);
  try {
    const command = parseArgs(args);
    switch (command.kind) {
      case "help":
        await print(HELP.trimEnd());
        break;
      case "version":
        await print(`beacon-sse ${config.version}`);
        break;
      default: {
        const log = createLog(command.feed.quiet, errors);
        await (command.kind === "watch"
          ? watch({ ...command, log })
          : command.kind === "replay"
          ? replay(command.path, command.speed, command.feed, log)
          : demo(command.names, command.feed, log));
      }
    }
    return 0;
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    errors.push(`beacon-sse: ${printable(message.replace(/\s+/g, " "), 1000)}`);
    return error instanceof UsageError ? 2 : 1;
  } finally {
    await deadline(errors.flush(), GRACE_MS).catch(() => {});
  }
}

function createLog(quiet: boolean, errors: LineWriter): LogFunction {
  return (entry) => {
    if (!quiet && entry.level !== "debug" && !errors.isFull) {
      errors.push(formatLogLine(entry));
    }
  };
}

async function print(text: string): Promise<void> {
  const out = new LineWriter(stdout);
  out.push(text);
  await out.flush();
  if (out.failed.aborted && !out.isClosedPipe) throw out.failed.reason;
}

if (isMain(import.meta)) await runProcess(run);
