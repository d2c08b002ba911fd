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

const GZIP = await gzip(TEXT);
const DAMAGED_GZIP: [string, BlobPart[]][] = [
  ["torn in its trailer", [GZIP.slice(0, -4)]],
  ["without its trailer", [GZIP.slice(0, -8)]],
  ["of a wrong checksum", [GZIP.with(-6, GZIP.at(-6)! ^ 1)]],
  ["with garbage behind", [GZIP, GZIP.slice(0, 5)]],
];
for (const [what, parts] of DAMAGED_GZIP) {
  Deno.test(`openRecording() loses nothing of a gzip file ${what}`, async () => {
    const recording = await open(...parts);
    assertEquals(recording.config, CONFIG);
    assertEquals((await Array.fromAsync(recording.events())).length, 2);
  });
}

Deno.test("openRecording() reads gzip files that were joined, also behind one that is torn", async () => {
  const parts = [1, 2, 3].map((number) =>
    gzip(TEXT + recordingLine(event(number)))
  );
  const [one, two, three] = await Promise.all(parts);
  const torn = two!.slice(0, -30);
  for (const pieceBytes of [1, 7, 1000]) {
    const recording = await openRecording(() =>
      inPieces([...one!, ...torn, ...three!], pieceBytes)
    );
    const numbers = (await Array.fromAsync(recording.events()))
      .map(({ receivedAt }) => receivedAt);
    assertEquals(numbers.slice(0, 3), [1, 2, 1]);
    assertEquals(numbers.slice(-3), [1, 2, 3]);
  }
});

/** A stream of the bytes in pieces. */
function inPieces(bytes: number[], length: number): ReadableStream<Uint8Array> {
  let at = 0;
  return new ReadableStream({
    pull(controller) {
      if (at >= bytes.length) return controller.close();
      controller.enqueue(new Uint8Array(bytes.slice(at, at += length)));
    },
  });
}

const FOREIGN: [string, BlobPart[]][] = [
  ["an empty file", []],
  ["an empty gzip file", [await gzip("")]],
  ["a file whose first line is an event", [recordingLine(event(1))]],
  ["a gzip file whose first line is an event", [
    await gzip(recordingLine(event(1))),
  ]],
  ["a file of bytes", [new Uint8Array([0xff, 0x1f, 0x8b, 0])]],
  ["a file whose first line is null", ["null\n"]],
];
for (const [what, parts] of FOREIGN) {
  Deno.test(`openRecording() refuses ${what}`, async () => {
    await assertRejects(
      () => open(...parts),
      TypeError,
      "the first line must hold",
    );
  });
}

Deno.test("openRecording() refuses a config of which no clock can be made", async () => {
  const config = { ...CONFIG, slotDurationMs: "12 s" as unknown as number };
  await assertRejects(
    () => open(recordingHeader(config)),
    TypeError,
    "its config must be that of a chain",
  );
});

Deno.test("openRecording() names what is no recording", async () => {
  await assertRejects(
    () => open('{"topic":"head"}\n'),
    TypeError,
    "the first line must hold",
  );
  await assertRejects(() => open(""), TypeError, 'got ""');
});
