/** A source of text whose pulls a test counts. */

/** A stream and how often it was pulled. */
export interface CountingSource {
  /** The chunks, one a pull. */
  stream: ReadableStream<string>;
  /** How many chunks were pulled so far. */
  pulled: () => number;
}

/** Many more chunks than any queue holds; not endless, so that a test that fails also ends. */
export const MANY_CHUNKS = 5000;

/** Serves the same chunk {@linkcode MANY_CHUNKS} times. */
export function countingSource(chunk: string): CountingSource {
  let pulled = 0;
  const stream = new ReadableStream<string>({
    pull(controller) {
      pulled++;
      controller.enqueue(chunk);
      if (pulled === MANY_CHUNKS) controller.close();
    },
  });
  return { stream, pulled: () => pulled };
}

/** A sink that holds its first write back until it is released, and counts what it received. */
export class StuckSink<T> extends WritableStream<T> {
  readonly #release: () => void;
  readonly #received: T[];

  /** Resolves when the first write has begun. */
  readonly stuck: Promise<void>;

  constructor() {
    const stuck = Promise.withResolvers<void>();
    const released = Promise.withResolvers<void>();
    const received: T[] = [];
    super({
      async write(value) {
        received.push(value);
        stuck.resolve();
        await released.promise;
      },
    });
    this.stuck = stuck.promise;
    this.#release = released.resolve;
    this.#received = received;
  }

  /** What was written so far. */
  get received(): readonly T[] {
    return this.#received;
  }

  /** Lets this and all later writes through. */
  release(): void {
    this.#release();
  }
}

/** Resolves when all that streams can do without input from outside is done. */
export async function settled(): Promise<void> {
  // Streams move by promise jobs alone, all of which run before the next macrotask.
  await new Promise((resolve) => setTimeout(resolve));
}
