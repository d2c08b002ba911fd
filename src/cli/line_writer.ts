/** Lines on their way to stdout or stderr: in order, many per write, with a bound on what waits. */

import type { Output } from "./host.ts";

/** Text that may wait, in UTF-16 code units, before {@linkcode LineWriter} is full. */
const HIGH_WATER_MARK = 8 * 1024 * 1024;

/** Text that one write may hold, a single longer line aside. */
const MAX_BATCH = 256 * 1024;

/** Writes lines to a byte sink; what arrives during one write goes out with the next. */
export class LineWriter {
  readonly #sink: Pick<Output, "write">;
  readonly #encoder = new TextEncoder();
  readonly #failure = new AbortController();
  #waiting: string[] = [];
  #size = 0;
  #writing: Promise<void> | undefined;

  constructor(sink: Pick<Output, "write">) {
    this.#sink = sink;
  }

  /** Aborted when the sink takes no more; its reason is the sink's error. */
  get failed(): AbortSignal {
    return this.#failure.signal;
  }

  /** Whether the sink was closed by its reader, as by `| head -1`. */
  get isClosedPipe(): boolean {
    return this.failed.reason?.code === "EPIPE";
  }

  /** Whether so much waits that further lines should wait for {@linkcode LineWriter.flush}. */
  get isFull(): boolean {
    return this.#size >= HIGH_WATER_MARK;
  }

  /** Takes a line, without its line feed. Does nothing once the sink has failed. */
  push(line: string): void {
    if (this.failed.aborted) return;
    this.#waiting.push(line);
    this.#size += line.length + 1;
    this.#writing ??= this.#writeAll();
  }

  /** Resolves when nothing waits: all is written, or the sink has failed. */
  async flush(): Promise<void> {
    await this.#writing;
  }

  async #writeAll(): Promise<void> {
    try {
      while (this.#waiting.length > 0) {
        let bytes = this.#encoder.encode(this.#takeBatch());
        while (bytes.length > 0) {
          bytes = bytes.subarray(await this.#sink.write(bytes));
        }
      }
    } catch (error) {
      this.#waiting = [];
      this.#size = 0;
      this.#failure.abort(error);
    } finally {
      this.#writing = undefined;
    }
  }

  #takeBatch(): string {
    let size = 0;
    let count = 0;
    for (const line of this.#waiting) {
      if (count > 0 && size + line.length > MAX_BATCH) break;
      size += line.length + 1;
      count += 1;
    }
    this.#size -= size;
    return `${this.#waiting.splice(0, count).join("\n")}\n`;
  }
}
