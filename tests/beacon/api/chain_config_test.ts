import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import {
  BeaconHttpError,
  BeaconProtocolError,
  type ChainConfig,
} from "@org/beacon-sse";
import {
  createSlotClock,
  fetchChainConfig,
  type FetchedChainConfig,
} from "../../../src/beacon/api/chain_config.ts";
import { NodeEndpoint } from "../../../src/beacon/http/endpoint.ts";
import { HttpServer } from "../http/http_server.ts";

const ROOT = `0x${"ab".repeat(32)}`;
const GENESIS = {
  genesis_time: "1606824023",
  genesis_validators_root: ROOT,
  genesis_fork_version: "0x00000000",
};
const SPEC = { SLOT_DURATION_MS: "12000", SLOTS_PER_EPOCH: "32" };

/** Fetches the config of a node whose answers have these members, `undefined` for none. */
async function configOf(
  spec: Record<string, unknown> = {},
  genesis: Record<string, unknown> = {},
): Promise<FetchedChainConfig> {
  return await configFrom((path) =>
    Response.json({
      data: path.endsWith("/spec")
        ? { ...SPEC, ...spec }
        : { ...GENESIS, ...genesis },
    })
  );
}

async function configFrom(
  answer: (path: string) => Response,
): Promise<FetchedChainConfig> {
  await using server = new HttpServer(answer);
  return await fetchChainConfig(new NodeEndpoint(server.url), {
    fetch,
    signal: new AbortController().signal,
  });
}

function fixture(name: string): Response {
  const url = new URL(`../../fixtures/lodestar-1.5.1/${name}`, import.meta.url);
  return new Response(Deno.readFileSync(url));
}

/** Asserts that a message names a value, as JSON or without the quotes, and cut if it is long. */
function assertNames(message: string, value: unknown): void {
  const shown = JSON.stringify(value).slice(0, 60);
  assert(
    message.includes(`got ${shown}`) ||
      message.includes(`got ${shown.replaceAll('"', "")}`),
    message,
  );
}

Deno.test("fetchChainConfig() requests genesis and spec below the base", async () => {
  await using server = new HttpServer((path) =>
    Response.json({ data: path.endsWith("/spec") ? SPEC : GENESIS })
  );
  const node = new NodeEndpoint({
    url: `${server.url}/base/?key=1`,
    headers: { "X-Key": "secret" },
  });
  const { signal } = new AbortController();
  assertEquals(await fetchChainConfig(node, { fetch, signal }), {
    genesisTime: 1_606_824_023_000,
    genesisValidatorsRoot: ROOT,
    slotDurationMs: 12_000,
    slotsPerEpoch: 32,
  });
  assertEquals(server.requests.map(({ url }) => url), [
    `${server.url}/base/eth/v1/beacon/genesis?key=1`,
    `${server.url}/base/eth/v1/config/spec?key=1`,
  ]);
  for (const { headers } of server.requests) {
    assertEquals(headers.get("x-key"), "secret");
    assertEquals(headers.get("accept"), "application/json");
  }
});

Deno.test("fetchChainConfig() reads the answers of a real node", async () => {
  const config = await configFrom((path) =>
    fixture(path.endsWith("/spec") ? "spec.json" : "genesis.json")
  );
  assertEquals(config, {
    genesisTime: 1_795_452_906_000,
    genesisValidatorsRoot:
      "0x270d43e74ce340de4bca2b1936beca0f4f5408d9e78aec4850920baf659d5b69",
    slotDurationMs: 2000,
    slotsPerEpoch: 8,
  });
});

Deno.test("fetchChainConfig() prefers SLOT_DURATION_MS to SECONDS_PER_SLOT", async () => {
  const spec = { SLOT_DURATION_MS: "6500", SECONDS_PER_SLOT: "12" };
  assertEquals((await configOf(spec)).slotDurationMs, 6500);
});

Deno.test("fetchChainConfig() does not look at SECONDS_PER_SLOT where it is not needed", async () => {
  for (const SECONDS_PER_SLOT of ["0", "half"]) {
    const spec = { SLOT_DURATION_MS: "500", SECONDS_PER_SLOT };
    assertEquals((await configOf(spec)).slotDurationMs, 500);
  }
});

Deno.test("fetchChainConfig() falls back to SECONDS_PER_SLOT", async () => {
  const spec = { SLOT_DURATION_MS: undefined, SECONDS_PER_SLOT: "5" };
  assertEquals((await configOf(spec)).slotDurationMs, 5000);
});

Deno.test("fetchChainConfig() names both keys where neither is there", async () => {
  const { message } = await assertRejects(
    () => configOf({ SLOT_DURATION_MS: undefined }),
    BeaconProtocolError,
  );
  assertStringIncludes(message, "SLOT_DURATION_MS");
  assertStringIncludes(message, "SECONDS_PER_SLOT");
  assertStringIncludes(message, "/eth/v1/config/spec");
});

Deno.test("fetchChainConfig() takes arrays and objects in the spec", async () => {
  const config = await configOf({
    BLOB_SCHEDULE: [
      { EPOCH: "412672", MAX_BLOBS_PER_BLOCK: "15" },
      { EPOCH: "419072", MAX_BLOBS_PER_BLOCK: "21" },
    ],
    NESTED: { DEEP: [[null, 1, true]] },
    NUMBER: 5,
    NOTHING: null,
  });
  assertEquals(config.slotDurationMs, 12_000);
});

Deno.test("fetchChainConfig() reads numbers that are JSON numbers", async () => {
  const config = await configOf({
    SLOT_DURATION_MS: 6000,
    SLOTS_PER_EPOCH: 16,
    ATTESTATION_DUE_BPS: 3000,
    GLOAS_FORK_EPOCH: 2 ** 64,
  }, { genesis_time: 1606824023 });
  assertEquals(config, {
    genesisTime: 1_606_824_023_000,
    genesisValidatorsRoot: ROOT,
    slotDurationMs: 6000,
    slotsPerEpoch: 16,
    attestationDueBps: 3000,
  });
});

Deno.test("fetchChainConfig() names the node that reports an absurd timing", async () => {
  await using server = new HttpServer((path) =>
    Response.json({
      data: path.endsWith("/spec")
        ? { ...SPEC, SLOTS_PER_EPOCH: "2048" }
        : GENESIS,
    })
  );
  const node = new NodeEndpoint({ url: server.url, name: "backup" });
  const { signal } = new AbortController();
  await assertRejects(
    () => fetchChainConfig(node, { fetch, signal }),
    BeaconProtocolError,
    `Cannot use backup at ${server.url}/eth/v1/config/spec: data.SLOTS_PER_EPOCH must be at most 1024, got 2048`,
  );
});

Deno.test("fetchChainConfig() reports a spec that contradicts itself", async () => {
  const spec = { SLOT_DURATION_MS: "6000", SECONDS_PER_SLOT: "12" };
  assertEquals(
    (await configOf(spec)).contradiction,
    "SLOT_DURATION_MS is 6000 and SECONDS_PER_SLOT is 12; slots of 6000 ms are used",
  );
  for (
    const same of [
      { SLOT_DURATION_MS: "6000", SECONDS_PER_SLOT: "6" },
      { SLOT_DURATION_MS: "6500", SECONDS_PER_SLOT: 7 },
      { SLOT_DURATION_MS: "500", SECONDS_PER_SLOT: "0" },
      { SLOT_DURATION_MS: "500", SECONDS_PER_SLOT: "half" },
      { SLOT_DURATION_MS: undefined, SECONDS_PER_SLOT: "6" },
    ]
  ) assertEquals((await configOf(same)).contradiction, undefined);
});

Deno.test("fetchChainConfig() has the attestation deadline of each fork", async () => {
  const config = await configOf({
    ATTESTATION_DUE_BPS: "3000",
    ATTESTATION_DUE_BPS_GLOAS: "2000",
    GLOAS_FORK_EPOCH: "10",
  });
  assertEquals(
    [
      config.attestationDueBps,
      config.attestationDueBpsGloas,
      config.gloasForkEpoch,
    ],
    [3000, 2000, 10],
  );
  const clock = createSlotClock(config);
  assertEquals([clock.attestationDueMs(319), clock.attestationDueMs(320)], [
    3600,
    2400,
  ]);
});

Deno.test("fetchChainConfig() has no gloas fork at epoch 2^64 - 1", async () => {
  const spec = {
    GLOAS_FORK_EPOCH: "18446744073709551615",
    ATTESTATION_DUE_BPS_GLOAS: "2500",
  };
  const config = await configOf(spec);
  assertEquals(config.gloasForkEpoch, undefined);
  assertEquals(createSlotClock(config).attestationDueMs(2 ** 40), 3999);
});

Deno.test("fetchChainConfig() delivers the root in lower case", async () => {
  const genesis = { genesis_validators_root: `0x${"AB".repeat(32)}` };
  assertEquals((await configOf({}, genesis)).genesisValidatorsRoot, ROOT);
});

for (
  const [key, values] of Object.entries({
    SLOT_DURATION_MS: [
      "",
      "0",
      "-1",
      "12.5",
      "12s",
      " 12",
      "0x10",
      "1e3",
      5,
      12.5,
      "99",
      "3600001",
    ],
    SECONDS_PER_SLOT: ["0", "-12", "twelve", 0, null, ["12"], "3601"],
    SLOTS_PER_EPOCH: ["0", "32 ", "9007199254740992", 0.5, {}, null, "1025"],
    ATTESTATION_DUE_BPS: ["10001", "-1", "33.33", 33.33],
    ATTESTATION_DUE_BPS_GLOAS: ["20000", "", false],
    GLOAS_FORK_EPOCH: ["-1", "never", -7],
  })
) {
  Deno.test(`fetchChainConfig() refuses a bad ${key}, naming key and value`, async () => {
    const older = key === "SECONDS_PER_SLOT"
      ? { SLOT_DURATION_MS: undefined }
      : {};
    for (const value of values) {
      const { message } = await assertRejects(
        () => configOf({ ...older, [key]: value }),
        BeaconProtocolError,
      );
      assertStringIncludes(message, `/eth/v1/config/spec: data.${key} must be`);
      assertNames(message, value);
    }
  });
}

for (
  const [key, values] of Object.entries({
    genesis_time: ["", "-1", "1.5", "now", "9007199254740992", -1],
    genesis_validators_root: ["0xab", `${ROOT}00`, "ab".repeat(33), 5, null],
  })
) {
  Deno.test(`fetchChainConfig() refuses a bad ${key}, naming key and value`, async () => {
    for (const value of values) {
      const { message } = await assertRejects(
        () => configOf({}, { [key]: value }),
        BeaconProtocolError,
      );
      assertStringIncludes(message, `/eth/v1/beacon/genesis: data.${key} must`);
      assertNames(message, value);
    }
  });
}

Deno.test("fetchChainConfig() names a key that is missing", async () => {
  await assertRejects(
    () => configOf({ SLOTS_PER_EPOCH: undefined }),
    BeaconProtocolError,
    "data.SLOTS_PER_EPOCH is missing",
  );
  for (const key of ["genesis_time", "genesis_validators_root"]) {
    await assertRejects(
      () => configOf({}, { [key]: undefined }),
      BeaconProtocolError,
      `data.${key} is missing`,
    );
  }
});

Deno.test("fetchChainConfig() refuses times that no clock can hold, naming key and value", async () => {
  const large = String(Number.MAX_SAFE_INTEGER);
  const spec = { SLOT_DURATION_MS: undefined, SECONDS_PER_SLOT: large };
  await assertRejects(
    () => configOf(spec),
    BeaconProtocolError,
    "SECONDS_PER_SLOT",
  );
  await assertRejects(
    () => configOf({}, { genesis_time: large }),
    BeaconProtocolError,
    "genesis_time",
  );
});

Deno.test("fetchChainConfig() returns nothing that a clock would refuse", async () => {
  const large = String(Number.MAX_SAFE_INTEGER);
  const table = [
    [{ SLOT_DURATION_MS: "3600000", SLOTS_PER_EPOCH: "1024" }, {}],
    [{ GLOAS_FORK_EPOCH: large }, {}],
    [{ GLOAS_FORK_EPOCH: "0", ATTESTATION_DUE_BPS_GLOAS: "10000" }, {}],
    [{ ATTESTATION_DUE_BPS: "0" }, { genesis_time: "0" }],
  ] as const;
  for (const [spec, genesis] of table) {
    assert(createSlotClock(await configOf(spec, genesis)));
  }
});

Deno.test("fetchChainConfig() escapes and cuts what a node sends", async () => {
  const { message } = await assertRejects(
    () => configOf({ SLOTS_PER_EPOCH: `\u2028\x1b[31m${"x".repeat(1000)}` }),
    BeaconProtocolError,
  );
  // deno-lint-ignore no-control-regex -- these are what must not be there
  assertEquals(/[\x00-\x1f\u2028]/.test(message), false);
  assertEquals(message.length < 300, true);
});

Deno.test("fetchChainConfig() refuses what is no answer of the API", async () => {
  for (const body of ["null", "[]", "5", '"data"', '{"data":null}', "{}"]) {
    await assertRejects(
      () => configFrom(() => new Response(body)),
      BeaconProtocolError,
      "/eth/v1/beacon/genesis: ",
    );
  }
});

Deno.test("fetchChainConfig() passes on a refusal, such as before genesis is known", async () => {
  const error = await assertRejects(
    () => configFrom(() => new Response("not yet", { status: 404 })),
    BeaconHttpError,
  );
  assertEquals([error.status, error.body], [404, "not yet"]);
});

Deno.test("createSlotClock() has the deadlines of mainnet by default", () => {
  const clock = createSlotClock({
    genesisTime: 0,
    slotDurationMs: 12_000,
    slotsPerEpoch: 32,
    gloasForkEpoch: 2,
  });
  assertEquals([clock.attestationDueMs(63), clock.attestationDueMs(64)], [
    3999,
    3000,
  ]);
  assertEquals([clock.slotDurationMs(63), clock.slotDurationMs(64)], [
    12_000,
    12_000,
  ]);
});

Deno.test("createSlotClock() has the gloas deadline from the start where the fork is at epoch 0", () => {
  const clock = createSlotClock({
    genesisTime: 0,
    slotDurationMs: 12_000,
    slotsPerEpoch: 32,
    attestationDueBps: 1000,
    attestationDueBpsGloas: 5000,
    gloasForkEpoch: 0,
  });
  assertEquals([clock.attestationDueMs(0), clock.attestationDueMs(-5)], [
    6000,
    6000,
  ]);
});

Deno.test("createSlotClock() refuses bad numbers, naming them", () => {
  const good = { genesisTime: 0, slotDurationMs: 12_000, slotsPerEpoch: 32 };
  const table: [Partial<ChainConfig>, string][] = [
    [{ genesisTime: -1 }, "genesisTime"],
    [{ slotDurationMs: 0.5 }, "slotDurationMs"],
    [{ slotsPerEpoch: 0 }, "slotsPerEpoch"],
    [{ attestationDueBps: 10_001 }, "attestationDueBps"],
    [{ gloasForkEpoch: 1, attestationDueBpsGloas: -1 }, "attestationDueBps"],
    [{ gloasForkEpoch: -1 }, "-1"],
    [{ gloasForkEpoch: 0.3 }, "0.3"],
  ];
  for (const [config, name] of table) {
    assertThrows(
      () => createSlotClock({ ...good, ...config }),
      RangeError,
      name,
    );
  }
});
