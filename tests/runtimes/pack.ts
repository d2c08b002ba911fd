/**
 * Makes the npm package that JSR would make of this project, where JSR is not: compiled modules with
 * declarations, `jsr:` imports under the names of JSR's npm registry, and beside it in
 * `node_modules/@jsr` the stand-ins for those.
 *
 *     deno run -A tests/runtimes/pack.ts FOLDER
 */

const ROOT = new URL("../../", import.meta.url);

interface Manifest {
  name: string;
  version: string;
  exports: string | Record<string, string>;
  imports: Record<string, string>;
}

/**
 * Packs into the `node_modules` of a folder.
 *
 * @param path A folder of a project whose `node_modules` has `typescript` and `@types/node`.
 */
export async function packNpm(path: string): Promise<void> {
  const folder = await Deno.realPath(path);
  const manifest = await readJson(new URL("deno.json", ROOT)) as Manifest;
  const npm = Object.fromEntries(
    Object.values(manifest.imports)
      .map((specifier) => /^npm:(@?[^@]+)@(.+)$/.exec(specifier))
      .filter((match) => match !== null)
      .map(([, name, range]) => [name, range]),
  );
  for await (const { name } of Deno.readDir(new URL("tests/offline/", ROOT))) {
    const base = new URL(`tests/offline/${name}/`, ROOT);
    if (!await exists(new URL("deno.json", base))) continue;
    const own = await readJson(new URL("deno.json", base)) as Manifest;
    await emit(folder, {
      name: npmName(own.name),
      version: own.version,
      exports: own.exports,
      sources: base,
      files: (await list(`tests/offline/${name}`))
        .map((file) => file.slice(`tests/offline/${name}/`.length)),
      dependencies: {},
    });
  }
  await emit(folder, {
    name: manifest.name,
    version: manifest.version,
    exports: manifest.exports,
    sources: ROOT,
    files: ["mod.ts", ...await list("src")],
    dependencies: npm as Record<string, string>,
  });
  await Deno.remove(`${folder}/.pack`, { recursive: true });
}

/** What JSR's npm registry calls a package. */
function npmName(name: string): string {
  return `@jsr/${name.slice(1).replace("/", "__")}`;
}

interface Package {
  name: string;
  version: string;
  exports: string | Record<string, string>;
  sources: URL;
  files: string[];
  dependencies: Record<string, string>;
}

async function emit(folder: string, pkg: Package): Promise<void> {
  const target = `${folder}/node_modules/${pkg.name}`;
  // Outside node_modules, as the compiler emits nothing for what is in there.
  const staged = `${folder}/.pack/${pkg.name}`;
  await Deno.mkdir(target, { recursive: true });
  await Deno.mkdir(staged, { recursive: true });
  for (const file of pkg.files) {
    const text = await Deno.readTextFile(new URL(file, pkg.sources));
    await Deno.mkdir(`${staged}/${file}`.replace(/\/[^/]*$/, ""), {
      recursive: true,
    });
    await Deno.writeTextFile(`${staged}/${file}`, rewrite(text));
  }
  await writeJson(`${staged}/tsconfig.json`, {
    compilerOptions: {
      lib: ["ESNext", "DOM", "DOM.Iterable", "DOM.AsyncIterable"],
      types: ["node"],
      module: "nodenext",
      target: "es2023",
      strict: true,
      exactOptionalPropertyTypes: true,
      noUncheckedIndexedAccess: true,
      declaration: true,
      skipLibCheck: true,
      rewriteRelativeImportExtensions: true,
      rootDir: ".",
      outDir: target,
    },
    include: ["."],
  });
  const exports = typeof pkg.exports === "string"
    ? { ".": pkg.exports }
    : pkg.exports;
  await writeJson(`${target}/package.json`, {
    name: pkg.name,
    version: pkg.version,
    type: "module",
    dependencies: pkg.dependencies,
    exports: Object.fromEntries(
      Object.entries(exports).map(([path, file]) => [path, {
        types: file.replace(/\.ts$/, ".d.ts"),
        default: file.replace(/\.ts$/, ".js"),
      }]),
    ),
  });
  // JSR does not check types when it compiles; what only Deno declares is unknown here.
  await new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "-A",
      `${folder}/node_modules/typescript/lib/tsc.js`,
      "-p",
      staged,
    ],
    stdout: "null",
  }).output();
}

/** The text with the names that JSR's npm registry gives to packages of JSR. */
function rewrite(text: string): string {
  return text.replace(
    /((?:from|import)\s*\(?\s*")(@(?:std|valibot)\/[^"/]+)/g,
    (_match, before, name) => before + npmName(name),
  ).replace(/"npm:(@?[^"@]+)@[^"]*"/g, '"$1"');
}

async function list(folder: string): Promise<string[]> {
  const files: string[] = [];
  for await (const entry of Deno.readDir(new URL(`${folder}/`, ROOT))) {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory) files.push(...await list(path));
    else if (path.endsWith(".ts")) files.push(path);
  }
  return files.sort();
}

async function exists(url: URL): Promise<boolean> {
  return await Deno.stat(url).then(() => true, () => false);
}

async function readJson(url: URL): Promise<unknown> {
  return JSON.parse(await Deno.readTextFile(url));
}

async function writeJson(path: string, value: unknown): Promise<void> {
  await Deno.writeTextFile(path, JSON.stringify(value, undefined, 2));
}

if (import.meta.main) await packNpm(Deno.args[0]!);
