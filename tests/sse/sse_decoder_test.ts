import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  type ServerSentEvent,
  SseDecoder,
  type SseDecoderOptions,
  SseOversizeError,
} from "@org/beacon-sse/sse";

/** Everything that a decoder reports of a stream. */
interface Decoded {
  events: ServerSentEvent[];
  comments: string[];
  retries: number[];
  oversized: number;
  lastEventId: string;
}

function decode(chunks: string[], options: SseDecoderOptions = {}): Decoded {
  const comments: string[] = [];
  const retries: number[] = [];
  const decoder = new SseDecoder({
    onComment: (comment) => comments.push(comment),
    onRetry: (milliseconds) => retries.push(milliseconds),
    ...options,
  });
  const events = chunks.flatMap((chunk) => decoder.push(chunk));
  const { oversized, lastEventId } = decoder;
  return { events, comments, retries, oversized, lastEventId };
}

/** The stream whole, unit by unit, and cut in two at every place. */
function everyCut(stream: string): string[][] {
  const cuts = [[stream], stream.split("")];
  for (let at = 1; at < stream.length; at++) {
    cuts.push([stream.slice(0, at), stream.slice(at)]);
  }
  return cuts;
}

/** What a stream decodes to, the same however it is cut. */
function decodeEveryCut(
  stream: string,
  options: SseDecoderOptions = {},
): Decoded {
  const whole = decode([stream], options);
  for (const chunks of everyCut(stream)) {
    assertEquals({ chunks, ...decode(chunks, options) }, { chunks, ...whole });
  }
  return whole;
}

/** An event without a name and an id. */
function message(data: string, lastEventId = ""): ServerSentEvent {
  return { type: "message", data, lastEventId };
}

/** How an event of `bytes` fared under a cap: `"passed"`, or `"skipped"` and counted. */
function fate(stream: string, maxEventBytes: number): "passed" | "skipped" {
  const next = "data: next\n\n";
  const { events, oversized } = decodeEveryCut(stream + next, {
    maxEventBytes: Math.max(maxEventBytes, 4),
  });
  assertEquals(events.at(-1)?.data, "next");
  assertEquals(events.length + oversized, 2);
  return oversized === 0 ? "passed" : "skipped";
}

// Byte order mark.

Deno.test("SseDecoder.push() strips a byte order mark at the start", () => {
  const { events } = decodeEveryCut("\uFEFFdata: head\n\n");
  assertEquals(events, [message("head")]);
});

Deno.test("SseDecoder.push() strips a byte order mark behind an empty first chunk", () => {
  const { events } = decode(["", "", "\uFEFFdata: head\n\n"]);
  assertEquals(events, [message("head")]);
});

Deno.test("SseDecoder.push() strips one byte order mark only", () => {
  const { events } = decodeEveryCut(
    "\uFEFF\uFEFFdata: lost, as its field has another name\n\ndata: kept\n\n",
  );
  assertEquals(events, [message("kept")]);
});

Deno.test("SseDecoder.push() keeps a byte order mark that is not at the start", () => {
  const { events } = decodeEveryCut(
    "data: \uFEFFa\uFEFF\n\n\uFEFFdata: lost\n\ndata: b\n\n",
  );
  assertEquals(events, [message("\uFEFFa\uFEFF"), message("b")]);
});

// Line ends.

for (
  const [name, end] of [["LF", "\n"], ["CR", "\r"], ["CRLF", "\r\n"]] as const
) {
  Deno.test(`SseDecoder.push() ends lines at ${name}`, () => {
    const stream = ["event: block", "data: 1", "data: 2", "", ""].join(end);
    const { events } = decodeEveryCut(stream);
    assertEquals(events, [{ type: "block", data: "1\n2", lastEventId: "" }]);
  });
}

Deno.test("SseDecoder.push() takes all line ends in one stream", () => {
  const { events } = decodeEveryCut(
    "data: a\rdata: b\r\ndata: c\n\r\ndata: d\n\r",
  );
  assertEquals(events, [message("a\nb\nc"), message("d")]);
});

Deno.test("SseDecoder.push() takes a CRLF split across chunks for one line end", () => {
  const decoder = new SseDecoder();
  assertEquals(decoder.push("data: a\r"), []);
  assertEquals(decoder.push("\ndata: b\r"), []);
  assertEquals(decoder.push("\n\r"), [message("a\nb")]);
  assertEquals(decoder.push("\ndata: c\r\n\r\n"), [message("c")]);
});

Deno.test("SseDecoder.push() takes an LF behind an empty chunk for the rest of a CRLF", () => {
  assertEquals(decode(["data: a\r", "", "\n", "data: b\n\n"]).events, [
    message("a\nb"),
  ]);
});

Deno.test("SseDecoder.push() delivers an event at the CR of its blank line, without waiting for an LF", () => {
  const decoder = new SseDecoder();
  assertEquals(decoder.push("data: now\r\r"), [message("now")]);
});

Deno.test("SseDecoder.push() ends lines at no other character", () => {
  const data = "a\u2028b\u2029c\u0085d\ve\ff";
  assertEquals(decodeEveryCut(`data: ${data}\n\n`).events, [message(data)]);
});

// Fields.

Deno.test("SseDecoder.push() drops one space behind the colon, and one only", () => {
  const { events } = decodeEveryCut(
    "event:head\ndata:a\ndata: b\ndata:  c\ndata:\td\ndata: \n\n",
  );
  assertEquals(events, [{
    type: "head",
    data: "a\nb\n c\n\td\n",
    lastEventId: "",
  }]);
});

Deno.test("SseDecoder.push() splits a line at its first colon", () => {
  assertEquals(decodeEveryCut('data: {"slot":"7"}\n\n').events, [
    message('{"slot":"7"}'),
  ]);
});

Deno.test("SseDecoder.push() reads a line without a colon as a field without a value", () => {
  const { events, lastEventId, retries } = decodeEveryCut(
    "id: 7\n\nevent: head\ndata\ndata\nevent\nid\nretry\n\n",
  );
  assertEquals(events, [message("\n")]);
  assertEquals(lastEventId, "");
  assertEquals(retries, []);
});

Deno.test("SseDecoder.push() ignores unknown fields", () => {
  const unknown = [
    "slot: 7",
    "garbage",
    "dat: x",
    "dataa: x",
    "Data: x",
    " data: x",
    "data : x",
    "e",
    "events: x",
    "i",
    "ids: 8",
    "retr: 9",
    "retrying: 9",
  ];
  const { events, lastEventId, retries } = decodeEveryCut(
    ["data: kept", ...unknown, "", ""].join("\n"),
  );
  assertEquals(events, [message("kept")]);
  assertEquals([lastEventId, retries], ["", []]);
});

Deno.test("SseDecoder.push() calls an event without a name a message", () => {
  const { events } = decodeEveryCut("event:\ndata: a\n\nevent: \ndata: b\n\n");
  assertEquals(events, [message("a"), message("b")]);
});

Deno.test("SseDecoder.push() takes the last of several names", () => {
  const { events } = decodeEveryCut("event: head\ndata: a\nevent: block\n\n");
  assertEquals(events, [{ type: "block", data: "a", lastEventId: "" }]);
});

Deno.test("SseDecoder.push() forgets the name at the end of an event", () => {
  const { events } = decodeEveryCut(
    "event: head\ndata: a\n\ndata: b\n\nevent: lost\n\ndata: c\n\n",
  );
  assertEquals(events.map(({ type }) => type), ["head", "message", "message"]);
});

Deno.test("SseDecoder.push() joins data lines by line feeds", () => {
  const { events } = decodeEveryCut("data: a\ndata\ndata: b\ndata:\n\n");
  assertEquals(events, [message("a\n\nb\n")]);
});

Deno.test("SseDecoder.push() delivers an event with empty data", () => {
  assertEquals(decodeEveryCut("data\n\ndata:\n\ndata: \n\n").events, [
    message(""),
    message(""),
    message(""),
  ]);
});

Deno.test("SseDecoder.push() delivers no event without data", () => {
  const { events } = decodeEveryCut(
    "event: head\n\n\n\n: hello\n\ndata: a\n\n",
  );
  assertEquals(events, [message("a")]);
});

Deno.test("SseDecoder.push() drops what is not terminated by a blank line", () => {
  for (
    const rest of ["data: b", "data: b\n", "data", "event: head\ndata: b\r"]
  ) {
    const { events } = decodeEveryCut(`data: a\n\nid: 9\n${rest}`);
    assertEquals(events, [message("a")]);
  }
  assertEquals(decode([]).events, []);
  assertEquals(decode([""]).events, []);
});

Deno.test("SseDecoder.push() decodes one event cut into any three pieces", () => {
  const stream = "id: é\r\nevent: head\r\ndata: 漢\r\ndata: 💥\r\n\r\n";
  const expected = [{ type: "head", data: "漢\n💥", lastEventId: "é" }];
  for (let first = 0; first <= stream.length; first++) {
    for (let second = first; second <= stream.length; second++) {
      const chunks = [
        stream.slice(0, first),
        stream.slice(first, second),
        stream.slice(second),
      ];
      assertEquals(decode(chunks).events, expected);
    }
  }
});

// Last event ID.

Deno.test("SseDecoder.push() keeps an id for the events behind it", () => {
  const { events, lastEventId } = decodeEveryCut(
    "data: a\n\nid: 7\ndata: b\n\ndata: c\n\nid: 8\ndata: d\n\n",
  );
  assertEquals(events, [
    message("a"),
    message("b", "7"),
    message("c", "7"),
    message("d", "8"),
  ]);
  assertEquals(lastEventId, "8");
});

Deno.test("SseDecoder.push() takes an id from an event without data", () => {
  const { events, lastEventId } = decodeEveryCut("id: 7\n\ndata: a\n\n");
  assertEquals(events, [message("a", "7")]);
  assertEquals(lastEventId, "7");
});

Deno.test("SseDecoder.lastEventId changes at the blank line, not before", () => {
  const decoder = new SseDecoder();
  decoder.push("id: 7\ndata: a\n");
  assertEquals(decoder.lastEventId, "");
  decoder.push("\n");
  assertEquals(decoder.lastEventId, "7");
  decoder.push("id: 8\n");
  assertEquals(decoder.lastEventId, "7");
});

Deno.test("SseDecoder.push() resets the id where it is empty", () => {
  for (const line of ["id", "id:", "id: "]) {
    const { events, lastEventId } = decodeEveryCut(
      `id: 7\ndata: a\n\n${line}\ndata: b\n\n`,
    );
    assertEquals(events, [message("a", "7"), message("b")]);
    assertEquals(lastEventId, "");
  }
});

Deno.test("SseDecoder.push() ignores an id that holds a NUL", () => {
  for (const id of ["\0", "\x008", "8\0", "8\x008"]) {
    const { events } = decodeEveryCut(
      `id: 7\ndata: a\n\nid: ${id}\ndata: b\n\n`,
    );
    assertEquals(events, [message("a", "7"), message("b", "7")]);
  }
});

Deno.test("SseDecoder.push() keeps a NUL in data and names", () => {
  assertEquals(decodeEveryCut("event: \0\ndata: a\0b\n\n").events, [
    { type: "\0", data: "a\0b", lastEventId: "" },
  ]);
});

Deno.test("SseDecoder.push() keeps spaces in an id but the first", () => {
  assertEquals(decodeEveryCut("id:  7 \n\n").lastEventId, " 7 ");
});

// Retry.

Deno.test("SseDecoder.push() reports a retry that consists of digits at once", () => {
  const retries: number[] = [];
  const decoder = new SseDecoder({ onRetry: (ms) => retries.push(ms) });
  decoder.push("retry: 250\nretry:0\nretry: 0030\n");
  assertEquals(retries, [250, 0, 30]);
});

Deno.test("SseDecoder.push() ignores a retry of anything but digits", () => {
  const values = ["", "-1", "+1", "1.5", "1e3", "0x10", "1 ", " 1", "١", "ten"];
  const stream = values.map((value) => `retry: ${value}\n`).join("");
  assertEquals(decodeEveryCut(stream).retries, []);
});

Deno.test("SseDecoder.push() needs no callbacks", () => {
  const decoder = new SseDecoder();
  assertEquals(decoder.push(": hello\nretry: 5\ndata: a\n\n"), [message("a")]);
});

// Comments.

Deno.test("SseDecoder.push() reports the text of comments and leaves the event alone", () => {
  const { events, comments } = decodeEveryCut(
    ":\n: hello\ndata: a\n:no space\n:  two\n: a: b\ndata: b\n\n",
  );
  assertEquals(events, [message("a\nb")]);
  assertEquals(comments, ["", "hello", "no space", " two", "a: b"]);
});

Deno.test("SseDecoder.push() reports no comment before the end of its line", () => {
  assertEquals(decode([": keep", "-alive"]).comments, []);
  assertEquals(decode([": keep", "-alive", "\r"]).comments, ["keep-alive"]);
});

Deno.test("SseDecoder.push() cuts comments behind 1024 code units", () => {
  const text = "0123456789abcdef".repeat(64);
  for (const [sent, reported] of [[text, text], [`${text}!`, text]] as const) {
    const stream = `: ${sent}\ndata: a\n\n`;
    for (
      const chunks of [
        [stream],
        stream.split(""),
        stream.match(/.{1,100}\n*/gs)!,
      ]
    ) {
      const { comments, events } = decode(chunks);
      assertEquals(comments, [reported]);
      assertEquals(events, [message("a")]);
    }
  }
});

// The byte cap.

Deno.test("SseDecoder.push() lets an event of exactly the cap pass and skips one byte more", () => {
  assertEquals(fate("data: 12345678\n\n", 8), "passed");
  assertEquals(fate("data: 123456789\n\n", 8), "skipped");
});

for (
  const { name, unit, bytes } of [
    { name: "two", unit: "é", bytes: 2 },
    { name: "three", unit: "漢", bytes: 3 },
    { name: "four", unit: "💥", bytes: 4 },
    { name: "three, by a lone surrogate,", unit: "\uD83Da", bytes: 4 },
  ]
) {
  Deno.test(`SseDecoder.push() counts characters of ${name} bytes as UTF-8 does`, () => {
    const data = unit.repeat(5);
    assertEquals(fate(`data: ${data}\n\n`, 5 * bytes), "passed");
    assertEquals(fate(`data: ${data}\n\n`, 5 * bytes - 1), "skipped");
    assertEquals(fate(`data: ${data}.\n\n`, 5 * bytes), "skipped");
  });
}

Deno.test("SseDecoder.push() counts a surrogate pair cut between chunks as one character", () => {
  const [high, low] = ["💥"[0]!, "💥"[1]!];
  for (const [maxEventBytes, count] of [[8, 1], [7, 0]] as const) {
    const { events } = decode(
      [`data: ${high}`, low, high, `${low}\n`, "\n"],
      { maxEventBytes },
    );
    assertEquals(events.length, count);
  }
});

Deno.test("SseDecoder.push() counts the line feeds between data lines", () => {
  assertEquals(fate("data: ab\ndata: cd\ndata: ef\n\n", 8), "passed");
  assertEquals(fate("data: ab\ndata: cd\ndata: ef\n\n", 7), "skipped");
  assertEquals(fate("data: ab\ndata: cde\ndata\n\n", 7), "passed");
  assertEquals(fate("data: ab\ndata: cde\ndata\ndata\n\n", 7), "skipped");
});

Deno.test("SseDecoder.push() counts the line feed in front of a data line that comes in pieces", () => {
  assertEquals(fate("data: a\ndata: 12345678\n\n", 10), "passed");
  assertEquals(fate("data: a\ndata: 12345678\n\n", 9), "skipped");
});

Deno.test("SseDecoder.push() counts surrogates of two lines as two characters", () => {
  const [high, low] = ["💥"[0]!, "💥"[1]!];
  assertEquals(fate(`data: ${high}\ndata: ${low}\n\n`, 7), "passed");
  assertEquals(fate(`data: ${high}\ndata: ${low}\n\n`, 6), "skipped");
});

Deno.test("SseDecoder.push() counts many empty data lines", () => {
  assertEquals(fate("data:\n".repeat(9) + "\n", 8), "passed");
  assertEquals(fate("data:\n".repeat(10) + "\n", 8), "skipped");
  const decoder = new SseDecoder({ maxEventBytes: 1000 });
  for (let line = 0; line < 10_000; line++) decoder.push("data\n");
  assertEquals(decoder.oversized, 1);
  assertEquals(decoder.push("\ndata: next\n\n"), [message("next")]);
});

Deno.test("SseDecoder.push() counts an event's name and id", () => {
  assertEquals(fate("event: abcd\nid: ef\ndata: gh\n\n", 8), "passed");
  assertEquals(fate("event: abcd\nid: ef\ndata: ghi\n\n", 8), "skipped");
  assertEquals(fate("event: abcd\ndata: efgh\n\n", 8), "passed");
  assertEquals(fate("event: abcd\ndata: efghi\n\n", 8), "skipped");
  assertEquals(fate("id: 123456789\ndata: a\n\n", 8), "skipped");
  assertEquals(fate("event: 123456789\ndata: a\n\n", 8), "skipped");
});

Deno.test("SseDecoder.push() counts neither field names nor optional spaces nor line ends", () => {
  assertEquals(fate("event: ab\r\nid: cd\r\ndata: efgh\r\n\r\n", 8), "passed");
});

Deno.test("SseDecoder.push() does not count an id of an earlier event", () => {
  const { events, oversized } = decodeEveryCut(
    "id: 12345678\ndata\n\ndata: abcdefgh\n\n",
    { maxEventBytes: 8 },
  );
  assertEquals(events, [
    message("", "12345678"),
    message("abcdefgh", "12345678"),
  ]);
  assertEquals(oversized, 0);
});

Deno.test("SseDecoder.push() takes replaced names and ids off the count", () => {
  assertEquals(
    fate("event: a\nid: b\n".repeat(20) + "data: 123456\n\n", 8),
    "passed",
  );
  assertEquals(
    fate("event: a\nid: b\n".repeat(20) + "data: 1234567\n\n", 8),
    "skipped",
  );
});

Deno.test("SseDecoder.push() takes an id with a NUL off the count", () => {
  assertEquals(
    fate("id: 1234\0\n".repeat(20) + "data: 12345678\n\n", 8),
    "passed",
  );
});

Deno.test("SseDecoder.push() counts on exactly behind a long line that is no longer held", () => {
  const decoder = new SseDecoder({ maxEventBytes: 20 });
  decoder.push("retry: 123456789012\n");
  assertEquals(decoder.push("data: 12345678901\ndata: 123456789\n\n"), []);
  assertEquals(decoder.oversized, 1);
});

Deno.test("SseDecoder.push() bounds a retry line and does not count it behind its end", () => {
  assertEquals(
    fate("retry: 250\n".repeat(20) + "data: 12345678\n\n", 8),
    "passed",
  );
  assertEquals(fate(`retry: ${"1".repeat(9)}\ndata: a\n\n`, 8), "skipped");
  const endless = decode(["retry: ", ..."1".repeat(100), "\n\ndata: a\n\n"], {
    maxEventBytes: 8,
  });
  assertEquals(endless.retries, []);
  assertEquals([endless.oversized, endless.events], [1, [message("a")]]);
});

Deno.test("SseDecoder.push() never counts comments and unknown fields", () => {
  const long = "x".repeat(100);
  const stream =
    `: ${long}\nunknown: ${long}\ndata: 1234\n${long}\n:${long}\ndata: 678\n\n`;
  const { events, oversized } = decodeEveryCut(stream, { maxEventBytes: 8 });
  assertEquals(events, [message("1234\n678")]);
  assertEquals(oversized, 0);
});

Deno.test("SseDecoder.push() skips an endless line in large chunks and delivers what follows", () => {
  const decoder = new SseDecoder({ maxEventBytes: 4096 });
  assertEquals(decoder.push("event: head\ndata: "), []);
  for (let chunk = 0; chunk < 100; chunk++) {
    assertEquals(decoder.push("x".repeat(65_536)), []);
  }
  assertEquals(decoder.oversized, 1);
  assertEquals(decoder.push("\n\ndata: next\n\n"), [message("next")]);
});

Deno.test("SseDecoder.push() skips an endless line in small chunks and delivers what follows", () => {
  const decoder = new SseDecoder({ maxEventBytes: 4096 });
  for (const unit of "data: ") decoder.push(unit);
  for (let chunk = 0; chunk < 100_000; chunk++) decoder.push("x");
  assertEquals(decoder.oversized, 1);
  for (const unit of "\n\ndata: next\n") assertEquals(decoder.push(unit), []);
  assertEquals(decoder.push("\n"), [message("next")]);
});

Deno.test("SseDecoder.push() goes on behind the blank line of a skipped event, not before", () => {
  const { events, oversized } = decodeEveryCut(
    "data: 123456789\ndata: a\nevent: head\ndata: 123456789\n\ndata: b\n\n",
    { maxEventBytes: 8 },
  );
  assertEquals(events, [message("b")]);
  assertEquals(oversized, 1);
});

Deno.test("SseDecoder.push() takes no id, name or retry from a skipped event", () => {
  const { events, lastEventId, retries } = decodeEveryCut(
    "id: 1\n\nid: 2\nevent: head\ndata: 123456789\nid: 3\nretry: 5\n\ndata: a\n\n",
    { maxEventBytes: 8 },
  );
  assertEquals(events, [message("a", "1")]);
  assertEquals([lastEventId, retries], ["1", []]);
});

Deno.test("SseDecoder.push() reports comments within a skipped event", () => {
  const { comments } = decodeEveryCut(
    "data: 123456789\n: alive\ndata: a\n\n: and well\n",
    { maxEventBytes: 8 },
  );
  assertEquals(comments, ["alive", "and well"]);
});

Deno.test("SseDecoder.oversized counts each skipped event once, at the byte too many", () => {
  const decoder = new SseDecoder({ maxEventBytes: 8 });
  decoder.push("data: 12345678");
  assertEquals(decoder.oversized, 0);
  decoder.push("9");
  assertEquals(decoder.oversized, 1);
  decoder.push("x".repeat(1000));
  assertEquals(decoder.oversized, 1);
  decoder.push("\n\ndata: 123456789\n\ndata: 123456789\n\n");
  assertEquals(decoder.oversized, 3);
});

Deno.test("SseDecoder.push() skips the same events however the stream is cut", () => {
  const stream = [
    "event: head\ndata: ok\n\n",
    "event: attestation_of_a_long_name\ndata: x\n\n",
    "data: 漢漢漢漢漢漢\n\n",
    "data: éé\ndata: éé\n\n",
    "id: 12345678901234567\n\n",
    "\uFEFF: 1\ndata: last\n\n",
    "data: 💥💥💥💥\r\n\r\n",
    "data: 💥💥💥💥.\r\n\r\n",
  ].join("");
  const { events, oversized } = decodeEveryCut(stream, { maxEventBytes: 16 });
  assertEquals(events.map(({ data }) => data), [
    "ok",
    "éé\néé",
    "last",
    "💥💥💥💥",
  ]);
  assertEquals(oversized, 4);
});

Deno.test("SseDecoder.push() has a cap of 4 MiB by default", () => {
  const cap = 4 * 1024 * 1024;
  const data = "x".repeat(cap);
  const decoder = new SseDecoder();
  assertEquals(decoder.push(`data: ${data}\n\n`).length, 1);
  assertEquals(decoder.push(`data: ${data}x\n\n`).length, 0);
  assertEquals(decoder.oversized, 1);
});

// The cap as an error.

Deno.test("SseDecoder.push() throws for an event over the cap, with the events around it", () => {
  const decoder = new SseDecoder({ maxEventBytes: 8, onOversize: "error" });
  const error = assertThrows(
    () => decoder.push("data: a\n\ndata: 123456789\n\ndata: b\n\n"),
    SseOversizeError,
    "8",
  );
  assert(error instanceof RangeError);
  assertEquals(error.name, "SseOversizeError");
  assertEquals(error.maxEventBytes, 8);
  assertEquals(error.events, [message("a"), message("b")]);
  assertEquals(decoder.oversized, 1);
});

Deno.test("SseDecoder.push() throws once for an event and goes on behind it", () => {
  const decoder = new SseDecoder({ maxEventBytes: 8, onOversize: "error" });
  assertEquals(decoder.push("id: 1\ndata: 1234"), []);
  const error = assertThrows(() => decoder.push("56789"), SseOversizeError);
  assertEquals(error.events, []);
  assertEquals(decoder.push("more of it"), []);
  assertEquals(decoder.push("\ndata: still it\n\ndata: next\n\n"), [
    message("next"),
  ]);
  assertThrows(() => decoder.push("data: 123456789"), SseOversizeError);
  assertEquals(decoder.oversized, 2);
});

// Options.

Deno.test("SseDecoder() refuses a bad maxEventBytes, naming it and its value", () => {
  // deno-lint-ignore no-explicit-any -- what a user without types may pass
  const values: any[] = [0, -1, 1.5, NaN, Infinity, 2 ** 53, "4096", null];
  for (const maxEventBytes of values) {
    const { message } = assertThrows(
      () => new SseDecoder({ maxEventBytes }),
      RangeError,
      "maxEventBytes",
    );
    const shown = typeof maxEventBytes === "string"
      ? `"${maxEventBytes}"`
      : maxEventBytes;
    assert(message.endsWith(`got ${shown}`), message);
  }
});

Deno.test("SseDecoder() refuses a bad onOversize, naming it and its value", () => {
  // deno-lint-ignore no-explicit-any -- what a user without types may pass
  const values: any[] = ["drop", "", null, 0, true];
  for (const onOversize of values) {
    const { message } = assertThrows(
      () => new SseDecoder({ onOversize }),
      TypeError,
      "onOversize",
    );
    assert(message.includes(String(onOversize)), message);
  }
});

Deno.test("SseDecoder() refuses callbacks that are no functions, naming them and their value", () => {
  for (const name of ["onComment", "onRetry"]) {
    const { message } = assertThrows(
      () => new SseDecoder({ [name]: "log" }),
      TypeError,
      name,
    );
    assert(message.includes("log"), message);
  }
});

Deno.test("SseDecoder.push() joins a long line of surrogate pairs that every chunk cuts", () => {
  const value = "\uFEFF" + "💥".repeat(60_000);
  const stream = `data: ${value}\n\n`;
  for (const length of [1, 3, 9_999]) {
    const decoder = new SseDecoder();
    const events: ServerSentEvent[] = [];
    for (let at = 0; at < stream.length; at += length) {
      events.push(...decoder.push(stream.slice(at, at + length)));
    }
    assertEquals(events.length, 1);
    assertEquals(events[0]!.data === value, true);
  }
});
