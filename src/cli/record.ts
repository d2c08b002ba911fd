/** What `--record` writes: the events that were received, as a recording. */

import { type FileHandle, open, rename, stat } from "node:fs/promises";
import type { LogFunction } from "../listener/log.ts";
import type { SseListener } from "../listener/sse_listener.ts";
import {
  recordingHeader,
  recordingLine,
} from "../testing/recording/recording.ts";
import type { FeedArguments } from "./args.ts";
import { UsageError } from "./usage_error.ts";

/** How long no file is tried after one could not be written, in milliseconds. */
const RETRY_MS = 10_000;

/**
 * Records a listener's events until it ends. A file that is there already, or is full, is renamed. Where
 * a file cannot be written, the events of that time are missing in it and nothing else is.
 *
 * @param path The file; its name ends with `.gz` where it is to be compressed.
 * @returns What waits for the last write; it ends after the listener.
 * @throws {UsageError} If the file cannot be created.
 */
export async function record(
  listener: SseListener,
  path: string,
  { rotateBytes = Infinity, rotateMs = Infinity }: FeedArguments,
  log: LogFunction,
): Promise<AsyncDisposable> {
  const events = listener.events({ raw: true });
  let file: RecordingFile | undefined;
  try {
    file = await RecordingFile.create(path);
  } catch (error) {
    throw new UsageError(`--record cannot write: ${(error as Error).message}`);
  }
  const write = async () => {
    // Begins when the chain is known, as the first line has its configuration.
    await listener.ready.catch(() => {});
    let retryAt = 0;
    let missing = 0;
    for await (const event of events) {
      const now = Date.now();
      try {
        if (
          file !== undefined && file.size > 0 &&
          (file.size >= rotateBytes || now - file.createdAt >= rotateMs)
        ) {
          const full = file;
          file = undefined;
          await full.close();
        }
        if (file === undefined) {
          if (now < retryAt) {
            missing++;
            continue;
          }
          file = await RecordingFile.create(path);
        }
        if (file.size === 0) await file.write(recordingHeader(listener.config));
        await file.write(recordingLine(event));
      } catch (cause) {
        const error = cause as Error;
        missing++;
        retryAt = now + RETRY_MS;
        await file?.abandon();
        file = undefined;
        const message = `--record cannot write, ${missing} events are missing`;
        log({ level: "warn", message, error });
      }
    }
    try {
      await file?.close();
    } catch (error) {
      const message = "--record cannot end its file";
      log({ level: "warn", message, error: error as Error });
    }
    missing += events.dropped;
    if (missing > 0) {
      const message = `--record has missed ${missing} events`;
      log({ level: "warn", message });
    }
  };
  const written = write();
  return {
    async [Symbol.asyncDispose]() {
      await listener.close();
      await written;
    },
  };
}

/** A file that is being written. */
class RecordingFile {
  /** Unix time in milliseconds. */
  readonly createdAt: number = Date.now();
  /** Bytes so far, before compression. */
  size = 0;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array<ArrayBuffer>>;
  readonly #ended: Promise<void>;
  readonly #handle: FileHandle;
  readonly #encoder = new TextEncoder();

  static async create(path: string): Promise<RecordingFile> {
    await keep(path);
    return new RecordingFile(await open(path, "w"), path.endsWith(".gz"));
  }

  private constructor(handle: FileHandle, isCompressed: boolean) {
    this.#handle = handle;
    const sink = new WritableStream<Uint8Array<ArrayBuffer>>({
      write: (bytes) => handle.writeFile(bytes),
    });
    if (isCompressed) {
      const { readable, writable } = new CompressionStream("gzip");
      this.#ended = readable.pipeTo(sink);
      this.#writer = writable.getWriter() as WritableStreamDefaultWriter<
        Uint8Array<ArrayBuffer>
      >;
    } else {
      this.#writer = sink.getWriter();
      this.#ended = this.#writer.closed;
    }
    this.#ended.catch(() => {});
    this.#writer.closed.catch(() => {});
  }

  async write(line: string): Promise<void> {
    const bytes = this.#encoder.encode(line);
    this.size += bytes.length;
    await this.#writer.write(bytes);
  }

  async close(): Promise<void> {
    try {
      await this.#writer.close();
      await this.#ended;
    } finally {
      await this.#handle.close();
    }
  }

  /** Leaves the file as it is after an error. */
  async abandon(): Promise<void> {
    await this.#writer.abort().catch(() => {});
    await this.#ended.catch(() => {});
    await this.#handle.close().catch(() => {});
  }
}

/** Gives a file that is there the time of its last write in its name: `a.jsonl.gz`, `a.TIME.jsonl.gz`. */
async function keep(path: string): Promise<void> {
  const found = await stat(path).catch((error) => {
    if (error.code !== "ENOENT") throw error;
  });
  if (found === undefined || !found.isFile() || found.size === 0) return;
  const time = found.mtime.toISOString().replaceAll(":", "-");
  const [, folder, name, ending] = /^(.*[\\/])?([^\\/]+?)(\.[^\\/]*)?$/.exec(
    path,
  )!;
  for (let count = 0;; count++) {
    const number = count === 0 ? "" : `.${count}`;
    const kept = `${folder ?? ""}${name}.${time}${number}${ending ?? ""}`;
    if (await stat(kept).then(() => true, () => false)) continue;
    await rename(path, kept);
    return;
  }
}
