/**
 * Options of a test that needs something. Without it the test is ignored, and a line shows why.
 *
 * @param what What it needs.
 * @param isThere Whether that is there.
 */
export function needs(what: string, isThere: boolean): { ignore: boolean } {
  if (!isThere && !missing.has(what)) {
    // deno-lint-ignore no-console -- shows why tests are ignored
    console.log(`tests that need ${what} are ignored: it is not here`);
    missing.add(what);
  }
  return { ignore: !isThere };
}

const missing = new Set<string>();
