/** A client that sees TCP as it is: bytes, an end, a reset. */

/** A TCP connection with one GET request sent over it. */
export class RawClient implements Disposable {
  readonly #connection: Deno.TcpConn;
  readonly #decoder = new TextDecoder();
  /** What has arrived so far. */
  text = "";
  /** How it ended, if it did. */
  ending: "end" | "reset" | undefined;

  private constructor(connection: Deno.TcpConn) {
    this.#connection = connection;
  }

  /** Connects and sends the request. */
  static async get(url: string): Promise<RawClient> {
    const { hostname, port, pathname, search, host } = new URL(url);
    const client = new RawClient(
      await Deno.connect({ hostname, port: Number(port) }),
    );
    const request =
      `GET ${pathname}${search} HTTP/1.1\r\nhost: ${host}\r\n\r\n`;
    await client.#connection.write(new TextEncoder().encode(request));
    return client;
  }

  /** Reads once; false at the end. */
  async read(): Promise<boolean> {
    const buffer = new Uint8Array(65_536);
    try {
      const count = await this.#connection.read(buffer);
      if (count === null) this.ending = "end";
      else this.text += this.#decoder.decode(buffer.subarray(0, count));
    } catch (error) {
      if (!(error instanceof Deno.errors.ConnectionReset)) throw error;
      this.ending = "reset";
    }
    return this.ending === undefined;
  }

  /** Reads until a text has arrived. */
  async readUntil(text: string): Promise<void> {
    while (!this.text.includes(text) && await this.read());
  }

  /** Reads to the end; how it came. */
  async readAll(): Promise<"end" | "reset" | undefined> {
    while (await this.read());
    return this.ending;
  }

  /** Goes away. */
  [Symbol.dispose](): void {
    this.#connection.close();
  }
}
