/**
 * The `fetch` for one node. In Deno it can be moved to new connections: `fetch` alone goes on using a
 * dead HTTP/2 connection for a quarter of an hour, and dead ones of HTTP/1.1 one after the other.
 * This is the only file that uses what is not a web standard, where the runtime has it.
 */

export interface NodeFetch {
  readonly fetch: typeof fetch;
  /**
   * Makes later requests use new connections, where the runtime can and the user gave no `fetch`.
   * Responses that are under way go on.
   */
  renew(): void;
  close(): void;
}

export function createNodeFetch(injected?: typeof fetch): NodeFetch {
  const createClient = (globalThis as DenoRuntime).Deno?.createHttpClient;
  // Called as a function, since a browser's fetch must not be called as a method of an object.
  const base = injected ?? ((input, init) => globalThis.fetch(input, init));
  if (injected !== undefined || createClient === undefined) {
    return { fetch: base, renew() {}, close() {} };
  }
  let client: HttpClient | undefined;
  return {
    fetch: (input, init) =>
      base(
        input,
        client === undefined ? init : Object.assign({}, init, { client }),
      ),
    renew() {
      client?.close();
      client = createClient({});
    },
    close() {
      client?.close();
      client = undefined;
    },
  };
}

interface HttpClient {
  close(): void;
}

interface DenoRuntime {
  Deno?: { createHttpClient?(options: Record<string, never>): HttpClient };
}
