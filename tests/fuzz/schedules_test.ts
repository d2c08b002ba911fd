import { assert, assertEquals } from "@std/assert";
import { checkRun } from "./properties.ts";
import { randomSchedule, type Schedule } from "./random_schedule.ts";
import { type Run, runSchedule } from "./run_schedule.ts";

/** `deno task fuzz` runs more of them, from another seed each time. */
const SCHEDULES = 200;

Deno.test(`SseListener() keeps its promises under ${SCHEDULES} random schedules of faults`, async () => {
  const broken: string[] = [];
  for (let seed = 1; seed <= SCHEDULES; seed++) {
    for (
      const { property, detail } of checkRun(
        await runSchedule(randomSchedule(seed)),
      )
    ) {
      broken.push(
        `deno task fuzz --seed ${seed} --runs 1: ${property}: ${detail}`,
      );
    }
  }
  assertEquals(broken, []);
});

/** Without a fault. */
const QUIET_SCHEDULE: Schedule = {
  ...randomSchedule(1),
  minutes: 1,
  maxEventBytes: 4096,
  emptySlotRate: 0,
  reorgRate: 0,
};

/** What broke in a random schedule once, with what of the schedule it takes. */
const FOUND: [does: string, schedule: Partial<Schedule>][] = [
  ["delivers nothing of the past that waited for a recovery", {
    slotsPerEpoch: 8,
    isConfigGiven: false,
    nodes: [{ lagMs: 0, keepAliveMs: 0, habits: [], faults: [] }, {
      lagMs: 14,
      keepAliveMs: 15_000,
      habits: [],
      faults: [
        {
          at: 52_049,
          forMs: 90_315,
          fault: { type: "hang", endpoint: "headers" },
        },
        {
          at: 73_235,
          forMs: 1,
          fault: { type: "disconnect", inMidLine: true },
        },
        { at: 78_689, forMs: 14_377, fault: { type: "catch-up", slots: 155 } },
      ],
    }],
  }],
  ["counts no event as suppressed that a recovery alone has found", {
    slotsPerEpoch: 32,
    isConfigGiven: false,
    nodes: [{
      lagMs: 0,
      keepAliveMs: 15_000,
      habits: [],
      faults: [
        {
          at: 170_494,
          forMs: 69_506,
          fault: { type: "reset", afterBytes: 3969 },
        },
        { at: 175_196, forMs: 13_345, fault: { type: "catch-up", slots: 164 } },
      ],
    }],
  }],
  ["keeps the order though the recovery of a stream before ends meanwhile", {
    "minutes": 3,
    "slotsPerEpoch": 32,
    "isConfigGiven": true,
    "maxQueueBytes": 2000,
    "emptySlotRate": 0.05,
    "nodes": [{
      "lagMs": 0,
      "keepAliveMs": 0,
      "habits": [{ "type": "late-headers" }, {
        "type": "delay",
        "ms": 900,
        "endpoint": "all",
      }],
      "faults": [{
        "at": 442841,
        "forMs": 51336,
        "fault": { "type": "drop", "events": 15 },
      }],
    }],
  }],
  [
    "delivers the blocks of a branch that came while it was away, where the node turns to it later",
    {
      "slotsPerEpoch": 8,
      "isConfigGiven": false,
      "nodes": [{
        "lagMs": 1811,
        "keepAliveMs": 30000,
        "habits": [],
        "faults": [{
          "at": 133598,
          "forMs": 13472,
          "fault": { "type": "own-branch" },
        }, {
          "at": 147818,
          "forMs": 466,
          "fault": { "type": "reset", "inMidLine": false },
        }],
      }],
    },
  ],
];

for (const [does, schedule] of FOUND) {
  Deno.test(`SseListener() ${does}`, async () => {
    const run = await runSchedule({
      ...QUIET_SCHEDULE,
      ...schedule,
    });
    assertEquals(checkRun(run), []);
  });
}

Deno.test("runSchedule() gives the same run for the same schedule", async () => {
  for (const seed of [3, 11, 31]) {
    const schedule = randomSchedule(seed);
    const again = JSON.parse(JSON.stringify(randomSchedule(seed)));
    assertEquals(
      traceOf(await runSchedule(schedule)),
      traceOf(await runSchedule(again)),
    );
  }
});

/** All that can be seen from outside, with its times. */
function traceOf(
  { nodes, events, slowEvents, reorgs, statuses, samples }: Run,
): unknown {
  return {
    requests: nodes.map(({ tap }) => tap.requests),
    events: events.received,
    slowEvents: slowEvents.received,
    reorgs: reorgs.received,
    statuses: statuses.received.map((
      { at, value },
    ) => [at, JSON.stringify(value)]),
    samples,
  };
}

/** A run in which everything is there that could get lost. */
async function eventfulRun(): Promise<Run> {
  const run = await runSchedule({
    ...QUIET_SCHEDULE,
    minutes: 5,
    isConfigGiven: true,
    topics: ["head", "chain_reorg", "block", "block_gossip"],
    nodes: [{
      lagMs: 0,
      keepAliveMs: 15_000,
      habits: [],
      faults: [
        { at: 30_000, forMs: 20_000, fault: { type: "malformed", times: 1 } },
        { at: 60_000, forMs: 1, fault: { type: "flip" } },
        { at: 170_000, forMs: 30_000, fault: { type: "refuse" } },
        { at: 180_000, forMs: 1, fault: { type: "branch-switch", depth: 2 } },
      ],
    }],
  });
  assertEquals(checkRun(run), []);
  return run;
}

/** What is done to a run, and which property has to see it. */
const SABOTAGE: [what: string, property: string, (run: Run) => void][] = [
  ["loses an event", "delivery", ({ events }) => events.received.splice(20, 1)],
  ["delivers an event twice", "order", ({ events: { received } }) => {
    received.splice(20, 0, received[20]!);
  }],
  ["swaps two events", "order", ({ events: { received } }) => {
    received.splice(20, 2, received[21]!, received[20]!);
  }],
  ["loses a recovered event", "recovery", ({ events: { received } }) => {
    received.splice(received.findIndex(({ value }) => value.recovered), 1);
  }],
  ["loses a reorg", "reorgs", ({ reorgs }) => reorgs.received.splice(0, 1)],
  ["loses a recovered reorg", "recovery", ({ reorgs: { received } }) => {
    received.splice(received.findIndex(({ value }) => value.recovered), 1);
  }],
  [
    "gets an ancestor wrong",
    "truth",
    ({ reorgs }) => {
      const { value } = reorgs.received.at(-1)!;
      value.ancestorSlot = (value.ancestorSlot ?? value.slot) - 1;
    },
  ],
  ["forgets to count", "accounting", ({ samples }) => {
    samples.find(({ name }) => name.endsWith("sse_malformed_total"))!.value--;
  }],
  ["does not wait", "waits", ({ nodes, statuses }) => {
    const { at, value } = statuses.received.find(({ value }) =>
      value.type === "disconnected"
    )!;
    assert(value.type === "disconnected");
    nodes[0]!.tap.requests.push({
      at: at + value.retryInMs - 1,
      path: "/eth/v1/node/syncing",
      handed: 0,
      state: "ended",
    });
  }],
  [
    "stays away",
    "revival",
    ({ snapshots }) => snapshots[0]!.state = "disconnected",
  ],
];

for (const [what, property, sabotage] of SABOTAGE) {
  Deno.test(`checkRun() sees a listener that ${what}`, async () => {
    const run = await eventfulRun();
    sabotage(run);
    const properties = checkRun(run).map((violation) => violation.property);
    assert(properties.includes(property), `broken: ${properties}`);
  });
}
