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
  ["u:s3cret@host:5052/x", "…@host:5052/…"],
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
    ]
  ) {
    assertEquals(redactUrl(url), url);
  }
});
