import {
  assert,
  assertEquals,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import type { BeaconNodeOptions } from "@org/beacon-sse";
import { NodeEndpoint } from "../../../src/beacon/http/endpoint.ts";
import { inspect } from "./http_server.ts";

const PATH = "/eth/v1/node/syncing";

/** The headers that go to the node itself. */
function headersOf(node: string | URL | BeaconNodeOptions): Headers {
  const endpoint = new NodeEndpoint(node);
  return endpoint.headers("application/json");
}

/** The userinfo that goes to the node itself. */
function userinfoOf(node: string | URL | BeaconNodeOptions): string {
  const [scheme, encoded] = headersOf(node).get("authorization")!.split(" ");
  assertEquals(scheme, "Basic");
  return new TextDecoder().decode(Uint8Array.fromBase64(encoded!));
}

Deno.test("NodeEndpoint.url() puts an endpoint below the base", () => {
  const table = [
    ["http://a:5052", `http://a:5052${PATH}`],
    ["http://a:5052/", `http://a:5052${PATH}`],
    ["http://a/base", `http://a/base${PATH}`],
    ["http://a/base/", `http://a/base${PATH}`],
    ["http://a/base/key//", `http://a/base/key${PATH}`],
    ["https://a:443/x%20y", `https://a/x%20y${PATH}`],
    ["http://[::1]:5052", `http://[::1]:5052${PATH}`],
    ["http://a/base#fragment", `http://a/base${PATH}`],
    ["  HTTP://A/ ", `http://a${PATH}`],
  ];
  for (const [base, url] of table) {
    assertEquals(new NodeEndpoint(base!).url(PATH).href, url);
    assertEquals(new NodeEndpoint(new URL(base!)).url(PATH).href, url);
  }
});

Deno.test("NodeEndpoint.url() keeps the base's query in front of the endpoint's", () => {
  const endpoint = new NodeEndpoint("https://a/base/?key=a%26b&x");
  assertEquals(endpoint.url(PATH).href, `https://a/base${PATH}?key=a%26b&x`);
  assertEquals(
    endpoint.url(PATH, "topics=head,block").href,
    `https://a/base${PATH}?key=a%26b&x&topics=head,block`,
  );
  assertEquals(
    new NodeEndpoint("https://a/?").url(PATH, "topics=head").href,
    `https://a${PATH}?topics=head`,
  );
});

Deno.test("NodeEndpoint.url() holds no userinfo", () => {
  assertEquals(
    new NodeEndpoint("https://u:p@a/base").url(PATH).href,
    `https://a/base${PATH}`,
  );
});

Deno.test("NodeEndpoint.headers() has userinfo as a Basic header", () => {
  assertEquals(
    headersOf("http://user:pass@a").get("authorization"),
    `Basic ${btoa("user:pass")}`,
  );
  assertEquals(userinfoOf("http://user@a"), "user:");
  assertEquals(userinfoOf("http://:pass@a"), ":pass");
});

Deno.test("NodeEndpoint.headers() decodes percent-encoded userinfo", () => {
  assertEquals(userinfoOf("http://us%40er:p%3Aa%2Fss%25@a"), "us@er:p:a/ss%");
});

Deno.test("NodeEndpoint.headers() leaves userinfo that is not percent-encoded as it is", () => {
  assertEquals(userinfoOf("http://100%:50%zz@a"), "100%:50%zz");
});

Deno.test("NodeEndpoint.headers() encodes non-ASCII userinfo as UTF-8", () => {
  assertEquals(userinfoOf("http://jürgen:pä漢💥@a"), "jürgen:pä漢💥");
  assertEquals(userinfoOf("http://j%C3%BCrgen:x@a"), "jürgen:x");
  assertEquals(
    headersOf("http://ü:ü@a").get("authorization"),
    "Basic w7w6w7w=",
  );
});

Deno.test("NodeEndpoint.headers() has the user's headers, Accept excepted", () => {
  const headers = headersOf({
    url: "http://a",
    headers: { "X-Key": "secret", Accept: "text/html" },
  });
  assertEquals(headers.get("x-key"), "secret");
  assertEquals(headers.get("accept"), "application/json");
  assertEquals(headers.has("authorization"), false);
});

Deno.test("NodeEndpoint.headers() prefers the user's Authorization to userinfo", () => {
  const headers = headersOf({
    url: "http://user:pass@a",
    headers: [["authorization", "Bearer token"]],
  });
  assertEquals(headers.get("authorization"), "Bearer token");
});

Deno.test("NodeEndpoint.headers() gives each request headers of its own", () => {
  const endpoint = new NodeEndpoint({ url: "http://a", headers: { x: "1" } });
  endpoint.headers("text/plain").set("x", "2");
  assertEquals(endpoint.headers("text/plain").get("x"), "1");
});

Deno.test("NodeEndpoint.name is the URL without userinfo, query and trailing slash", () => {
  const table = [
    ["http://localhost:5052", "http://localhost:5052"],
    ["http://localhost:5052/", "http://localhost:5052"],
    ["http://user:pass@localhost:5052/?key=abc#x", "http://localhost:5052"],
    ["HTTPS://Example.org:443", "https://example.org"],
    ["http://a/eth//v1/", "http://a/eth/v1"],
  ];
  for (const [url, name] of table) {
    assertEquals(new NodeEndpoint(url!).name, name);
  }
});

Deno.test("NodeEndpoint() removes the path of the events from its base", () => {
  const table = [
    ["http://a/eth/v1/events", "http://a"],
    ["http://a/base/eth/v1/events/?topics=head", "http://a/base"],
    ["http://a/eth/v1/events/more", "http://a/eth/v1/events/more"],
  ];
  for (const [url, name] of table) {
    const node = new NodeEndpoint(url!);
    assertEquals(node.name, name);
    assertEquals(node.url(PATH).href, name + PATH);
  }
  const node = new NodeEndpoint("http://a/eth/v1/events?key=1&topics=head");
  assertEquals(node.url(PATH, "x=y").href, `http://a${PATH}?key=1&x=y`);
});

Deno.test("NodeEndpoint.name hides what looks like a key in the path", () => {
  const table = [
    ["https://a/beacon/mainnet", "https://a/beacon/mainnet"],
    ["http://a/mynode/401", "http://a/mynode/401"],
    ["https://a/node-2/lighthouse1", "https://a/node-2/lighthouse1"],
    ["https://a/0123456789abcdef", "https://a/…"],
    ["https://a/v1/sEcReT/beacon/", "https://a/v1/…/beacon"],
    ["https://a/lighthouse1234567", "https://a/…"],
    ["https://a/my%2Fkey/eth", "https://a/…/eth"],
  ];
  for (const [url, name] of table) {
    assertEquals(new NodeEndpoint(url!).name, name);
  }
});

Deno.test("NodeEndpoint.name is the user's where given", () => {
  const endpoint = new NodeEndpoint({
    url: "http://u:p@a/key",
    name: "backup",
  });
  assertEquals(endpoint.name, "backup");
});

Deno.test("NodeEndpoint() shows nothing secret when printed or serialised", () => {
  const endpoint = new NodeEndpoint({
    url: "https://user:pass@a/sEcReT?key=hidden",
    headers: { "X-Key": "private" },
  });
  for (const shown of [inspect(endpoint), JSON.stringify(endpoint)]) {
    for (const secret of ["user", "pass", "sEcReT", "hidden", "private"]) {
      assert(!shown.includes(secret), shown);
    }
    assertStringIncludes(shown, "https://a/…");
  }
});

Deno.test("NodeEndpoint() refuses what is no usable URL, naming it", () => {
  // deno-lint-ignore no-explicit-any -- what a user without types may pass
  const table: [any, string][] = [
    ["", '""'],
    ["localhost", '"localhost"'],
    ["localhost:5052", '"localhost:5052"'],
    ["/base", '"/base"'],
    ["http://", '"http://"'],
    ["http://a:99999", '"http://a:99999"'],
    ["http://u:p@a:99999/key/secret?q=1", '"http://…@a:99999/key/…?…"'],
    ["http://a:99999/key/secret", '"http://a:99999/key/…"'],
    ["ftp://a", '"ftp://a"'],
    [new URL("ws://a"), '"ws://a"'],
    [undefined, "undefined"],
    [null, "null"],
    [42, "42"],
    [{ url: 42 }, "42"],
    [{ url: undefined }, "undefined"],
  ];
  for (const [node, shown] of table) {
    assertThrows(() => new NodeEndpoint(node), TypeError, shown);
  }
});

Deno.test("NodeEndpoint() refuses an empty name", () => {
  // deno-lint-ignore no-explicit-any -- what a user without types may pass
  for (const name of ["", " ", 5, {}] as any[]) {
    assertThrows(
      () => new NodeEndpoint({ url: "http://a", name }),
      TypeError,
      "name",
    );
  }
});

Deno.test("NodeEndpoint() refuses bad headers without showing their values", () => {
  for (
    const headers of [
      { "bad name": "sEcReT" },
      { "x-key": "sEcReT\nx: y" },
      { "x-key": "sEcReT 漢" },
    ]
  ) {
    const error = assertThrows(
      () => new NodeEndpoint({ url: "http://a", headers }),
      TypeError,
      "headers",
    );
    assert(!inspect(error).includes("sEcReT"), inspect(error));
  }
});

for (
  const { what, url } of [
    { what: "another scheme", url: "ftp://user:sEcReT@a/?key=sEcReT" },
    { what: "a bad port", url: "http://user:sEcReT@a:99999/?key=sEcReT" },
    { what: "a bad host", url: "http://user:sEcReT@a b/?key=sEcReT#sEcReT" },
    { what: "no scheme", url: "user:sEcReT@a:5052" },
    { what: "no scheme but slashes", url: "//user:sEcReT@a:5052" },
    { what: "an @ in the password", url: "http://user:sEc@sEcReT@a:99999" },
    { what: "a slash in the password", url: "http://user:sEc/sEcReT@a:5052" },
    { what: "a ? in the password", url: "http://user:sEcReT?x@a:5052" },
    { what: "a # in the password", url: "http://user:sEcReT#x@a:5052" },
  ]
) {
  Deno.test(`NodeEndpoint() shows no userinfo and query of an unusable URL with ${what}`, () => {
    const error = assertThrows(() => new NodeEndpoint(url), TypeError, "url");
    assert(!inspect(error).includes("sEcReT"), error.message);
  });
}

Deno.test("NodeEndpoint.show() takes out whatever a node may know of its credentials", () => {
  const node = new NodeEndpoint({
    url: "http://host/k3y-in-the-path?bare-query-k3y",
    headers: {
      cookie: "session=c00kie-value; lang=en",
      "x-quoted": 'a"quoted"value',
      authorization: `Basic ${btoa("usern4me:pa55:word")}`,
    },
  });
  for (
    const secret of [
      "k3y-in-the-path",
      "bare-query-k3y",
      "c00kie-value",
      'a"quoted"value',
      String.raw`a\"quoted\"value`,
      "usern4me",
      "pa55:word",
    ]
  ) {
    assertEquals(node.holdsSecret(`no ${secret} here`), true, secret);
    assertEquals(node.show(`no ${secret} here`, 80), "no … here");
  }
  assertEquals(node.holdsSecret("nothing of the kind"), false);
});

Deno.test("NodeEndpoint.show() takes out the beginning of a secret that was cut", () => {
  const node = new NodeEndpoint({
    url: "http://host",
    headers: { authorization: "Bearer 0123456789abcdef" },
  });
  assertEquals(node.show("token 0123456789abcde", 80), "token …");
  assertEquals(node.show("token 0123", 80), "token …");
  assertEquals(node.show("token 012", 80), "token 012");
});

Deno.test("NodeEndpoint.show() takes out secrets before it cuts, and escapes what is left", () => {
  const node = new NodeEndpoint({
    url: "http://host",
    headers: { "x-key": "0123456789abcdef" },
  });
  assertEquals(
    node.show("key\n0123456789abcdef and more", 12),
    "key\\u000a… and mo…",
  );
});

Deno.test("NodeEndpoint.at() shows the URL of an endpoint without credentials", () => {
  const node = new NodeEndpoint({
    url: "http://u:p@host:5052/eth/k3y?token=abc",
    name: "backup",
  });
  assertEquals(
    node.at("/eth/v1/events"),
    "http://host:5052/eth/…/eth/v1/events",
  );
});
