import { assert, assertEquals } from "@std/assert";
import { LineWriter } from "../../src/cli/line_writer.ts";

/** A sink that takes at most `chunk` bytes per write, and only once it is let. */
class SlowSink {
  readonly writes: string[] = [];
  readonly #chunk: number;
  #gate = Promise.withResolvers<void>();

  constructor(chunk = Infinity) {
    this.#chunk = chunk;
  }

  async write(bytes: Uint8Array): Promise<number> {
    const taken = bytes.slice(0, this.#chunk);
    this.writes.push(new TextDecoder().decode(taken));
    await this.#gate.promise;
    return taken.length;
  }

  open() {
    this.#gate.resolve();
  }

  fail(error: Error) {
    this.#gate.reject(error);
  }
}

Deno.test("LineWriter.push() gathers what arrives during a write", async () => {
  const sink = new SlowSink();
  const writer = new LineWriter(sink);
  for (const line of ["a", "b", "c"]) writer.push(line);
  sink.open();
  await writer.flush();
  assertEquals(sink.writes, ["a\n", "b\nc\n"]);
});

Deno.test("LineWriter.push() writes all of a line that the sink takes in parts", async () => {
  const sink = new SlowSink(3);
  const writer = new LineWriter(sink);
  writer.push("abcdefg");
  sink.open();
  await writer.flush();
  assertEquals(sink.writes, ["abc", "def", "g\n"]);
});

Deno.test("LineWriter.push() splits what waits into writes of a bounded size", async () => {
  const sink = new SlowSink();
  const writer = new LineWriter(sink);
  const lines = Array.from({ length: 1000 }, (_, i) => `${i}`.padEnd(999));
  for (const line of lines) writer.push(line);
  sink.open();
  await writer.flush();
  assertEquals(sink.writes.join(""), lines.map((line) => `${line}\n`).join(""));
  assertEquals(sink.writes.length, 5);
});

Deno.test("LineWriter.flush() resolves at once when nothing waits", async () => {
  const sink = new SlowSink();
  await new LineWriter(sink).flush();
  assertEquals(sink.writes, []);
});

Deno.test("LineWriter.isFull holds while more waits than the bound", async () => {
  const sink = new SlowSink();
  const writer = new LineWriter(sink);
  const line = "x".repeat(1024 * 1024);
  for (let i = 0; i < 8; i++) writer.push(line);
  assert(!writer.isFull);
  writer.push(line);
  assert(writer.isFull);
  sink.open();
  await writer.flush();
  assert(!writer.isFull);
});

Deno.test("LineWriter.failed aborts with the sink's error, and lines are dropped then", async () => {
  const sink = new SlowSink();
  const writer = new LineWriter(sink);
  writer.push("a");
  writer.push("b");
  sink.fail(Object.assign(new Error("closed"), { code: "EPIPE" }));
  await writer.flush();
  assert(writer.failed.aborted);
  assert(writer.isClosedPipe);
  writer.push("c");
  await writer.flush();
  assertEquals(sink.writes, ["a\n"]);
});

Deno.test("LineWriter.isClosedPipe is false after another error", async () => {
  const sink = new SlowSink();
  const writer = new LineWriter(sink);
  writer.push("a");
  sink.fail(new Error("no space left"));
  await writer.flush();
  assert(writer.failed.aborted);
  assert(!writer.isClosedPipe);
});
