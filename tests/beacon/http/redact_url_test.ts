import { assertEquals } from "@std/assert";
import { redactUrl } from "../../../src/beacon/http/redact_url.ts";

const SECRETS = [
  ["https://u:s3cret@host/eth", "https://…@host/eth"],
  ["https://u:s3@cret@host", "https://…@host"],
  ["https://host/s3cret/eth/v1", "https://host/…/eth/v1"],
  ["https://host/?key=s3cret", "https://host?…"],
  ["https://host/eth#s3cret", "https://host/eth?…"],
  ["https://host/eth?key=a@s3cret", "https://…@…"],
  ["https://u:s3/cret@host", "https://…@…"],
  ["https://host\\s3cret", "https://host/…"],
  ["u:s3cret@host:5052/s3cret", "…@host:5052/…"],
  ["https://host/key/abc", "https://host/key/…"],
  ["https://host/api-key/abc/eth", "https://host/api-key/…/eth"],
  ["https://host/v2/550e8400-e29b-41d4-a716-446655440000", "https://host/v2/…"],
  ["https://host/abcdefghijklmnopqrst", "https://host/…"],
  ["https://host/dGhpcyBpcw", "https://host/…"],
  ["https://host/12345678", "https://host/…"],
  ["host:99999/s3cret", "host:99999/…"],
] as const;

for (const [url, shown] of SECRETS) {
  Deno.test(`redactUrl() hides what may be secret in ${url}`, () => {
    assertEquals(redactUrl(url), shown);
  });
}

Deno.test("redactUrl() leaves a URL without secrets as it is", () => {
  for (
    const url of [
      "http://localhost:5052",
      "wss://[::1]:1/lighthouse/eth",
      "hed",
      "http://host/mynode/401",
      "http://host/validators/Geth-Nimbus_2/node.eu1",
    ]
  ) {
    assertEquals(redactUrl(url), url);
  }
});
