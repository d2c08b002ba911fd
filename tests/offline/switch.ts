/**
 * Makes the plain commands work where JSR does not answer (`deno task offline`).
 *
 * `deno.json` names the real packages and has `"workspace": ["./.offline/*"]`.
 * While that folder is empty the glob means nothing and JSR is used. Without JSR
 * every command would fail, so this fills the folder with the adapters beside
 * this file: workspace members of the same names and versions, which win. Their
 * `exclude` keeps lint, fmt and check at the adapters themselves, off the copies.
 *
 * Other commands may read the folder meanwhile, and other runs write to it: a
 * file changes by one renaming, only if it differs, and `deno.json`, which makes
 * a folder a member, comes last and goes first. Nothing is printed on stdout.
 *
 * @module
 */

const JSR = "https://jsr.io/";
const PROBE = "@std/async/meta.json";
/** Longest wait for JSR, in milliseconds. */
const PATIENCE = 2_000;

const adapters = new URL("./", import.meta.url);
const members = new URL("../../.offline/", import.meta.url);
const registry = registryUrl(Deno.env.get("JSR_URL"));

if (await answers(registry)) {
  settle(empty);
  report(`${registry} answers, so the real packages are used`);
} else {
  settle(fill);
  report(`no answer from ${registry}, so tests/offline stands in for it`);
}
// A look-up of the name that is still under way would keep the process.
Deno.exit(0);

/** The registry that Deno itself would ask: it ignores what is no absolute URL. */
function registryUrl(value: string | undefined): string {
  if (!value || !URL.canParse(value)) return JSR;
  return value.endsWith("/") ? value : `${value}/`;
}

/** Whether a registry is there; the page of a proxy or a portal is none. */
async function answers(registry: string): Promise<boolean> {
  try {
    const signal = AbortSignal.timeout(PATIENCE);
    const response = await fetch(new URL(PROBE, registry), { signal });
    const meta: unknown = await response.json();
    return response.ok && typeof meta === "object" && meta !== null &&
      "versions" in meta;
  } catch {
    return false;
  }
}

/** Makes the members the same as the adapters. */
function fill(): void {
  const names = list(adapters, (entry) => entry.isDirectory);
  for (const name of names) {
    const from = new URL(`${name}/`, adapters);
    const to = new URL(`${name}/`, members);
    Deno.mkdirSync(to, { recursive: true });
    const files = list(from).filter((file) => file !== "deno.json");
    for (const file of [...files, "deno.json"]) {
      replace(new URL(file, to), Deno.readTextFileSync(new URL(file, from)));
    }
    for (const file of list(to, (entry) => !entry.name.endsWith(".draft"))) {
      if (file !== "deno.json" && !files.includes(file)) {
        remove(new URL(file, to));
      }
    }
  }
  empty(names);
}

/** Removes all members but those to keep. */
function empty(keep: string[] = []): void {
  for (const name of list(members)) {
    if (keep.includes(name)) continue;
    remove(new URL(`${name}/deno.json`, members));
    remove(new URL(name, members));
  }
}

/** Writes a file in one step, if that changes anything. */
function replace(file: URL, text: string): void {
  if (existing(() => Deno.readTextFileSync(file)) === text) return;
  const draft = new URL(`${file.href}.${Deno.pid}.draft`);
  Deno.writeTextFileSync(draft, text);
  Deno.renameSync(draft, file);
}

function remove(path: URL): void {
  existing(() => Deno.removeSync(path, { recursive: true }));
}

/** The names in a folder; none where there is no folder. */
function list(
  folder: URL,
  keep: (entry: Deno.DirEntry) => boolean = () => true,
): string[] {
  const entries = existing(() => [...Deno.readDirSync(folder)]) ?? [];
  return entries.filter(keep).map((entry) => entry.name);
}

/** What the action returns; nothing where its file or folder is not there. */
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

/** One line on stderr: stdout belongs to the command that runs next. */
function report(state: string): void {
  Deno.stderr.writeSync(new TextEncoder().encode(`offline: ${state}\n`));
}
