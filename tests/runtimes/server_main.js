/** Runs the suite on Deno, Node or Bun, prints its results as one line of JSON. */

import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { Readable } from "node:stream";
import process from "node:process";
import { natsChecks } from "./nats_suite.js";
import { runSuite } from "./suite.js";

async function serve(handler) {
  const server = createServer(async (request, response) => {
    const closed = new AbortController();
    response.on("close", () => closed.abort());
    const answer = await handler(
      new Request(`http://127.0.0.1${request.url}`, { signal: closed.signal }),
    );
    response.writeHead(answer.status, Object.fromEntries(answer.headers));
    response.flushHeaders();
    if (answer.body === null) response.end();
    else {Readable.fromWeb(answer.body).on("error", () => response.destroy())
        .pipe(response);}
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    close: () => {
      server.closeAllConnections?.();
      return new Promise((resolve) => server.close(resolve));
    },
  };
}

// Either may be empty.
const [conformanceFile, nats] = process.argv.slice(2);
const conformance = conformanceFile
  ? JSON.parse(await readFile(conformanceFile, "utf8"))
  : [];
const results = await runSuite({
  serve,
  conformance: conformance.cases ?? conformance,
  memory: () => process.memoryUsage().heapUsed,
  more: nats ? natsChecks(nats) : {},
});
// deno-lint-ignore no-console -- its parent reads it
console.log(JSON.stringify(results));
process.exit(results.every(({ error }) => error === null) ? 0 : 1);
