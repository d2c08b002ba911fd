/** Who may read: a token, and how many readers at a time. */

import { type Answer, apiError, type GatewayRequest } from "./answer.ts";

/** Checks the token of requests. */
export class TokenCheck {
  readonly #token: string;
  #expected: Promise<Uint8Array> | undefined;

  /** @param token The token that every request must carry. */
  constructor(token: string) {
    this.#token = token;
  }

  /** Returns the refusal; `undefined` where the request carries the token. */
  async refusal({ headers }: GatewayRequest): Promise<Answer | undefined> {
    const given = tokenOf(headers.get("authorization") ?? "");
    if (given !== undefined) {
      this.#expected ??= sha256(this.#token);
      const [expected, actual] = [await this.#expected, await sha256(given)];
      // All bytes are compared, so that the time does not show how many are right.
      let difference = 0;
      for (const [i, byte] of expected.entries()) {
        difference |= byte ^ actual[i]!;
      }
      if (difference === 0) return undefined;
    }
    return apiError(401, "Unauthorized: a token is required", {
      "www-authenticate": 'Basic realm="beacon-sse"',
    });
  }
}

/** The token of `Bearer T`, or of `Basic` with T as password, which browsers and URLs can carry. */
function tokenOf(authorization: string): string | undefined {
  const [, scheme, value] = /^(bearer|basic) +(\S{1,1024})$/i.exec(
    authorization,
  ) ?? [];
  if (scheme === undefined || value === undefined) return undefined;
  if (scheme.toLowerCase() === "bearer") return value;
  try {
    const userinfo = atob(value);
    return userinfo.slice(userinfo.indexOf(":") + 1);
  } catch {
    return undefined;
  }
}

async function sha256(text: string): Promise<Uint8Array> {
  const bytes = new TextEncoder().encode(text);
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
}

/** Bounds of {@linkcode ReaderLimits}. */
export interface ReaderLimitsOptions {
  /** The most readers at a time. */
  maxReaders: number;
  /** The most readers of one address; those of this machine are not counted, as proxies are there. */
  maxReadersPerAddress: number;
}

/** Counts readers. */
export class ReaderLimits {
  readonly #options: ReaderLimitsOptions;
  readonly #byAddress = new Map<string, number>();
  #all = 0;

  /** @param options The bounds. */
  constructor(options: ReaderLimitsOptions) {
    this.#options = options;
  }

  /** Admits a reader; returns what to call when it is gone, or the refusal. */
  admit(address: string | undefined): (() => void) | Answer {
    const { maxReaders, maxReadersPerAddress } = this.#options;
    if (this.#all >= maxReaders) return tooMany(`${maxReaders} readers`);
    const counted = address === undefined || isLoopback(address)
      ? undefined
      : networkOf(address);
    if (counted !== undefined) {
      const mine = this.#byAddress.get(counted) ?? 0;
      if (mine >= maxReadersPerAddress) {
        return tooMany(`${maxReadersPerAddress} readers of one address`);
      }
      this.#byAddress.set(counted, mine + 1);
    }
    this.#all++;
    return () => {
      this.#all--;
      if (counted === undefined) return;
      const mine = this.#byAddress.get(counted)! - 1;
      if (mine === 0) this.#byAddress.delete(counted);
      else this.#byAddress.set(counted, mine);
    };
  }
}

function tooMany(what: string): Answer {
  return apiError(503, `Too many readers: at most ${what} at a time`, {
    "retry-after": "10",
  });
}

/** An IPv4 address, or the network of an IPv6 address: a host may have all addresses of its /64. */
function networkOf(address: string): string {
  const [, v4] = /^::ffff:([\d.]+)$/i.exec(address) ?? [];
  if (v4 !== undefined || !address.includes(":")) return v4 ?? address;
  const [before, after] = address.split("::")
    .map((part) => part === "" ? [] : part.split(":")) as [string[], string[]?];
  const zeros = after === undefined ? 0 : 8 - before.length - after.length;
  return [...before, ...Array(zeros).fill("0"), ...after ?? []].slice(0, 4)
    .join(":");
}

function isLoopback(address: string): boolean {
  return /^(::ffff:)?127\.|^::1$/.test(address);
}
