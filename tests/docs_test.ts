/** The documents name what exists, and the README stays short. */

import { assert, assertEquals } from "@std/assert";

const ROOT = new URL("../", import.meta.url);

async function read(path: string): Promise<string> {
  return await Deno.readTextFile(new URL(path, ROOT));
}

async function exists(path: string): Promise<boolean> {
  return await Deno.stat(new URL(path, ROOT)).then(() => true, () => false);
}

const DOCUMENTS = ["README.md", "CONTRIBUTING.md", "SECURITY.md"];
for await (const { name } of Deno.readDir(new URL("docs/", ROOT))) {
  if (name.endsWith(".md")) DOCUMENTS.push(`docs/${name}`);
}

/** The files that a document links to, by their paths in the project. */
function linkedBy(document: string, text: string): string[] {
  const base = new URL(document, ROOT);
  return [...text.matchAll(/\]\(([^)#:\s]+)(?:#[^)]*)?\)/g)]
    .map(([, path]) => new URL(path!, base).href.slice(ROOT.href.length));
}

for (const document of DOCUMENTS) {
  Deno.test(`${document} names only files and folders that exist`, async () => {
    const text = await read(document);
    const named = [
      ...text.matchAll(/`((?:src|tests|bench|docs|deploy)\/[\w./-]*)`/g),
    ].map(([, path]) => path!);
    const missing: string[] = [];
    for (const path of [...named, ...linkedBy(document, text)]) {
      if (!await exists(path)) missing.push(path);
    }
    assertEquals(missing, []);
  });

  Deno.test(`${document} links to nothing that is not published with it`, async () => {
    const { publish }: { publish: { include: string[] } } = JSON.parse(
      await read("deno.json"),
    );
    const isPublished = (path: string) =>
      publish.include.some((entry) => `${path}/`.startsWith(`${entry}/`));
    assert(isPublished(document));
    const links = linkedBy(document, await read(document));
    assertEquals(links.filter((path) => !isPublished(path)), []);
  });
}

Deno.test("README.md has at most 280 lines", async () => {
  assert((await read("README.md")).split("\n").length <= 281);
});

Deno.test("deno.json names only files and folders that exist", async () => {
  const config = JSON.parse(await read("deno.json"));
  const commands = Object.values<{ command: string }>(config.tasks)
    .flatMap(({ command }) => command.match(/(?<=\s)[\w/]+\.(?:ts|md)/g) ?? []);
  const named = [
    ...Object.values<string>(config.exports),
    ...config.publish.include,
    ...commands,
  ];
  const missing: string[] = [];
  for (const path of named) {
    if (!await exists(path)) missing.push(path);
  }
  assertEquals(missing, []);
});
