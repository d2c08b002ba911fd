/**
 * Bundles entry points for a browser, without stand-ins: esbuild fails where one reaches a built-in of
 * Node. Prints the results as the suite does, with sizes in the names.
 */

import { createRequire } from "node:module";
import { resolve } from "node:path";
import { gzipSync } from "node:zlib";

// A package of `.runtimes/tools/`, which Deno knows nothing of.
const { build } = createRequire(new URL("../tools/", import.meta.url))(
  "esbuild",
);

/** What is bundled, and the most bytes that it may load at once. */
const BUNDLES = [
  ["./sse", `export * from "@org/beacon-sse/sse";`, 6_700],
  ["subscribe", `export { subscribe } from "@org/beacon-sse";`, 121_000],
  [
    "SseListener and a gateway's handler",
    `export { SseListener } from "@org/beacon-sse"; export { createGateway } from "@org/beacon-sse/gateway";`,
    205_000,
  ],
];

const results = [];
for (const [name, contents, most] of BUNDLES) {
  let size = "";
  let error = null;
  try {
    const { outputFiles, metafile, warnings } = await build({
      stdin: { contents, resolveDir: process.cwd() },
      bundle: true,
      splitting: true,
      minify: true,
      format: "esm",
      platform: "browser",
      outdir: "out",
      write: false,
      metafile: true,
      logLevel: "silent",
    });
    const atOnce = loadedAtOnce("out/stdin.js", metafile.outputs);
    const bytes = sizeOf(outputFiles.filter(({ path }) => atOnce.has(path)));
    const later = sizeOf(outputFiles.filter(({ path }) => !atOnce.has(path)));
    size = `: ${kilobytes(bytes.plain)} minified, ${
      kilobytes(bytes.gzip)
    } with gzip`;
    if (later.plain > 0) {
      size += `; with metrics ${kilobytes(later.plain)} more`;
    }
    if (bytes.plain > most) error = `has ${bytes.plain} bytes, over ${most}`;
    if (warnings.length > 0) error = warnings[0].text;
  } catch (cause) {
    error = String(cause);
  }
  results.push({ name: name + size, error });
}
// deno-lint-ignore no-console -- its parent reads it
console.log(JSON.stringify(results));

/** The full paths of a file and of those that it imports, but for `import()`. */
function loadedAtOnce(file, outputs, found = new Set()) {
  const path = resolve(file);
  if (found.has(path)) return found;
  found.add(path);
  for (const { path, kind } of outputs[file].imports) {
    if (kind === "import-statement") loadedAtOnce(path, outputs, found);
  }
  return found;
}

function sizeOf(files) {
  let plain = 0;
  let gzip = 0;
  for (const { contents } of files) {
    plain += contents.length;
    gzip += gzipSync(contents).length;
  }
  return { plain, gzip };
}

function kilobytes(bytes) {
  return `${(bytes / 1000).toFixed(1)} kB`;
}
