/**
 * Makes the npm tarball that JSR would make of this project, where JSR is not, and with it tarballs
 * of the stand-ins for what it imports from JSR.
 *
 * As JSR does: JavaScript beside its TypeScript, declarations in `_dist/`, all published files,
 * imports under the names of JSR's npm registry. JSR makes no `bin`; this tarball has one.
 *
 *     deno run -A tests/runtimes/pack.ts FOLDER      # FOLDER/node_modules has typescript, @types/node
 */

import { createRequire } from "node:module";

const ROOT = new URL("../../", import.meta.url);

interface Manifest {
  name: string;
  version: string;
  exports: string | Record<string, string>;
  imports: Record<string, string>;
  publish: { include: string[] };
}

/**
 * Packs into a folder.
 *
 * @param folder An absolute path; its `node_modules` has `typescript` and `@types/node`.
 * @returns Paths of the tarballs, that of the project first.
 */
export async function packNpm(folder: string): Promise<string[]> {
  const manifest = await readJson(new URL("deno.json", ROOT)) as Manifest;
  const staged = `${folder}/.pack`;
  await Deno.remove(staged, { recursive: true }).catch(() => {});
  const main = {
    ...manifest,
    sources: ROOT,
    files: await listIn(ROOT, manifest.publish.include),
    bin: "src/cli/main.ts",
  };
  const packages: Package[] = [main];
  for await (const { name } of Deno.readDir(new URL("tests/offline/", ROOT))) {
    const sources = new URL(`tests/offline/${name}/`, ROOT);
    const own = await readJson(new URL("deno.json", sources)).catch(() => {});
    if (own === undefined) continue;
    const files = await listIn(sources, ["."]);
    packages.push({ ...own as Manifest, imports: {}, sources, files });
  }
  const targets: string[] = [];
  for (const pkg of packages) {
    const target = `${staged}/${npmName(pkg.name).replace("/", "-").slice(1)}`;
    await stage(target, pkg);
    targets.push(target);
  }
  await compile(folder, targets);
  const packed = await run("npm", ["pack", "--silent", ...targets], folder);
  return packed.trim().split("\n").map((name) => `${folder}/${name}`);
}

/** What JSR's npm registry calls a package. */
function npmName(name: string): string {
  return `@jsr/${name.slice(1).replace("/", "__")}`;
}

interface Package extends Pick<Manifest, "name" | "version" | "exports"> {
  imports: Record<string, string>;
  sources: URL;
  files: string[];
  bin?: string;
}

async function stage(
  target: string,
  { name, version, exports, imports, sources, files, bin }: Package,
): Promise<void> {
  const dependencies = new Map<string, string>();
  for (const file of files) {
    const path = `${target}/${file}`;
    await Deno.mkdir(path.replace(/\/[^/]*$/, ""), { recursive: true });
    const from = new URL(file, sources);
    await Deno.copyFile(from, path);
    if (!file.endsWith(".ts")) continue;
    const text = rewrite(await Deno.readTextFile(from), imports, dependencies);
    const start = file === bin ? "#!/usr/bin/env node\n" : "";
    await Deno.writeTextFile(path, start + text);
  }
  const entries = typeof exports === "string" ? { ".": exports } : exports;
  const manifest = {
    name: npmName(name),
    version,
    type: "module",
    dependencies: Object.fromEntries(dependencies),
    exports: Object.fromEntries(
      Object.entries(entries).map(([path, file]) => [path, {
        types: file.replace(/^\.\/(.*)\.ts$/, "./_dist/$1.d.ts"),
        default: file.replace(/\.ts$/, ".js"),
      }]),
    ),
    ...(bin && { bin: { "beacon-sse": bin.replace(/\.ts$/, ".js") } }),
  };
  const text = JSON.stringify(manifest, undefined, 2);
  await Deno.writeTextFile(`${target}/package.json`, text);
}

/** Compiles the packages where they are. JSR checks no types either, and leaves syntax as it is. */
async function compile(folder: string, targets: string[]): Promise<void> {
  const typescript = createRequire(`${folder}/`)("typescript");
  const files = (await Promise.all(targets.map(list))).flat();
  const program = typescript.createProgram(
    files.filter((file) => file.endsWith(".ts")),
    {
      lib: ["lib.esnext.d.ts", "lib.dom.d.ts", "lib.dom.asynciterable.d.ts"],
      types: ["node"],
      typeRoots: [`${folder}/node_modules/@types`],
      module: typescript.ModuleKind.NodeNext,
      target: typescript.ScriptTarget.ESNext,
      strict: true,
      noCheck: true,
      declaration: true,
      rewriteRelativeImportExtensions: true,
    },
  );
  const written: [path: string, text: string][] = [];
  program.emit(undefined, (path: string, text: string) => {
    const target = targets.find((target) => path.startsWith(`${target}/`))!;
    const file = path.slice(target.length);
    const isTypes = file.endsWith(".d.ts");
    written.push([isTypes ? `${target}/_dist${file}` : path, text]);
  });
  for (const [path, text] of written) {
    await Deno.mkdir(path.replace(/\/[^/]*$/, ""), { recursive: true });
    await Deno.writeTextFile(path, text);
  }
}

/**
 * The text of a module as JSR has it for npm: packages by their names there.
 *
 * @param imports Ranges of packages, as in `deno.json`.
 * @param used Receives the packages that the module imports, with their ranges.
 */
function rewrite(
  text: string,
  imports: Record<string, string>,
  used: Map<string, string>,
): string {
  return text.replace(
    // Not those of examples in comments.
    /^(?!\s*\*)(.*(?:from|import)\s*\(?\s*")((?:npm:)?(?:@[\w-]+\/)?[\w-]+(?:@[^"/]+)?)(?=["/])/gm,
    (all, before, specifier) => {
      const [, kind, name, range] = /^(jsr|npm):(@?[^@]+)@(.+)$/
        .exec(imports[specifier] ?? specifier) ?? [];
      if (name === undefined || range === undefined) return all;
      const renamed = kind === "jsr" ? npmName(name) : name;
      used.set(renamed, range);
      return before + renamed;
    },
  );
}

/** The files at or below paths in a folder, relative to it. */
async function listIn(folder: URL, paths: string[]): Promise<string[]> {
  const files = await Promise.all(
    paths.map((path) =>
      list(new URL(path, folder).pathname.replace(/\/$/, ""))
    ),
  );
  return files.flat().map((file) => file.slice(folder.pathname.length));
}

/** The files at or below a path. */
async function list(path: string): Promise<string[]> {
  if ((await Deno.stat(path)).isFile) return [path];
  const files: string[] = [];
  for await (const { name } of Deno.readDir(path)) {
    files.push(...await list(`${path}/${name}`));
  }
  return files;
}

/** Runs a program in a folder; returns what it printed. */
export async function run(
  program: string,
  args: string[],
  cwd: string,
  mayFail = false,
): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(program, {
    args,
    cwd,
  }).output();
  const decoder = new TextDecoder();
  const [output, errors] = [decoder.decode(stdout), decoder.decode(stderr)];
  if (!success && !mayFail) {
    throw new Error(
      `${program} ${args.join(" ")} failed: ${(errors + output).slice(-2000)}`,
    );
  }
  return output === "" ? errors : output;
}

async function readJson(url: URL): Promise<unknown> {
  return JSON.parse(await Deno.readTextFile(url));
}

if (import.meta.main) {
  const folder = await Deno.realPath(Deno.args[0]!);
  // deno-lint-ignore no-console -- it is what the script is for
  console.log((await packNpm(folder)).join("\n"));
}
