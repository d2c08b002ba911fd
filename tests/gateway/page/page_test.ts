import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { pageHeaders, renderPage } from "../../../src/gateway/page/page.ts";

Deno.test("renderPage() is one document without an external address, of at most 60 kB gzipped", async () => {
  const page = renderPage("n0nce");
  const addresses = page.matchAll(/https?:\/\/[^\s"'`)]+/g);
  assertEquals([...addresses].map(([url]) => url), [
    "http://www.w3.org/2000/svg",
  ]);
  const zipped = new Blob([page]).stream().pipeThrough(
    new CompressionStream("gzip"),
  );
  const { byteLength } = await new Response(zipped).arrayBuffer();
  assert(byteLength < 60_000, `${byteLength} bytes`);
});

Deno.test("renderPage() holds a program that parses, and ends at its own end tag", () => {
  const [, program] = /<script nonce="n0nce">([\s\S]*?)<\/script>/.exec(
    renderPage("n0nce"),
  )!;
  assertStringIncludes(program!, "runPage();");
  // Parsed, not run: it needs a document.
  new Function(program!);
});

Deno.test("renderPage() defines every function that its program calls by name", () => {
  const page = renderPage("n0nce");
  const defined = new Set(
    [...page.matchAll(/(?:function|class) (\w+)/g)].map(([, name]) => name),
  );
  const sources = ["dom", "model", "slot_line", "epoch_grid", "node_cards"];
  for (const name of [...sources, "branch_tree", "event_lists", "app"]) {
    const text = Deno.readTextFileSync(
      new URL(`../../../src/gateway/page/${name}.ts`, import.meta.url),
    );
    for (const [, own] of text.matchAll(/^(?:export )?function (\w+)/gm)) {
      assert(defined.has(own!), `${own} of ${name}.ts is not in the page`);
    }
    assertEquals(
      [...text.matchAll(/^(?:export )?(?:const|let|var) .*/gm)].map(String),
      [],
      `${name}.ts has a top-level variable, which the page would lack`,
    );
  }
});

Deno.test("pageHeaders() let run only what the document holds itself", () => {
  const policy = pageHeaders("n0nce")["content-security-policy"]!;
  for (
    const part of [
      "default-src 'none'",
      "script-src 'nonce-n0nce'",
      "connect-src 'self'",
      "frame-ancestors 'none'",
    ]
  ) assertStringIncludes(policy, part);
  assert(!policy.includes("unsafe"));
});
