/** Lodestar's own client against a URL: prints genesis, head and the first head event as JSON. */

const [baseUrl] = Deno.args;
const { getClient } = await import("npm:@lodestar/api@1.48.0" as string);
const { config } = await import(
  "npm:@lodestar/config@1.48.0/default" as string
);
const api = getClient({ baseUrl }, { config });
const genesis = (await api.beacon.getGenesis()).value();
const header = (await api.beacon.getBlockHeader({ blockId: "head" })).value();
const received = Promise.withResolvers<{ type: string; message: unknown }>();
const ended = new AbortController();
await api.events.eventstream({
  topics: ["head"],
  signal: ended.signal,
  onEvent: received.resolve,
  onError: received.reject,
});
const event = await received.promise;
ended.abort();
// deno-lint-ignore no-console -- its only output
console.log(JSON.stringify({
  genesisTime: genesis.genesisTime,
  headSlot: Number(header.header.message.slot),
  event,
}));
Deno.exit();
