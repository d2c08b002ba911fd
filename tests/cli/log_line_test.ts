import { assertEquals } from "@std/assert";
import { formatLogLine } from "../../src/cli/log_line.ts";
import { GENESIS } from "./make_event.ts";

Deno.test("formatLogLine() shows time, level, node, message and error", () => {
  const error = new Error("connection reset");
  const entry = {
    level: "warn",
    message: "disconnected",
    node: "a",
    error,
  } as const;
  assertEquals(
    formatLogLine(entry, GENESIS),
    "03:04:05.000 warn  a: disconnected: connection reset",
  );
});

Deno.test("formatLogLine() says an error once", () => {
  const error = new Error("reset");
  const entry = { level: "error", message: "lost: reset", error } as const;
  assertEquals(formatLogLine(entry, GENESIS), "03:04:05.000 error lost: reset");
});

Deno.test("formatLogLine() keeps what a node says on one line", () => {
  const entry = { level: "info", message: "a\r\nb\x1b[31m" } as const;
  assertEquals(
    formatLogLine(entry, GENESIS),
    "03:04:05.000 info  a b\\u001b[31m",
  );
});

Deno.test("formatLogLine() names a node once", () => {
  const entry = { level: "warn", message: "Lost a: reset", node: "a" } as const;
  assertEquals(
    formatLogLine(entry, GENESIS),
    "03:04:05.000 warn  Lost a: reset",
  );
});
