/** Bundles the suite for a browser and runs it in Chromium; prints its results as one line of JSON. */

import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { createRequire } from "node:module";

// Packages of `.runtimes/tools/`, which Deno knows nothing of.
const require = createRequire(new URL("../tools/", import.meta.url));
const { build } = require("esbuild");
const { chromium } = require("playwright-core");
const { outputFiles: [{ text }] } = await build({
  entryPoints: ["browser_main.js"],
  bundle: true,
  format: "esm",
  platform: "browser",
  write: false,
  logLevel: "error",
});
const conformance = process.argv[2]
  ? await readFile(process.argv[2], "utf8")
  : "[]";
const html =
  "<!doctype html><meta charset=utf-8><script>globalThis.conformance = " +
  conformance.replaceAll("<", "\\\u003c") +
  "</script><script type=module src=/suite.js></script>";
const server = createServer((request, response) => {
  const isScript = request.url === "/suite.js";
  response.writeHead(200, {
    "content-type": isScript ? "text/javascript" : "text/html",
  });
  response.end(isScript ? text : html);
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const browser = await chromium.launch({
  executablePath: "/usr/bin/chromium",
  args: [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
  ],
});
const page = await browser.newPage();
await page.goto("http://127.0.0.1:" + server.address().port);
await page.waitForFunction(() => globalThis.suiteResults !== undefined);
// deno-lint-ignore no-console -- its parent reads it
console.log(JSON.stringify(await page.evaluate(() => globalThis.suiteResults)));
await browser.close();
server.close();
