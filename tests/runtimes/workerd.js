/** Bundles the suite for workerd and runs it there; prints its results as one line of JSON. */

import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";

// Packages of `.runtimes/tools/`, which Deno knows nothing of.
const require = createRequire(new URL("../tools/", import.meta.url));
const { build } = require("esbuild");
const { Miniflare } = require("miniflare");
const { outputFiles: [{ text }] } = await build({
  entryPoints: ["worker_main.js"],
  bundle: true,
  format: "esm",
  platform: "browser",
  write: false,
  logLevel: "error",
});
const worker = new Miniflare({
  // A list, since miniflare refuses a single script that has an `import()`.
  modules: [{ type: "ESModule", path: "worker.js", contents: text }],
  compatibilityDate: "2026-01-01",
});
const response = await worker.dispatchFetch(
  "http://worker/",
  process.argv[2]
    ? { method: "POST", body: await readFile(process.argv[2], "utf8") }
    : {},
);
// deno-lint-ignore no-console -- its parent reads it
console.log(JSON.stringify(await response.json()));
await worker.dispose();
