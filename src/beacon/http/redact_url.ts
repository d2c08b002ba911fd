/** How a URL is shown in names, messages and logs. */

/**
 * Hides what may be secret in a URL, well-formed or not: userinfo, query, fragment, and what
 * looks like a provider's key in the path. Scheme and host remain.
 */
export function redactUrl(text: string): string {
  const scheme = /^[a-z][a-z0-9+.-]*:\/\//i.exec(text)?.[0] ?? "";
  const authority = /^[^/\\?#]*/.exec(text.slice(scheme.length))![0];
  const rest = text.slice(scheme.length + authority.length);
  // It may be the end of a password with a slash in it; then the host is not known.
  if (rest.includes("@")) return `${scheme}…@…`;
  const host = authority.slice(authority.lastIndexOf("@") + 1);
  const userinfo = host.length < authority.length ? "…@" : "";
  const pathEnd = rest.search(/[?#]/);
  const path = pathEnd < 0 ? rest : rest.slice(0, pathEnd);
  const query = path.length + 1 < rest.length ? "?…" : "";
  return `${scheme}${userinfo}${host}${redactPath(path)}${query}`;
}

export function redactPath(path: string): string {
  const secret = new Set(secretSegments(path));
  return path.split("/").filter((segment) => segment !== "")
    .map((segment) => secret.has(segment) ? "/…" : `/${segment}`).join("");
}

/**
 * Segments that are not made of words and short numbers, as keys and tokens are, or behind a word
 * that announces one.
 */
export function secretSegments(path: string): string[] {
  const segments = path.split("/").filter((segment) => segment !== "");
  return segments.filter((segment, index) =>
    segment.length > MOST_PLAIN_LENGTH || !PLAIN_SEGMENT.test(segment) ||
    ANNOUNCES_SECRET.test(segments[index - 1] ?? "")
  );
}

const MOST_PLAIN_LENGTH = 32;
/** Words with up to four digits behind them, and numbers, joined by `-`, `_` or `.`. */
const PLAIN_SEGMENT =
  /^(?:(?:[A-Za-z][a-z]{0,15}|[A-Z]{1,8})\d{0,4}|\d{1,5})(?:[-_.](?:(?:[A-Za-z][a-z]{0,15}|[A-Z]{1,8})\d{0,4}|\d{1,5}))*$/;
const ANNOUNCES_SECRET = /^(?:api[-_]?)?(?:keys?|tokens?|secrets?|auth)$/;
