import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { SseListener } from "@org/beacon-sse";
import { openRecording, SimulatedBeaconNode } from "@org/beacon-sse/testing";
import type { FeedArguments } from "../../src/cli/args.ts";
import { record } from "../../src/cli/record.ts";
import { needs } from "../needs.ts";
import { headFrame, startBeaconServer } from "./beacon_server.ts";
import { runCli, servedUrl, spawnCli } from "./spawn_cli.ts";

const FILES = ["--allow-net", "--allow-read", "--allow-write"];

/** Records three heads, and returns the lines that the command printed. */
async function recordThree(file: string, ...flags: string[]) {
  await using node = startBeaconServer([1, 2, 3].map(headFrame));
  const { code, stdout, stderr } = await runCli(
    [node.url, "--limit=3", "--name=a", `--record=${file}`, ...flags],
    FILES,
  );
  assertEquals(code, 0, stderr.join("\n"));
  return stdout.map((line) => JSON.parse(line));
}

async function eventsOf(file: string) {
  const recording = await openRecording(() => Deno.openSync(file).readable);
  return await Array.fromAsync(recording.events());
}

for (const name of ["events.jsonl", "events.jsonl.gz"]) {
  Deno.test(`beacon-sse --record writes ${name}, which replay prints as it was`, async () => {
    const folder = await Deno.makeTempDir();
    const file = `${folder}/${name}`;
    const printed = await recordThree(file);
    const recorded = await eventsOf(file);
    assertEquals(
      recorded.map(({ topic, node, receivedAt, raw }) => ({
        topic,
        node,
        receivedAt,
        data: JSON.parse(raw),
      })),
      printed.map(({ topic, node, receivedAt, data }) => ({
        topic,
        node,
        receivedAt,
        data,
      })),
    );
    const again = `${folder}/again.jsonl`;
    const { code, stdout } = await runCli(
      ["replay", file, "--speed=max", `--record=${again}`],
      FILES,
    );
    assertEquals(code, 0);
    assertEquals(
      stdout.map((line) => JSON.parse(line).data),
      printed.map(({ data }) => data),
    );
    assertEquals(
      (await eventsOf(again)).map(({ topic, raw }) => [topic, raw]),
      recorded.map(({ topic, raw }) => [topic, raw]),
    );
    await Deno.remove(folder, { recursive: true });
  });
}

Deno.test("beacon-sse --record keeps a file that is there, and begins another one at its size", async () => {
  const folder = await Deno.makeTempDir();
  const file = `${folder}/events.jsonl`;
  await Deno.writeTextFile(file, "old");
  await recordThree(file, "--rotate-bytes=1");
  const names = (await Array.fromAsync(Deno.readDir(folder)))
    .map(({ name }) => name).sort();
  assertEquals(names.length, 4);
  assert(names.every((name) => /^events\.(.+Z(\.\d+)?\.)?jsonl$/.test(name)));
  const texts = await Promise.all(
    names.map((name) => Deno.readTextFile(`${folder}/${name}`)),
  );
  assertEquals(texts.filter((text) => text === "old").length, 1);
  assertEquals(texts.filter((text) => text.includes('"head"')).length, 3);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("record() begins another file when the time of one is over, and loses nothing", async () => {
  const folder = await Deno.makeTempDir();
  const file = `${folder}/events.jsonl.gz`;
  const names = async () =>
    (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name);
  await using node = await SimulatedBeaconNode.start({ autoplay: false });
  await using listener = await SseListener.start({ nodes: [node.url] });
  const feed = { rotateMs: 20 } as FeedArguments;
  const recording = await record(listener, file, feed, () => {});
  await listener.ready;
  await node.whenConnected();
  const heads = listener.events({ topics: ["head"] }).getReader();
  const roots: string[] = [];
  do {
    roots.push((await node.produceBlock()).root);
    await heads.read();
    await new Promise((done) => setTimeout(done, 10));
  } while ((await names()).length < 3);
  await recording[Symbol.asyncDispose]();
  // The kept ones have their time in their name, behind the first letters that all share.
  const files = (await names()).filter((name) => name !== "events.jsonl.gz")
    .sort().concat("events.jsonl.gz");
  const events = [];
  for (const name of files) events.push(...await eventsOf(`${folder}/${name}`));
  assertEquals(
    events.filter(({ topic }) => topic === "head")
      .map(({ raw }) => JSON.parse(raw).block),
    roots,
  );
  await Deno.remove(folder, { recursive: true });
});

Deno.test({
  name: "beacon-sse --record to a full disk loses nothing else",
  ...needs("Linux", Deno.build.os === "linux"),
  async fn() {
    await using node = startBeaconServer([1, 2, 3].map(headFrame));
    const { code, stdout, stderr } = await runCli(
      [node.url, "--limit=3", "--record=/dev/full"],
      ["--allow-all"],
    );
    assertEquals([code, stdout.length], [0, 3]);
    assertStringIncludes(stderr.join("\n"), "--record has missed 3 events");
  },
});

Deno.test("beacon-sse --record ends with 2 where the file cannot be created", async () => {
  await using node = startBeaconServer([1].map(headFrame));
  const { code, stderr } = await runCli(
    [node.url, "--record=/nowhere/events.jsonl"],
    FILES,
  );
  assertEquals(code, 2);
  assertStringIncludes(stderr.at(-1)!, "--record cannot write");
});

Deno.test("beacon-sse replay --serve is a beacon node", async () => {
  const folder = await Deno.makeTempDir();
  const file = `${folder}/events.jsonl`;
  const printed = await recordThree(file);
  await using cli = spawnCli(
    ["replay", file, "--speed=100", "--serve=127.0.0.1:0"],
    FILES,
  );
  const url = await servedUrl(cli.stderr);
  const { code, stdout } = await runCli([url, "--limit=3"]);
  assertEquals(code, 0);
  assertEquals(
    stdout.map((line) => JSON.parse(line).data),
    printed.map(({ data }) => data),
  );
  cli.kill("SIGTERM");
  assertEquals(await cli.code, 0);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("beacon-sse replay ends with 2 where the file is no recording", async () => {
  const { code, stderr } = await runCli(["replay", "deno.json"], FILES);
  assertEquals(code, 2);
  assertStringIncludes(stderr.at(-1)!, "replay cannot read the file");
});

Deno.test("beacon-sse refuses a speed without a recording, and a NATS URL without showing it", async () => {
  const one = await runCli(["localhost:5052", "--speed=2"]);
  assertEquals([one.code, one.stderr], [
    2,
    ["beacon-sse: --speed is for replay only"],
  ]);
  const other = await runCli(["localhost:5052", "--nats=http://u:secret@h"]);
  assertEquals(other.code, 2);
  assert(!other.stderr.join("").includes("secret"));
});
