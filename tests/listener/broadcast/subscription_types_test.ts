/**
 * Checks the declarations of `Subscription` as a project with TypeScript's own compiler sees them:
 * `strict`, without `skipLibCheck`, with the types of browsers and of Node.js.
 */

import { assertEquals } from "@std/assert";
import { needs } from "../../needs.ts";

const SOURCE = new URL(
  "../../../src/listener/broadcast/subscription.ts",
  import.meta.url,
);
const COMPILERS = {
  typescript5: "npm:typescript@5.9.3",
  typescript6: "npm:typescript@6.0.3",
};
const LIBRARIES = {
  dom: { lib: ["ESNext", "DOM"], types: [] },
  node: { lib: ["ESNext"], types: ["node"] },
};

const USE = `
import { Subscription } from "./subscription.js";
export async function use(values: Subscription<number>): Promise<number> {
  const stream: ReadableStream<number> = values;
  for await (const value of values) return value.toFixed().length;
  for await (const value of values.values({ preventCancel: true })) return value;
  await stream.cancel();
  return values.dropped + values.merged;
}
`;

const project = await Deno.makeTempDir();
addEventListener("unload", () => Deno.removeSync(project, { recursive: true }));
const isInstalled = await install();

for (const compiler of Object.keys(COMPILERS)) {
  Deno.test({
    name:
      `Subscription() has types that ${compiler} accepts in browsers and Node`,
    ...needs("TypeScript from npm", isInstalled),
    async fn() {
      await declare();
      const configs = [];
      for (const [library, options] of Object.entries(LIBRARIES)) {
        configs.push(`${library}.json`);
        await writeJson(`${library}.json`, {
          compilerOptions: {
            ...options,
            module: "nodenext",
            target: "esnext",
            strict: true,
            skipLibCheck: false,
            noEmit: true,
          },
          files: ["use.ts"],
        });
      }
      assertEquals(await compile(compiler, ["-b", ...configs]), "");
    },
  });
}

async function install(): Promise<boolean> {
  await writeJson("package.json", {
    type: "module",
    dependencies: { ...COMPILERS, "@types/node": "^24" },
  });
  const { success } = await deno(["install", "--quiet"]);
  return success;
}

/** Writes the declarations that a package would have, and what uses them. */
async function declare(): Promise<void> {
  await Deno.mkdir(`${project}/src`, { recursive: true });
  await Deno.copyFile(SOURCE, `${project}/src/subscription.ts`);
  await writeJson("tsconfig.json", {
    compilerOptions: {
      lib: ["ESNext", "DOM", "DOM.AsyncIterable"],
      types: [],
      module: "nodenext",
      target: "esnext",
      strict: true,
      declaration: true,
      emitDeclarationOnly: true,
      rewriteRelativeImportExtensions: true,
      rootDir: "src",
      outDir: ".",
    },
    files: ["src/subscription.ts"],
  });
  assertEquals(await compile("typescript5", ["-p", "tsconfig.json"]), "");
  await Deno.writeTextFile(`${project}/use.ts`, USE);
}

/** Runs a compiler; returns what it complains about. */
async function compile(compiler: string, args: string[]): Promise<string> {
  const { stdout, stderr } = await deno([
    "run",
    "--quiet",
    "--allow-all",
    `node_modules/${compiler}/lib/tsc.js`,
    ...args,
  ]);
  return new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
}

function deno(args: string[]): Promise<Deno.CommandOutput> {
  return new Deno.Command(Deno.execPath(), { args, cwd: project }).output();
}

async function writeJson(name: string, value: unknown): Promise<void> {
  await Deno.writeTextFile(`${project}/${name}`, JSON.stringify(value));
}
