/** Requests for events that no client should send, and what a gateway makes of them. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { brief, get, openReader, startGateway, stillNode } from "./helpers.ts";

const DIGITS = "0".repeat(20);

for (
  const [query, message] of [
    ["topics=head&since=", /^Invalid since: .*got ""/],
    ["topics=head&since=-1", /^Invalid since: .*got "-1"/],
    ["topics=head&since=EARLIEST", /^Invalid since: /],
    ["topics=head&since=Slot:1", /^Invalid since: /],
    ["topics=head&since=slot:0x10", /^Invalid since: /],
    ["topics=head&since=2026-02-30T00:00:00Z", /^Invalid since: /],
    ["topics=head&since=%00", /^Invalid since: .*\\u0000/],
    [`topics=head&since=${"9".repeat(400)}`, /^Invalid since: .{50,200}$/],
    ["topics=,,&topics=", /^Invalid topics: at least one/],
    ["Topics=head", /^Invalid topics: at least one/],
    ["topics=HEAD", /^Invalid topic: HEAD. Topics here: head, /],
    ["topics=head;block", /^Invalid topic: head;block/],
    ["topics=__proto__", /^Invalid topic: __proto__/],
    ["topics=head,toString", /^Invalid topic: toString/],
    ["topics=%00%0Aevent:x", /^Invalid topic: \\u0000\\u000aevent:x/],
    [`topics=${"head,".repeat(65)}`, /^Invalid topics: at most 64/],
    ["topics=head&last_event_id=&lastEventId=x", /^Invalid event id: /],
    ["topics=head&last_event_id=a--1-1", /^Invalid event id: /],
    [
      `topics=head&last_event_id=a-${"9".repeat(36)}-1`,
      /^Invalid event id: .*got "a-999/,
    ],
  ] as const
) {
  Deno.test(`createGateway() refuses ?${query.slice(0, 60)} with the reason`, async () => {
    await using stage = await startGateway(
      ["http://127.0.0.1:1"].map((url) => ({ url })),
    );
    const response = await get(stage.gateway, `/eth/v1/events?${query}`);
    assertEquals(response.status, 400);
    const { code, message: text } = await response.json();
    assertEquals(code, 400);
    assertMatch(text, message);
  });
}

for (
  const query of [
    "topics=head%2cblock&topics=,gap",
    "topics=head&topics=head,head",
    "topics=head%20",
    "topics=head&since=slot:9999999",
    "topics=head&since=epoch:999999999999999",
    "topics=head&since=999999999999999",
    "topics=head&since=9999-12-31",
    "topics=head&last_event_id=",
    "topics=head&sources=yes",
  ]
) {
  Deno.test(`createGateway() begins with the next event on ?${query}`, async () => {
    await using node = await stillNode();
    await using stage = await startGateway([node]);
    await node.whenConnected();
    await stage.listener.ready;
    await using all = await openReader(stage.gateway, "topics=head");
    await node.produceBlock();
    await all.next();
    await using reader = await openReader(stage.gateway, query);
    const { slot } = await node.produceBlock();
    let event = await reader.next();
    if (event?.type === "block") event = await reader.next();
    assertEquals(brief(event!), `head ${slot}`);
  });
}

for (const since of ["slot:0", "epoch:0", "0", "1970-01-01T00:00"]) {
  Deno.test(`createGateway() recovers two epochs and reports the rest on since=${since}`, async () => {
    await using node = await stillNode({ slotsPerEpoch: 8 });
    await using stage = await startGateway([node]);
    await node.whenConnected();
    await stage.listener.ready;
    await using reader = await openReader(
      stage.gateway,
      `topics=block,gap&since=${since}`,
    );
    const gap = JSON.parse((await reader.next())!.data);
    assertEquals([gap.from, gap.reason], [0, "it is too long ago"]);
    const { slot } = JSON.parse((await reader.next())!.data);
    assert(Number(slot) > gap.to);
    assert(Number(slot) >= node.head.slot - 16);
  });
}

for (const slot of ["100200", "999999999999999"]) {
  Deno.test(`createGateway() lets an id of slot ${slot} silence nothing`, async () => {
    await using node = await stillNode();
    await using stage = await startGateway([node]);
    await node.whenConnected();
    await stage.listener.ready;
    await using reader = await openReader(stage.gateway, "topics=head", {
      "last-event-id": `other-1${DIGITS}-${slot}`,
    });
    // From the last epoch on, each with a position that a cut would leave right.
    const before = (await reader.next())!;
    assertEquals(before.lastEventId.split("-").at(-1), brief(before).slice(5));
    const block = await node.produceBlock();
    let event = await reader.next();
    while (brief(event!) !== `head ${block.slot}`) event = await reader.next();
  });
}
