import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import config from "../../deno.json" with { type: "json" };
import { runCli } from "./spawn_cli.ts";

Deno.test("beacon-sse --help lists every flag on stdout and exits with 0", async () => {
  const { code, stdout, stderr } = await runCli(["--help"], []);
  assertEquals([code, stderr], [0, []]);
  const text = stdout.join("\n");
  const flags = [
    "topics",
    "format",
    "serve",
    "header",
    "name",
    "limit",
    "for",
    "max-event-bytes",
  ];
  for (
    const flag of [
      ...flags,
      "idle-timeout",
      "parity",
      "quiet",
      "version",
      "help",
    ]
  ) {
    assertStringIncludes(text, ` --${flag}`);
  }
});

Deno.test("beacon-sse --version prints the version of the package", async () => {
  const { code, stdout, stderr } = await runCli(["--version"], []);
  assertEquals([code, stdout, stderr], [
    0,
    [`beacon-sse ${config.version}`],
    [],
  ]);
});

Deno.test("beacon-sse exits with 2 and one line on bad usage", async () => {
  const { code, stdout, stderr } = await runCli([
    "localhost:5052",
    "--limit",
    "ten",
  ], []);
  assertEquals([code, stdout], [2, []]);
  assertEquals(stderr, [
    'beacon-sse: --limit must be a positive integer, got "ten"',
  ]);
});

Deno.test("beacon-sse exits with 1 without permission, and its last line names the remedy", async () => {
  const { code, stdout, stderr } = await runCli([
    "http://u:secret@localhost/",
    "--quiet",
  ], []);
  assertEquals([code, stdout, stderr.length], [1, [], 1]);
  assertMatch(
    stderr[0]!,
    /^beacon-sse: Cannot reach http:\/\/localhost\/\S+ .* "localhost:80", run again with the --allow-net flag$/,
  );
});
