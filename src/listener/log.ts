/** What the listener logs, and where to. */

import { refuse } from "../values/check.ts";

/** One log entry. */
export interface LogEntry {
  /** How bad it is. */
  level: "debug" | "info" | "warn" | "error";
  /** One line, without credentials and control characters. */
  message: string;
  /** Name of the node, where it is about one. */
  node?: string;
  /** What went wrong, where something did. */
  error?: Error;
}

/** Takes log entries one by one. */
export type LogFunction = (entry: LogEntry) => void;

/** Takes log lines by level, as `console` and most loggers do. */
export interface LogMethods {
  /** Takes a line of level `"debug"`. */
  debug(line: string): void;
  /** Takes a line of level `"info"`. */
  info(line: string): void;
  /** Takes a line of level `"warn"`. */
  warn(line: string): void;
  /** Takes a line of level `"error"`. */
  error(line: string): void;
}

/**
 * Where a listener logs: `console`, another logger with its four methods, or a function that takes
 * whole entries. What it throws is lost, so that a log never ends a listener.
 */
export type Log = LogFunction | LogMethods;

/** @throws {TypeError} If it is neither a function nor has the four methods. */
export function toLogFunction(
  action: string,
  log: Log | undefined,
): LogFunction {
  if (log === undefined) return () => {};
  const write = typeof log === "function" ? log : byMethods(action, log);
  return (entry) => {
    try {
      write(entry);
    } catch {
      // There is no other place to log this.
    }
  };
}

function byMethods(action: string, log: LogMethods): LogFunction {
  const hasAll = (["debug", "info", "warn", "error"] as const)
    .every((level) => typeof log?.[level] === "function");
  if (!hasAll) {
    refuse(
      action,
      "log",
      "a function, or an object with debug, info, warn and error",
      log,
    );
  }
  return ({ level, message, node }) => {
    const source = node === undefined || message.includes(node)
      ? ""
      : `${node}: `;
    log[level](`beacon-sse: ${source}${message}`);
  };
}
