/**
 * The way to one node. In Deno it can be laid over new connections: `fetch` alone goes on using a
 * dead HTTP/2 connection for a quarter of an hour, and the dead ones of HTTP/1.1 one after the other.
 * This is the only file that uses what is not a web standard, where it is there.
 */

export interface NodeFetch {
  readonly fetch: typeof fetch;
  /**
   * Makes the requests from now on use new connections; for a node that gave no answer. Responses
   * that are under way go on. It does nothing where the runtime cannot do it, or where the user's
   * own `fetch` is used.
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
  // Until the first failure the runtime's own client is used.
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
