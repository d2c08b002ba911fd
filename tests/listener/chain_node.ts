/** A beacon node on loopback with headers, whose stream a test writes to as it goes. */

import { Feed, frame, root, ScriptedNode } from "./scripted_node.ts";

/** A block of the node's chain; its root shows `block`. */
export interface Block {
  slot: number;
  block?: number;
  parent?: number;
}

/** What a test lets the node do. */
export interface ChainNodeOptions {
  /** Whether headers are answered by slot. */
  bySlot?: boolean;
  /** Answers in place of the node; `undefined` leaves it to the node. */
  other?: (
    path: string,
  ) => Response | Promise<Response> | undefined;
}

/** Has the headers that a test gives it, and sends what a test sends. */
export class ChainNode implements AsyncDisposable {
  /** Paths of the requests for headers and finality, in order. */
  readonly requested: string[] = [];
  /** The finalized checkpoint: its epoch, and the number that its root shows. */
  finalized: { epoch: number; block: number } | undefined;
  readonly #node: ScriptedNode;
  readonly #headers = new Map<string, unknown>();
  readonly #stream = new Feed();
  #opened = Promise.withResolvers<void>();

  constructor({ bySlot = false, other }: ChainNodeOptions = {}) {
    this.#node = new ScriptedNode({
      events: () => this.#open(),
      other: (_request, path) => {
        const id = path.split("/headers/")[1];
        const isFinality = path.endsWith("/finality_checkpoints");
        if (id === undefined && !isFinality) return other?.(path);
        this.requested.push(id ?? "finality");
        return other?.(path) ??
          (isFinality ? this.#finality() : this.#header(id!, bySlot));
      },
    });
  }

  get url(): string {
    return this.#node.url;
  }

  /** Gives the node a header; without `parent`, of the block one slot before. */
  add(...blocks: Block[]): this {
    for (const { slot, block = slot, parent = block - 1 } of blocks) {
      const message = {
        slot: `${slot}`,
        parent_root: root(parent),
        state_root: root(block + 1_000_000),
      };
      this.#headers.set(root(block), {
        data: { root: root(block), canonical: true, header: { message } },
      });
      this.head(block);
    }
    return this;
  }

  /** Makes a block its head, without a report. */
  head(block: number): void {
    this.#headers.set("head", this.#headers.get(root(block)));
  }

  /** Forgets a block. */
  forget(block: number): void {
    this.#headers.delete(root(block));
  }

  /** Sends events on the stream, once it is open. */
  async send(...events: [topic: string, data: unknown][]): Promise<void> {
    await this.#opened.promise;
    this.#stream.send(
      events.map(([topic, data]) => frame(topic, data)).join(""),
    );
  }

  /** Ends the stream; what is sent from now on waits for the next one. */
  drop(): void {
    this.#opened = Promise.withResolvers();
    this.#stream.end();
  }

  /** Resolves when a stream is open. */
  connected(): Promise<void> {
    return this.#opened.promise;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#node[Symbol.asyncDispose]();
  }

  #open(): Response {
    this.#opened.resolve();
    return this.#stream.open();
  }

  #header(id: string, bySlot: boolean): Response {
    const header = this.#headers.get(id) ??
      (bySlot && /^\d+$/.test(id)
        ? this.#headers.get(root(Number(id)))
        : undefined);
    return header === undefined
      ? Response.json({ code: 404, message: "not found" }, { status: 404 })
      : Response.json(header);
  }

  #finality(): Response {
    if (this.finalized === undefined) {
      return Response.json({ code: 404, message: "none" }, { status: 404 });
    }
    const { epoch, block } = this.finalized;
    return Response.json({
      data: { finalized: { epoch: `${epoch}`, root: root(block) } },
    });
  }
}
