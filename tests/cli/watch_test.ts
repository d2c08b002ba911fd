import {
  assert,
  assertEquals,
  assertMatch,
  assertStringIncludes,
} from "@std/assert";
import { needs } from "../needs.ts";
import { headData, headFrame, startBeaconServer } from "./beacon_server.ts";
import { MAIN, runCli, servedUrl, spawnCli } from "./spawn_cli.ts";

Deno.test("beacon-sse prints JSON lines of the payloads as sent and stops at --limit", async () => {
  await using node = startBeaconServer([1, 2, 3, 4, 5].map(headFrame));
  const { code, stdout, stderr } = await runCli([
    node.url,
    "--limit=3",
    "--quiet",
  ]);
  assertEquals([code, stderr], [0, []]);
  assertEquals(stdout.length, 3);
  stdout.forEach((line, i) => {
    assert(
      line.startsWith(`{"topic":"head","node":"${node.url}","receivedAt":`),
    );
    assert(line.endsWith(`,"data":${headData(i + 1)}}`));
    JSON.parse(line);
  });
});

Deno.test("beacon-sse prints a burst whole and in order", async () => {
  const count = 20_000;
  const numbers = Array.from({ length: count }, (_, i) => i);
  await using node = startBeaconServer(numbers.map(headFrame));
  const { code, stdout } = await runCli([node.url, `--limit=${count}`]);
  assertEquals([code, stdout.length], [0, count]);
  stdout.forEach((line, i) =>
    assert(line.endsWith(`,"data":${headData(i)}}`), line)
  );
});

Deno.test("beacon-sse adds the delay once the slot clock is known", async () => {
  await using node = startBeaconServer([1].map(headFrame), { repeat: true });
  await using cli = spawnCli([node.url, "--name", "a"]);
  const delay = await firstDelay(cli.stdout);
  assert(delay > -1 && delay < 12, `${delay}`);
});

Deno.test("beacon-sse prints pretty lines without colours to a pipe", async () => {
  await using node = startBeaconServer([1].map(headFrame));
  const args = [node.url, "--format", "pretty", "--limit", "1"];
  const { code, stdout } = await runCli(args);
  assertEquals([code, stdout.length], [0, 2]);
  assertMatch(
    stdout[1]!,
    /^\d\d:\d\d:\d\d\.\d{3} {6}1000 .* head +0x1000…0001$/,
  );
});

Deno.test("beacon-sse warns of an unknown topic with the nearest known one, and requests it", async () => {
  await using node = startBeaconServer([1].map(headFrame));
  const topics = ["--topics=hed,late_head", "--topics=head"];
  const { stderr } = await runCli([node.url, ...topics, "--limit=1"]);
  assertStringIncludes(
    stderr[0]!,
    'warn  --topics has an unknown topic, "hed", did you mean head?',
  );
  assertMatch(stderr[1]!, /unknown topic, "late_head"$/);
  assertStringIncludes(
    decodeURIComponent(node.requests[0]!.url),
    "topics=hed,late_head,head",
  );
});

Deno.test({
  name:
    "beacon-sse shows on a terminal what it waits for, until the first event",
  // `script` of Linux makes the terminal.
  ...needs("Linux", Deno.build.os === "linux"),
  async fn() {
    await using node = startBeaconServer([1].map(headFrame));
    const command = ["run", "--quiet", "--allow-net", MAIN, node.url];
    const { stdout } = await new Deno.Command("script", {
      args: [
        "--quiet",
        "--command",
        `stty cols 60; '${Deno.execPath()}' ${command.join(" ")} --limit 1`,
        "/dev/null",
      ],
      env: { NO_COLOR: "1" },
    }).output();
    const screen = new TextDecoder().decode(stdout);
    const before = screen.slice(0, screen.indexOf("UTC"));
    assertStringIncludes(before, "\r\x1b[KConnecting to http://127.0.0.1:");
    assertStringIncludes(
      screen,
      "UTC          SLOT   DELAY TOPIC        EVENT\r\n",
    );
    const events = screen.slice(screen.indexOf("UTC")).trimEnd().split("\r\n");
    assertEquals(events.length, 2);
    for (const line of events) assert(line.length <= 60, line);
  },
});

Deno.test("beacon-sse follows several nodes, each with its name", async () => {
  await using a = startBeaconServer([1].map(headFrame));
  await using b = startBeaconServer([2].map(headFrame));
  const { code, stdout } = await runCli([
    a.url,
    b.url,
    "--name=a",
    "--name=b",
    "--limit=2",
  ]);
  assertEquals(code, 0);
  assertEquals(stdout.map((line) => JSON.parse(line).node).sort(), ["a", "b"]);
});

Deno.test("beacon-sse sends topics, headers and userinfo, and prints none of the secrets", async () => {
  await using node = startBeaconServer([1].map(headFrame));
  const url = `${node.url.replace("://", "://me:s3cret@")}/?apikey=s3cret`;
  const args = [
    url,
    "--topics=head,block",
    "--header",
    "X-Key: s3cret",
    "--limit=1",
  ];
  const { code, stdout, stderr } = await runCli(args);
  assertEquals(code, 0);
  const [request] = node.requests;
  assertStringIncludes(decodeURIComponent(request!.url), "topics=head,block");
  assertStringIncludes(request!.url, "apikey=s3cret");
  assertEquals(request!.headers.get("x-key"), "s3cret");
  assertEquals(
    request!.headers.get("authorization"),
    `Basic ${btoa("me:s3cret")}`,
  );
  assert(![...stdout, ...stderr].join("\n").includes("s3cret"));
});

Deno.test("beacon-sse --serve answers metrics and health while it runs", async () => {
  await using node = startBeaconServer([1].map(headFrame), { repeat: true });
  await using cli = spawnCli([node.url, "--serve", "127.0.0.1:0"]);
  const url = await servedUrl(cli.stderr);
  await firstDelayOf(cli.stdout);
  const metrics = await fetch(`${url}/metrics`);
  assertMatch(
    await metrics.text(),
    /^app_beacon_node_sse_head_slot\{addr="[^"]+"\} 1000$/m,
  );
  assertEquals(await (await fetch(`${url}/healthz`)).text(), "ok\n");
  const ready = await fetch(`${url}/readyz`);
  assertEquals([ready.status, (await ready.json()).ready], [200, true]);
});

Deno.test("beacon-sse exits with 1 and one line when the address of --serve is taken", async () => {
  await using node = startBeaconServer([]);
  const { host } = new URL(node.url);
  const { code, stdout, stderr } = await runCli([
    node.url,
    "--serve",
    host,
    "--quiet",
  ]);
  assertEquals([code, stdout, stderr.length], [1, [], 1]);
  assertStringIncludes(
    stderr[0]!,
    `beacon-sse: --serve cannot listen on ${host}: `,
  );
});

async function firstDelay(lines: ReadableStream<string>): Promise<number> {
  for await (const line of lines) {
    const { delay, node } = JSON.parse(line);
    assertEquals(node, "a");
    if (delay !== undefined) return delay;
  }
  throw new Error("stdout ended without a delay");
}

async function firstDelayOf(lines: ReadableStream<string>): Promise<void> {
  for await (const line of lines.values({ preventCancel: true })) {
    if (line.includes('"delay":')) return;
  }
}
