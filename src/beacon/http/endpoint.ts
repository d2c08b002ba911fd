/** The address of a beacon node, its name in output, and the credentials that it gets. */

import { checkNames, refuse } from "../../values/check.ts";
import { printable, shown } from "../../values/shown.ts";
import { redactPath, redactUrl, secretSegments } from "./redact_url.ts";

/** A beacon node to listen to. */
export interface BeaconNodeOptions {
  /**
   * Base URL, `http:` or `https:`. A path and a query are kept on every request; userinfo is sent
   * as an `Authorization` header. An address that ends in `/eth/v1/events` is taken as its base.
   */
  url: string | URL;
  /**
   * The node's name in events, metrics (label `addr`), statuses and logs.
   *
   * @default The URL without userinfo, query and trailing slash, and without what looks like a
   * provider's key in its path.
   */
  name?: string;
  /** Headers sent with every request to this node. */
  headers?: ConstructorParameters<typeof Headers>[0];
}

const OPTION_NAMES: Record<keyof BeaconNodeOptions, true> = {
  url: true,
  name: true,
  headers: true,
};

/** Its credentials are private: an endpoint that is printed or serialised shows its name only. */
export class NodeEndpoint {
  readonly name: string;
  readonly #base: URL;
  readonly #headers: Headers;
  /** What must not appear in any output, longest first. */
  readonly #secrets: readonly string[];

  /** @throws {TypeError} If the URL, the name or a header is not usable. */
  constructor(node: string | URL | BeaconNodeOptions) {
    const isOptions = typeof node === "object" && node !== null &&
      !(node instanceof URL);
    const options = isOptions ? node : { url: node };
    checkNames("use node", "options", options, OPTION_NAMES);
    this.#base = parseBase(options.url);
    this.#headers = parseHeaders(options.headers);
    const { username, password } = this.#base;
    if (username !== "" || password !== "") {
      const userinfo = `${percentDecode(username)}:${percentDecode(password)}`;
      const bytes = new TextEncoder().encode(userinfo);
      const encoded = btoa(String.fromCharCode(...bytes));
      if (!this.#headers.has("authorization")) {
        this.#headers.set("authorization", `Basic ${encoded}`);
      }
      this.#base.username = "";
      this.#base.password = "";
    }
    this.#secrets = findSecrets(this.#base, this.#headers, username, password);
    this.name = options.name ?? defaultName(this.#base);
    if (typeof this.name !== "string" || this.name.trim() === "") {
      refuse("use node", "name", "a non-empty string", this.name);
    }
  }

  /**
   * The URL of an endpoint below the base, which keeps its path and query. The query is already
   * encoded.
   */
  url(path: string, query = ""): URL {
    const url = new URL(this.#base);
    url.pathname = url.pathname.replace(/\/+$/, "") + path;
    url.search = [url.search.slice(1), query].filter(Boolean).join("&");
    return url;
  }

  /** The URL of an endpoint as it may be shown. */
  at(path: string): string {
    return defaultName(this.#base) + path;
  }

  holdsSecret(text: string): boolean {
    return this.#secrets.some((secret) => text.includes(secret));
  }

  /** A text from the node, or the beginning of it, on one line and without the node's credentials. */
  show(text: string, length: number): string {
    let plain = text;
    for (const secret of this.#secrets) {
      plain = plain.replaceAll(secret, "…");
    }
    // A secret that was cut off still shows its beginning.
    for (const secret of this.#secrets) {
      const kept = overlap(plain, secret);
      if (kept >= LEAST_SECRET_LENGTH) plain = `${plain.slice(0, -kept)}…`;
    }
    return printable(plain, length);
  }

  /** The headers for a request. The user's own `Accept` does not count. */
  headers(accept: string): Headers {
    const headers = new Headers(this.#headers);
    headers.set("accept", accept);
    return headers;
  }
}

function overlap(text: string, secret: string): number {
  let length = Math.min(text.length, secret.length - 1);
  while (length > 0 && !text.endsWith(secret.slice(0, length))) length--;
  return length;
}

function defaultName(base: URL): string {
  return base.origin + redactPath(base.pathname);
}

const EVENTS_SUFFIX = /\/eth\/v1\/events\/*$/;
/** Shorter ones are found in ordinary words. */
const LEAST_SECRET_LENGTH = 4;

function findSecrets(
  base: URL,
  headers: Headers,
  username: string,
  password: string,
): string[] {
  const found = [
    ...secretSegments(base.pathname),
    ...[...base.searchParams].map(([key, value]) => value === "" ? key : value),
    ...[...headers.values()].flatMap(headerSecrets),
    username,
    password,
  ];
  const written = found.flatMap((secret) => [
    secret,
    percentDecode(secret),
    encodeURIComponent(secret),
    JSON.stringify(secret).slice(1, -1),
  ]);
  return [...new Set(written)]
    .filter((secret) =>
      secret.length >= LEAST_SECRET_LENGTH && secret !== "Basic" &&
      secret !== "Bearer"
    )
    .sort((a, b) => b.length - a.length);
}

function headerSecrets(value: string): string[] {
  const encoded = /^Basic\s+(\S+)$/i.exec(value)?.[1];
  const userinfo = encoded === undefined ? "" : base64Decode(encoded);
  const [user = "", ...password] = userinfo.split(":");
  return [
    value,
    // In `name=value` the value is the secret.
    ...value.split(/[\s;,]+/).flatMap((
      part,
    ) => [part, part.replace(/^[^=]*=/, "")]),
    userinfo,
    user,
    password.join(":"),
  ];
}

function base64Decode(text: string): string {
  try {
    const bytes = Uint8Array.from(atob(text), (unit) => unit.charCodeAt(0));
    return new TextDecoder().decode(bytes);
  } catch {
    return "";
  }
}

function parseBase(url: unknown): URL {
  if (typeof url !== "string" && !(url instanceof URL)) {
    refuse("use node", "url", "a string or URL", url);
  }
  if (!URL.canParse(url)) {
    refuse("use node", "url", "an absolute URL", redactUrl(String(url)));
  }
  const base = new URL(url);
  if (base.protocol !== "http:" && base.protocol !== "https:") {
    throw new TypeError(
      `Cannot use node: url must begin with http: or https:, got ${
        shown(redactUrl(String(url)))
      }`,
    );
  }
  base.hash = "";
  if (EVENTS_SUFFIX.test(base.pathname)) {
    base.pathname = base.pathname.replace(EVENTS_SUFFIX, "");
    base.searchParams.delete("topics");
  }
  return base;
}

function parseHeaders(headers: BeaconNodeOptions["headers"]): Headers {
  try {
    return new Headers(headers);
  } catch {
    // The runtime's error is not kept: it may quote a value, which may be a secret.
    throw new TypeError(`Cannot use node: ${describeHeaders(headers)}`);
  }
}

/** The names of headers may be shown, their values not. */
function describeHeaders(headers: unknown): string {
  if (typeof headers !== "object" || headers === null) {
    return `headers must be an object, pairs or Headers, got a ${typeof headers}`;
  }
  const entries: unknown[] = Array.isArray(headers)
    ? headers
    : Object.entries(headers);
  for (const entry of entries) {
    if (!Array.isArray(entry) || entry.length !== 2) {
      return "headers must be pairs of name and value, got something else";
    }
    const [name, value] = entry;
    if (!isHeader(name, "")) {
      // If a whole line was given as the name, its end may be a secret.
      const start = /^[\w-]*/.exec(String(name))![0];
      return `headers must have names that HTTP allows, got ${
        shown(`${start}…`)
      }`;
    }
    if (!isHeader(name, value)) {
      return `headers must have values that HTTP allows, ${
        shown(name)
      } has another one`;
    }
  }
  return "headers must be an object, pairs or Headers, got something else";
}

function isHeader(name: string, value: string): boolean {
  try {
    return new Headers([[name, value]]) !== undefined;
  } catch {
    return false;
  }
}

function percentDecode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
