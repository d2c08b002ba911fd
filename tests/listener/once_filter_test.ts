import { assertEquals } from "@std/assert";
import { OnceFilter } from "../../src/listener/once_filter.ts";

Deno.test("OnceFilter.accepts() takes the first node's word and no other's", () => {
  const once = new OnceFilter({ nodes: 3 });
  assertEquals([1, 0, 2].map((node) => once.accepts(node, "head 7")), [
    true,
    false,
    false,
  ]);
});

Deno.test("OnceFilter.accepts() takes a head that comes back, once for all nodes", () => {
  const once = new OnceFilter({ nodes: 2 });
  const said: [number, string][] = [[0, "A"], [1, "A"], [0, "B"], [0, "A"], [
    1,
    "B",
  ], [1, "A"]];
  assertEquals(said.map(([node, head]) => once.accepts(node, head)), [
    true,
    false,
    true,
    true,
    false,
    false,
  ]);
});

Deno.test("OnceFilter.accepts() remembers a bounded number of identities", () => {
  const once = new OnceFilter({ nodes: 2, capacity: 4 });
  for (let slot = 0; slot < 5; slot++) {
    assertEquals(once.accepts(0, `head ${slot}`), true);
  }
  assertEquals(once.accepts(1, "head 4"), false);
  assertEquals(once.accepts(1, "head 0"), true);
});
