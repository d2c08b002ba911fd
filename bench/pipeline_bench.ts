/**
 * The whole way: a listener as users run it, its `fetch` answered from memory, against
 * eventsource-parser, `JSON.parse` and a callback on the same bytes through the same response.
 */

import {
  assertTally,
  type CorpusName,
  createCorpus,
  type Cut,
  SMOKE,
} from "./corpus.ts";
import {
  feedAndParse,
  listenRaw,
  listenTyped,
  listenTypedAttestations,
  type OpenPipeline,
  pipeAndParse,
} from "./pipelines.ts";

const PEERS: [string, OpenPipeline][] = [
  ["eventsource-parser stream + JSON.parse", pipeAndParse],
  ["eventsource-parser feed + JSON.parse", feedAndParse],
];

const OURS: Partial<Record<CorpusName, [string, OpenPipeline][]>> = {
  duty: [["SseListener, typed", listenTyped]],
  attestations: [
    ["SseListener, raw", listenRaw],
    ["SseListener, typed", listenTypedAttestations],
  ],
};

const CUTS: Cut[] = ["64 KiB", "8 KiB", "one event per chunk"];

for (const name of ["duty", "attestations"] as const) {
  const corpus = createCorpus(name);
  for (const cut of CUTS) {
    for (const [who, open] of [...PEERS, ...OURS[name]!]) {
      // Open as long as the process runs, as with a node; the first round proves that all arrives.
      const pipeline = await open(corpus, cut);
      assertTally(who, await pipeline.round(), corpus.tally);
      Deno.bench(who, {
        ...SMOKE,
        group: `${name}, ${cut}`,
        baseline: open === pipeAndParse,
      }, async (bench) => {
        pipeline.prepare();
        bench.start();
        const tally = await pipeline.round();
        bench.end();
        assertTally(who, tally, corpus.tally);
      });
    }
  }
}
