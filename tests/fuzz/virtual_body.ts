/** The body of an answer, of which is known what became of it. */

/** Where a body is in its life. */
export type BodyState =
  /** Somebody has still to read or cancel it. */
  | "open"
  /** It ended, and was read to that end where it is a small one. */
  | "ended"
  /** It broke. */
  | "broken"
  /** The reader cancelled it, or aborted the request. */
  | "left";

/** Options for {@linkcode VirtualBody}. */
export interface VirtualBodyOptions {
  /** Gives a chunk when the reader wants one; `undefined` ends the body. Without it, the owner writes. */
  pull?: () => Uint8Array<ArrayBuffer> | undefined;
  /** Called when the reader is gone. */
  onLeft?: () => void;
}

/** A body in the hands of the code under test. */
export class VirtualBody {
  /** What the answer is made of. */
  readonly stream: ReadableStream<Uint8Array<ArrayBuffer>>;
  /** Bytes that were handed over. */
  handed = 0;
  /** The same, piece by piece. */
  readonly pieces: Uint8Array<ArrayBuffer>[] = [];
  /** Where it is in its life. */
  state: BodyState = "open";
  readonly #onLeft: (() => void) | undefined;
  #controller!: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>>;

  /** @param options Where its bytes come from. */
  constructor({ pull, onLeft }: VirtualBodyOptions) {
    this.#onLeft = onLeft;
    const source: UnderlyingDefaultSource<Uint8Array<ArrayBuffer>> = {
      start: (controller) => {
        this.#controller = controller;
      },
      cancel: () => this.#leave(),
    };
    if (pull !== undefined) {
      source.pull = () => {
        const chunk = pull();
        if (chunk === undefined) this.end();
        else this.write(chunk);
      };
    }
    this.stream = new ReadableStream(source, {
      highWaterMark: pull === undefined ? 1 : 0,
    });
  }

  /** Hands a chunk over. */
  write(chunk: Uint8Array<ArrayBuffer>): void {
    this.handed += chunk.length;
    this.pieces.push(chunk);
    this.#controller.enqueue(chunk);
  }

  /** Ends it; what was handed over is still to be read. */
  end(): void {
    if (this.state !== "open") return;
    this.state = "ended";
    this.#controller.close();
  }

  /** Breaks it; what was handed over and not read yet is lost. */
  break(error: unknown): void {
    if (this.state !== "open") return;
    this.state = "broken";
    this.#controller.error(error);
  }

  /** The request was aborted. */
  abort(reason: unknown): void {
    if (this.state !== "open") return;
    this.#leave();
    this.#controller.error(reason);
  }

  #leave(): void {
    if (this.state !== "open") return;
    this.state = "left";
    this.#onLeft?.();
  }
}
