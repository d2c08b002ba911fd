/** What the listener has to say to people. */

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

/** Takes log entries. What it throws is lost: a log must not end what it tells of. */
export type Log = (entry: LogEntry) => void;
