/**
 * `deno task offline`: makes the plain commands work where JSR does not answer.
 *
 * `deno.json` has `"workspace": ["./.offline/*"]`. Without JSR this copies the stand-ins beside it
 * there, as workspace members that win over the packages of the same names and versions.
 *
 * Other commands read the folder meanwhile, and other runs write to it: a file changes by one
 * renaming, and only if it differs; `deno.json`, which makes a folder a member, comes last and goes
 * first. Nothing is printed on stdout, which belongs to the command that runs next.
 *
 * @module
 */

const adapters = new URL("./", import.meta.url);
const members = new URL("../../.offline/", import.meta.url);
const registry = registryUrl(Deno.env.get("JSR_URL"));

if (await answers()) {
  settle(() => keep([]));
  report(`${registry} answers, so the real packages are used`);
} else {
  settle(fill);
  report(`no answer from ${registry}, so tests/offline stands in for it`);
}
// A look-up of the name that is still under way would keep the process.
Deno.exit(0);

/** The registry that Deno itself would use: it ignores what is no absolute URL. */
function registryUrl(value = ""): string {
  if (!URL.canParse(value)) return "https://jsr.io/";
  return value.endsWith("/") ? value : `${value}/`;
}

/** Whether a registry is there; the page of a proxy or a portal is none. */
async function answers(): Promise<boolean> {
  try {
    const response = await fetch(new URL("@std/async/meta.json", registry), {
      signal: AbortSignal.timeout(2000),
    });
    return response.ok && typeof (await response.json()).versions === "object";
  } catch {
    return false;
  }
}

/** Makes the members the same as the stand-ins. */
function fill(): void {
  const folders = [...Deno.readDirSync(adapters)]
    .filter((entry) => entry.isDirectory).map(({ name }) => name);
  for (const folder of folders) {
    const files = list(new URL(`${folder}/`, adapters))
      .filter((file) => file !== "deno.json");
    Deno.mkdirSync(new URL(folder, members), { recursive: true });
    for (const file of [...files, "deno.json"]) copy(`${folder}/${file}`);
    for (const file of list(new URL(`${folder}/`, members))) {
      const known = ["deno.json", ...files].includes(file);
      if (!known && !file.endsWith(".draft")) remove(`${folder}/${file}`);
    }
  }
  keep(folders);
}

/** Removes all members but these. */
function keep(folders: string[]): void {
  for (const folder of list(members)) {
    if (folders.includes(folder)) continue;
    remove(`${folder}/deno.json`);
    remove(folder);
  }
}

/** Copies a file in one step, if that changes anything. */
function copy(path: string): void {
  const text = Deno.readTextFileSync(new URL(path, adapters));
  const file = new URL(path, members);
  if (existing(() => Deno.readTextFileSync(file)) === text) return;
  const draft = new URL(`${file.href}.${Deno.pid}.draft`);
  Deno.writeTextFileSync(draft, text);
  Deno.renameSync(draft, file);
}

function remove(path: string): void {
  existing(() => Deno.removeSync(new URL(path, members), { recursive: true }));
}

function list(folder: URL): string[] {
  const entries = existing(() => [...Deno.readDirSync(folder)]) ?? [];
  return entries.map(({ name }) => name);
}

/** What the action returns; `undefined` where its file or folder is not there. */
function existing<T>(action: () => T): T | undefined {
  try {
    return action();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/** Repeats an action that fails because a run with the other answer undoes it. */
function settle(action: () => void): void {
  for (let attempts = 1;; attempts++) {
    try {
      return action();
    } catch (error) {
      if (attempts === 5) throw error;
    }
  }
}

/** Prints one line on stderr. */
function report(state: string): void {
  Deno.stderr.writeSync(new TextEncoder().encode(`offline: ${state}\n`));
}
