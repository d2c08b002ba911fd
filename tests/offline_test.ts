/**
 * `deno task offline`, run in a copy of the few files it needs, against
 * registries on loopback that answer or do not.
 *
 * @module
 */
import {
  assert,
  assertEquals,
  assertLess,
  assertStringIncludes,
} from "@std/assert";

/** A folder with the switch, the adapters and a configuration as the project's. */
interface Checkout extends AsyncDisposable {
  /** Path of a file in it. */
  path(name: string): string;
  /** Runs the switch against a registry. */
  offline(registry: string): Promise<Output>;
  /** Runs Deno with a cache of its own. */
  deno(registry: string, ...args: string[]): Promise<Output>;
  /** The files in `.offline/`, with the time of their last change. */
  members(): Promise<Record<string, number>>;
}

interface Output {
  code: number;
  stdout: string;
  stderr: string;
}

const META = JSON.stringify({ versions: { "1.5.0": {} } });

const REAL_DELAY =
  `export const delay: () => string = () => "from the registry";`;

/** The files of a registry that has one package, whose delay tells where it is from. */
const PACKAGE: Record<string, string> = {
  "/@std/async/meta.json": META,
  "/@std/async/1.5.0_meta.json": JSON.stringify({
    exports: { "./delay": "./delay.ts" },
    manifest: {
      "/delay.ts": {
        size: REAL_DELAY.length,
        checksum: `sha256-${await sha256(REAL_DELAY)}`,
      },
    },
  }),
  "/@std/async/1.5.0/delay.ts": REAL_DELAY,
};

Deno.test("offline fills .offline/ when no registry answers, and says so on stderr only", async () => {
  await using checkout = await checkOut();
  const { code, stdout, stderr } = await checkout.offline(deadRegistry());
  assertEquals({ code, stdout, lines: stderr.split("\n").length }, {
    code: 0,
    stdout: "",
    lines: 2,
  });
  assertStringIncludes(stderr, "no answer");
  const expected = await adapterFiles();
  assertEquals(Object.keys(await checkout.members()), expected);
  await using registry = serve(() => new Response("not found"));
  const run = await checkout.deno(registry.url, "run", "main.ts");
  assertEquals(run.stdout, "undefined\n", run.stderr);
});

Deno.test("offline empties .offline/ when a registry answers, so that the real packages are used", async () => {
  await using checkout = await checkOut();
  await checkout.offline(deadRegistry());
  await using registry = serve((path) =>
    new Response(PACKAGE[path] ?? null, {
      status: PACKAGE[path] ? 200 : 404,
      headers: {
        "content-type": path.endsWith(".ts")
          ? "application/typescript"
          : "application/json",
      },
    })
  );
  const { code, stdout, stderr } = await checkout.offline(registry.url);
  assertEquals({ code, stdout }, { code: 0, stdout: "" });
  assertStringIncludes(stderr, "answers");
  assertEquals(await checkout.members(), {});
  const run = await checkout.deno(registry.url, "run", "main.ts");
  assertEquals(run.stdout, "from the registry\n", run.stderr);
});

Deno.test("offline works where .offline/ was never there and a registry answers", async () => {
  await using checkout = await checkOut();
  await using registry = serve(() => new Response(META));
  assertEquals((await checkout.offline(registry.url)).code, 0);
  assertEquals(await checkout.members(), {});
});

Deno.test("offline takes a JSR_URL without its last slash", async () => {
  await using checkout = await checkOut();
  await using registry = serve((path) =>
    new Response(path === "/mirror/@std/async/meta.json" ? META : "no")
  );
  await checkout.offline(`${registry.url}mirror`);
  assertEquals(await checkout.members(), {});
});

for (
  const [what, answer] of Object.entries<() => Response>({
    "the page of a portal": () => new Response("<html>Please log in</html>"),
    "JSON of something else": () => Response.json({ error: "blocked" }),
    "an error in JSON": () => new Response(META, { status: 502 }),
  })
) {
  Deno.test(`offline takes ${what} for no answer`, async () => {
    await using checkout = await checkOut();
    await using registry = serve(answer);
    await checkout.offline(registry.url);
    assertEquals(Object.keys(await checkout.members()), await adapterFiles());
  });
}

Deno.test("offline gives a silent registry two seconds", async () => {
  await using checkout = await checkOut();
  const started = performance.now();
  {
    const silence = Promise.withResolvers<Response>();
    await using registry = serve(() => silence.promise);
    const { code } = await checkout.offline(registry.url);
    assertEquals(code, 0);
    silence.resolve(new Response());
  }
  assertLess(performance.now() - started, 5_000);
  assertEquals(Object.keys(await checkout.members()), await adapterFiles());
});

Deno.test("offline touches no file that is right, and repairs what is not", async () => {
  await using checkout = await checkOut();
  const registry = deadRegistry();
  await checkout.offline(registry);
  const before = await checkout.members();
  await Deno.writeTextFile(checkout.path(".offline/async/mod.ts"), "broken");
  await Deno.writeTextFile(checkout.path(".offline/async/old.ts"), "left over");
  await Deno.mkdir(checkout.path(".offline/removed"));
  await Deno.writeTextFile(checkout.path(".offline/removed/deno.json"), "{}");
  await checkout.offline(registry);
  const after = await checkout.members();
  assertEquals(
    await Deno.readTextFile(checkout.path(".offline/async/mod.ts")),
    await Deno.readTextFile(checkout.path("tests/offline/async/mod.ts")),
  );
  delete before["async/mod.ts"];
  delete after["async/mod.ts"];
  assertEquals(after, before);
});

Deno.test("offline ends in one of its two states when several runs disagree", async () => {
  await using checkout = await checkOut();
  await using registry = serve(() => new Response(META));
  const runs = Array.from(
    { length: 8 },
    (_, i) => checkout.offline(i % 2 === 0 ? deadRegistry() : registry.url),
  );
  for (const { code, stderr } of await Promise.all(runs)) {
    assertEquals(code, 0, stderr);
  }
  await checkout.offline(deadRegistry());
  assertEquals(Object.keys(await checkout.members()), await adapterFiles());
});

Deno.test("the adapters have the versions that deno.json asks for", async () => {
  const { imports } = await json("../deno.json");
  const ranges = Object.values(imports as Record<string, string>)
    .filter((specifier) => specifier.startsWith("jsr:"));
  const members = [];
  for (const file of await adapterFiles()) {
    if (!file.endsWith("deno.json")) continue;
    const { name, version, publish } = await json(`./offline/${file}`);
    assert(publish === false, `${name} must never be published`);
    members.push(`jsr:${name}@^${version}`);
  }
  assertEquals(members.toSorted(), ranges.toSorted());
});

/** Copies what the switch needs to a temporary folder. */
async function checkOut(): Promise<Checkout> {
  const root = await Deno.makeTempDir({ prefix: "beacon-sse-offline-" });
  const path = (name: string): string => `${root}/${name}`;
  for (const file of await adapterFiles()) {
    const target = path(`tests/offline/${file}`);
    await Deno.mkdir(target.slice(0, target.lastIndexOf("/")), {
      recursive: true,
    });
    await Deno.copyFile(here(`./offline/${file}`), target);
  }
  await Deno.copyFile(
    here("./offline/switch.ts"),
    path("tests/offline/switch.ts"),
  );
  await Deno.writeTextFile(
    path("deno.json"),
    JSON.stringify({
      workspace: ["./.offline/*"],
      imports: { "@std/async": "jsr:@std/async@^1.5.0" },
      lock: false,
      tasks: (await json("../deno.json")).tasks,
    }),
  );
  await Deno.writeTextFile(
    path("main.ts"),
    `import { delay } from "@std/async/delay"; console.log(await delay(1));`,
  );
  const deno = async (registry: string, ...args: string[]): Promise<Output> => {
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args,
      cwd: root,
      env: { JSR_URL: registry, DENO_DIR: path("cache"), NO_COLOR: "1" },
    }).output();
    const text = new TextDecoder();
    return {
      code,
      stdout: text.decode(stdout),
      stderr: text.decode(stderr)
        .replace(/^Task offline .*\n/m, ""),
    };
  };
  return {
    path,
    deno,
    offline: (registry) => deno(registry, "task", "offline"),
    async members() {
      const found: Record<string, number> = {};
      for (const file of await filesIn(path(".offline"))) {
        const { mtime } = await Deno.stat(path(`.offline/${file}`));
        found[file] = Number(mtime);
      }
      return found;
    },
    async [Symbol.asyncDispose]() {
      await Deno.remove(root, { recursive: true });
    },
  };
}

/** A registry on loopback. */
function serve(
  answer: (path: string) => Response | Promise<Response>,
): AsyncDisposable & { url: string } {
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    (request) => answer(new URL(request.url).pathname),
  );
  return {
    url: `http://127.0.0.1:${server.addr.port}/`,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

/** The URL of a port where nobody listens. */
function deadRegistry(): string {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return `http://127.0.0.1:${listener.addr.port}/`;
}

async function sha256(text: string): Promise<string> {
  const bytes = new TextEncoder().encode(text);
  const hash = await crypto.subtle.digest("SHA-256", bytes);
  return new Uint8Array(hash).toHex();
}

function here(name: string): URL {
  return new URL(name, import.meta.url);
}

async function json(name: string): Promise<Record<string, unknown>> {
  return JSON.parse(await Deno.readTextFile(here(name)));
}

/** The adapters' files: `async/deno.json`, `async/mod.ts`, … */
async function adapterFiles(): Promise<string[]> {
  const files = await filesIn(here("./offline/").pathname);
  return files.filter((file) => file.includes("/"));
}

/** The files in a folder and the folders in it, in alphabetical order; none where it is not. */
async function filesIn(folder: string): Promise<string[]> {
  const found: string[] = [];
  try {
    for await (const { name, isDirectory } of Deno.readDir(folder)) {
      if (!isDirectory) found.push(name);
      else {
        const inner = await filesIn(`${folder}/${name}`);
        found.push(...inner.map((file) => `${name}/${file}`));
      }
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return found.toSorted();
}
