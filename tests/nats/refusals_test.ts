/** Servers and streams that cannot serve. */

import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { fromJetStream, StreamRefusedError } from "../../src/nats/mod.ts";
import { block, natsTest, nextStatus, take } from "./stage.ts";

const WINDOW = { duplicate_window: 3600e9 };
const REFUSED: [name: string, config: Record<string, unknown>, RegExp][] = [
  [
    "other subjects",
    { subjects: ["beacon.sepolia.>"], ...WINDOW },
    /not beacon\.mainnet\.>/,
  ],
  [
    "a short duplicate window",
    { duplicate_window: 120e9 },
    /duplicate_window is 120 s/,
  ],
  [
    "one message per subject",
    { ...WINDOW, max_msgs_per_subject: 1 },
    /max_msgs_per_subject/,
  ],
  ["no acknowledgements", { ...WINDOW, no_ack: true }, /no_ack/],
  [
    "small messages only",
    { ...WINDOW, max_msg_size: 1024 },
    /max_msg_size of 1024 bytes/,
  ],
  [
    "the retention of a work queue",
    { ...WINDOW, retention: "workqueue" },
    /retention is workqueue/,
  ],
  [
    "the retention of interest",
    { ...WINDOW, retention: "interest" },
    /retention is interest/,
  ],
  [
    "a limit beyond which it takes nothing new",
    { ...WINDOW, discard: "new", max_msgs: 1000 },
    /discard new/,
  ],
];
for (const [name, config, reason] of REFUSED) {
  natsTest(
    `toJetStream() refuses a stream with ${name}, and does not alter it`,
    async (stage) => {
      const { streams } = await stage.manager();
      await streams.add({
        name: "BEACON_MAINNET",
        subjects: ["beacon.>"],
        ...config,
      });
      const before = (await streams.info("BEACON_MAINNET")).config;
      const sink = stage.sink();
      const error = await assertRejects(
        () => sink.finished,
        StreamRefusedError,
      );
      assertMatch(error.message, reason);
      assertEquals((await streams.info("BEACON_MAINNET")).config, before);
    },
  );
}

natsTest(
  "toJetStream() with subjectPerEvent refuses a stream without it",
  async (stage) => {
    await (await stage.manager()).streams.add({
      name: "BEACON_MAINNET",
      subjects: ["beacon.>"],
      ...WINDOW,
    });
    const sink = stage.sink({ subjectPerEvent: true });
    const error = await assertRejects(() => sink.finished, StreamRefusedError);
    assertMatch(error.message, /discard_new_per_subject/);
  },
);

natsTest(
  "toJetStream() refuses subjects that another stream has",
  async (stage) => {
    await (await stage.manager()).streams.add({
      name: "OTHER",
      subjects: ["beacon.>"],
    });
    const sink = stage.sink();
    const error = await assertRejects(() => sink.finished, StreamRefusedError);
    assertMatch(error.message, /^Cannot make stream BEACON_MAINNET: .*overlap/);
  },
);

natsTest(
  "toJetStream() reports once that a server has no JetStream, and waits for it",
  async (stage) => {
    const { server, listener } = stage;
    const sink = stage.sink();
    const statuses = sink.status();
    listener.post(block(1));
    const status = await nextStatus(statuses, "disconnected");
    assertMatch(String("error" in status && status.error), /jetstream/i);
    await server.kill();
    server.settings = {};
    await server.start();
    await nextStatus(statuses, "connected");
    await sink.close();
    assertEquals(sink.counts.stored, 1);
  },
  { hasJetStream: false },
);

// Over WebSocket: with TCP the client leaves a socket that the server resets without a handler of errors.
natsTest(
  "toJetStream() and fromJetStream() end with a password that is refused, and do not show it",
  async (stage) => {
    const servers =
      `ws://beacon:wrong-secret@127.0.0.1:${stage.server.webPort}`;
    const sink = stage.sink({ servers });
    for (const run of [() => sink.finished, () => fromJetStream({ servers })]) {
      const error = await assertRejects(run, Error);
      assertMatch(error.message, /authorization/i);
      assert(!error.message.includes("wrong-secret"), error.message);
    }
  },
  { password: "right" },
);

natsTest(
  "toJetStream() goes on when a password is right again that was refused at a reconnect",
  async (stage) => {
    const { server, listener } = stage;
    const servers = `ws://beacon:right@127.0.0.1:${server.webPort}`;
    const sink = stage.sink({ servers });
    const statuses = sink.status();
    await nextStatus(statuses, "connected");
    await server.kill();
    server.settings = { password: "other" };
    await server.start();
    listener.post(block(1));
    await nextStatus(statuses, "disconnected");
    // So often is refused what makes the client give up by default.
    await server.whenRefused(4);
    await server.kill();
    server.settings = { password: "right" };
    await server.start();
    const reader = await stage.reader({ servers });
    assertEquals((await take(reader.events(), 1))[0]?.slot, 1);
  },
  { password: "right" },
);
