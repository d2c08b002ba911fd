/** How a URL is shown in names, messages and logs. */

/**
 * Hides what may be secret in a URL, well-formed or not: userinfo, query, fragment, and what is not
 * a plain word in the path, since it may be a provider's key. Scheme and host remain.
 */
export function redactUrl(text: string): string {
  const scheme = /^[a-z][a-z0-9+.-]*:\/\//i.exec(text)?.[0] ?? "";
  const authority = /^[^/\\?#]*/.exec(text.slice(scheme.length))![0];
  const rest = text.slice(scheme.length + authority.length);
  // It may end a password with a slash in it, so that the host cannot be told.
  if (rest.includes("@")) return `${scheme}…@…`;
  const host = authority.slice(authority.lastIndexOf("@") + 1);
  const userinfo = host.length < authority.length ? "…@" : "";
  const pathEnd = rest.search(/[?#]/);
  const path = pathEnd < 0 ? rest : rest.slice(0, pathEnd);
  const query = path.length + 1 < rest.length ? "?…" : "";
  return `${scheme}${userinfo}${host}${redactPath(path)}${query}`;
}

/** Hides the segments of a path that may be secret. Empty ones are left out. */
export function redactPath(path: string): string {
  return path.split("/").filter((segment) => segment !== "")
    .map((segment) => isPlainSegment(segment) ? `/${segment}` : "/…").join("");
}

/** Whether a segment of a path is a word that the paths of beacon nodes have. */
export function isPlainSegment(segment: string): boolean {
  return PLAIN_SEGMENT.test(segment);
}

const PLAIN_SEGMENT =
  /^(?:v\d|api|base|beacon|beacon-api|beacon-node|bn|cl|consensus|eth|eth2|node|nodes|path|prefix|proxy|rpc|lighthouse|teku|prysm|nimbus|lodestar|grandine|caplin|erigon|mainnet|holesky|hoodi|sepolia|gnosis|chiado|devnet|testnet)[-_]?\d{0,3}$/;
