/**
 * Bundles entry points for a browser, without stand-ins: esbuild fails where one reaches a built-in of
 * Node. Prints the results as the suite does, with sizes in the names.
 */

import { createRequire } from "node:module";
import { gzipSync } from "node:zlib";

// A package of `.runtimes/`, which Deno knows nothing of.
const { build } = createRequire(import.meta.url)("esbuild");

/** What is bundled, and the most bytes that it may have. */
const BUNDLES = [
  ["./sse", `export * from "@org/beacon-sse/sse";`, 6_700],
  ["subscribe", `export { subscribe } from "@org/beacon-sse";`, 135_000],
  [
    "SseListener and a gateway's handler",
    `export { SseListener } from "@org/beacon-sse"; export { createGateway } from "@org/beacon-sse/gateway";`,
    200_000,
  ],
];

const results = [];
for (const [name, contents, most] of BUNDLES) {
  let size = "";
  let error = null;
  try {
    const { outputFiles, warnings } = await build({
      stdin: { contents, resolveDir: process.cwd() },
      bundle: true,
      minify: true,
      format: "esm",
      platform: "browser",
      write: false,
      logLevel: "silent",
    });
    const [{ contents: bytes }] = outputFiles;
    const kilobytes = (count) => (count / 1000).toFixed(1);
    size = `: ${kilobytes(bytes.length)} kB minified, ${
      kilobytes(gzipSync(bytes).length)
    } kB with gzip`;
    if (bytes.length > most) error = `has ${bytes.length} bytes, over ${most}`;
    if (warnings.length > 0) error = warnings[0].text;
  } catch (cause) {
    error = String(cause);
  }
  results.push({ name: name + size, error });
}
// deno-lint-ignore no-console -- its parent reads it
console.log(JSON.stringify(results));
