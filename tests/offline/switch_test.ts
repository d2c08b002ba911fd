/** `deno task offline` in a folder of its own, against registries on loopback. */

import { assertEquals, assertStringIncludes } from "@std/assert";

const here = (name: string): URL => new URL(name, import.meta.url);
const config = JSON.parse(await Deno.readTextFile(here("../../deno.json")));
const STAND_INS = await filesIn(here(".").pathname);
const META = { versions: { "1.5.0": {} } };

/** A copy of what the switch needs. */
async function checkOut() {
  const root = await Deno.makeTempDir({ prefix: "beacon-sse-offline-" });
  for (const file of [...STAND_INS, "switch.ts"]) {
    const path = `${root}/tests/offline/${file}`;
    await Deno.mkdir(path.replace(/[^/]*$/, ""), { recursive: true });
    await Deno.copyFile(here(file), path);
  }
  const { workspace, tasks } = config;
  const text = JSON.stringify({ workspace, tasks, lock: false });
  await Deno.writeTextFile(`${root}/deno.json`, text);
  return {
    root,
    /** Runs the task against a registry; returns its last line on stderr. */
    async offline(registry: string): Promise<string> {
      const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
        args: ["task", "--quiet", "offline"],
        cwd: root,
        env: { JSR_URL: registry },
      }).output();
      assertEquals([code, stdout.length], [0, 0]);
      return new TextDecoder().decode(stderr);
    },
    members: () => filesIn(`${root}/.offline`),
    [Symbol.asyncDispose]: () => Deno.remove(root, { recursive: true }),
  };
}

/** A registry on loopback. */
function serve(answer: (url: string) => Response | Promise<Response>) {
  const stop = new AbortController();
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, signal: stop.signal, onListen() {} },
    (request) => answer(request.url),
  );
  return {
    url: `http://127.0.0.1:${server.addr.port}`,
    [Symbol.asyncDispose]: () => (stop.abort(), server.finished),
  };
}

/** The URL of a port without a server. */
function deadRegistry(): string {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return `http://127.0.0.1:${listener.addr.port}/`;
}

/** The files in the folders of a folder, in alphabetical order. */
async function filesIn(folder: string): Promise<string[]> {
  const found: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    if (!isDirectory) continue;
    const files = await Array.fromAsync(Deno.readDir(`${folder}/${name}`));
    found.push(...files.map((file) => `${name}/${file.name}`));
  }
  return found.sort();
}

Deno.test("offline puts the stand-ins into .offline/ where no registry answers, touches no file that is right, and empties it where one does", async () => {
  await using checkout = await checkOut();
  const paths: string[] = [];
  await using registry = serve((url) => {
    paths.push(new URL(url).pathname);
    return Response.json(META);
  });
  assertStringIncludes(await checkout.offline(deadRegistry()), "no answer");
  assertEquals(await checkout.members(), STAND_INS);
  const member = (name: string) => `${checkout.root}/.offline/${name}`;
  const { mtime } = await Deno.stat(member("http/status.ts"));
  await Deno.writeTextFile(member("async/mod.ts"), "broken");
  await Deno.writeTextFile(member("async/old.ts"), "left over");
  await Deno.mkdir(member("removed"));
  await checkout.offline(deadRegistry());
  assertEquals(await checkout.members(), STAND_INS);
  assertEquals((await Deno.stat(member("http/status.ts"))).mtime, mtime);
  assertEquals(
    await Deno.readTextFile(member("async/mod.ts")),
    await Deno.readTextFile(here("async/mod.ts")),
  );
  assertStringIncludes(await checkout.offline(`${registry.url}/a`), "answers");
  assertEquals(await checkout.members(), []);
  assertEquals(paths, ["/a/@std/async/meta.json"]);
});

for (
  const [what, answer] of Object.entries<() => Response | Promise<Response>>({
    "the page of a portal": () => new Response("<html>Please log in</html>"),
    "JSON of something else": () => Response.json({ error: "blocked" }),
    "an error in JSON": () => Response.json(META, { status: 502 }),
    "two seconds of silence": () => new Promise(() => {}),
  })
) {
  Deno.test(`offline takes ${what} for no answer`, async () => {
    await using checkout = await checkOut();
    await using registry = serve(answer);
    assertStringIncludes(await checkout.offline(registry.url), "no answer");
  });
}

Deno.test("offline ends in one of its two states when several runs disagree", async () => {
  await using checkout = await checkOut();
  await using registry = serve(() => Response.json(META));
  await Promise.all(
    Array.from(
      { length: 6 },
      (_, i) => checkout.offline(i % 2 === 0 ? deadRegistry() : registry.url),
    ),
  );
  await checkout.offline(deadRegistry());
  assertEquals(await checkout.members(), STAND_INS);
});

Deno.test("the stand-ins have the versions that deno.json requests, and are never published", async () => {
  const requested = Object.values<string>(config.imports)
    .filter((specifier) => specifier.startsWith("jsr:"));
  const files = STAND_INS.filter((file) => file.endsWith("deno.json"));
  const members = await Promise.all(files.map(async (file) => {
    const member = JSON.parse(await Deno.readTextFile(here(file)));
    assertEquals(member.publish, false);
    return `jsr:${member.name}@^${member.version}`;
  }));
  assertEquals(members.sort(), requested.sort());
});
