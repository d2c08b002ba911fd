/** What each entry point loads: nothing of what its user does not use. */

import { assertEquals } from "@std/assert";

interface Graph {
  modules: {
    specifier: string;
    dependencies?: {
      specifier: string;
      code?: { specifier: string };
      isDynamic?: boolean;
    }[];
  }[];
}

/** Reads the modules that a file imports, without those that only an `import()` loads. */
async function loadedBy(file: string): Promise<string[]> {
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["info", "--json", file],
    stderr: "null",
  }).output();
  const { modules }: Graph = JSON.parse(new TextDecoder().decode(stdout));
  const bySpecifier = new Map(
    modules.map((module) => [module.specifier, module]),
  );
  const loaded = new Set<string>();
  const waiting = [new URL(`../${file}`, import.meta.url).href];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    if (loaded.has(next)) continue;
    loaded.add(next);
    for (
      const { code, isDynamic } of bySpecifier.get(next)?.dependencies ?? []
    ) {
      if (code !== undefined && !isDynamic) waiting.push(code.specifier);
    }
  }
  return [...loaded];
}

/** Stands in for JSR's valibot. */
const isForeign = (url: string) => /^(npm|node):(?!\/?valibot@)/.test(url);

Deno.test("./sse loads no package and nothing of Node", async () => {
  const loaded = await loadedBy("src/sse/mod.ts");
  assertEquals(loaded.filter((url) => /^npm:|^node:|jsr|std/.test(url)), []);
});

Deno.test(". loads no prom-client, no NATS, no gateway and nothing of Node", async () => {
  const loaded = await loadedBy("mod.ts");
  assertEquals(
    loaded.filter((url) =>
      isForeign(url) ||
      /\/src\/(gateway|nats|cli|testing)\//.test(url)
    ),
    [],
  );
});

Deno.test("./nats loads no gateway and no prom-client", async () => {
  const loaded = await loadedBy("src/nats/mod.ts");
  assertEquals(
    loaded.filter((url) =>
      url.includes("prom-client") || /\/src\/(gateway|cli|testing)\//.test(url)
    ),
    [],
  );
});

Deno.test("./testing loads nothing of Node", async () => {
  const loaded = await loadedBy("src/testing/mod.ts");
  assertEquals(loaded.filter(isForeign), []);
});

Deno.test("./gateway loads no NATS and nothing of Node", async () => {
  const loaded = await loadedBy("src/gateway/mod.ts");
  assertEquals(
    loaded.filter((url) =>
      isForeign(url) ||
      /\/src\/(nats|cli|testing)\//.test(url)
    ),
    [],
  );
});
