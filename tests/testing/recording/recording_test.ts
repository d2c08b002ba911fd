import { assertEquals, assertRejects } from "@std/assert";
import {
  openRecording,
  type RecordedEvent,
  recordingHeader,
  recordingLine,
} from "../../../src/testing/recording/recording.ts";

const CONFIG = { genesisTime: 1000, slotDurationMs: 12_000, slotsPerEpoch: 32 };

function event(number: number): RecordedEvent {
  return {
    topic: "head",
    node: "a",
    receivedAt: number,
    raw: `{ "slot":"${number}", "odd":"\\u00e9 é"}`,
  };
}

const TEXT = recordingHeader(CONFIG) + recordingLine(event(1)) +
  recordingLine({ ...event(2), recovered: true });

function open(...parts: BlobPart[]) {
  return openRecording(() => new Blob(parts).stream());
}

async function gzip(text: string): Promise<Uint8Array<ArrayBuffer>> {
  const stream = new Blob([text]).stream().pipeThrough(
    new CompressionStream("gzip"),
  );
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

Deno.test("openRecording() reads back what was written, to the letter, any number of times", async () => {
  const recording = await open(TEXT);
  assertEquals(recording.config, CONFIG);
  for (let time = 0; time < 2; time++) {
    assertEquals(await Array.fromAsync(recording.events()), [
      event(1),
      { ...event(2), recovered: true },
    ]);
  }
});

Deno.test("openRecording() reads a gzip file", async () => {
  const recording = await open(await gzip(TEXT));
  assertEquals(recording.config, CONFIG);
  assertEquals((await Array.fromAsync(recording.events())).length, 2);
});

Deno.test("openRecording() loses only a torn last line and a damaged one in between", async () => {
  const damaged = TEXT.replace(/^/, "") + "{broken}\n" +
    recordingLine(event(3)) + recordingLine(event(4)).slice(0, 20);
  const events = await Array.fromAsync((await open(damaged)).events());
  assertEquals(events.map(({ receivedAt }) => receivedAt), [1, 2, 3]);
});

Deno.test("openRecording() keeps what a gzip file holds that ends too early", async () => {
  const many = Array.from({ length: 20_000 }, (_, index) => {
    const random = Math.imul(index + 1, 0x9e3779b1) >>> 0;
    return recordingLine({ ...event(index), raw: `{"x":"${random}"}` });
  });
  const whole = await gzip(recordingHeader(CONFIG) + many.join(""));
  const recording = await open(whole.slice(0, whole.length - 2000));
  const events = await Array.fromAsync(recording.events());
  assertEquals(events.length > 10_000, true);
  assertEquals(events.every(({ receivedAt }, at) => receivedAt === at), true);
});

Deno.test("openRecording() names what is no recording", async () => {
  await assertRejects(
    () => open('{"topic":"head"}\n'),
    TypeError,
    "the first line must hold",
  );
  await assertRejects(() => open(""), TypeError, 'got ""');
});
