import { assert, assertEquals } from "@std/assert";
import { runKills } from "./kill.ts";
import { NEEDS_NATS_SERVER } from "./nats_server.ts";

Deno.test(
  "two redundant listeners lose and repeat nothing while they and the server are killed",
  NEEDS_NATS_SERVER,
  async () => {
    const counts = await runKills({
      forMs: 6000,
      kills: 1,
      seed: 5,
      slotDurationMs: 500,
    });
    const { sent, stored, consumed, duplicates, holes } = counts;
    assert(sent > 10, JSON.stringify(counts));
    assertEquals(
      { stored, consumed, duplicates, holes },
      { stored: sent, consumed: sent, duplicates: 0, holes: 0 },
    );
  },
);
