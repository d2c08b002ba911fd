/** How far a named reader has come, kept in JetStream so that it goes on there from any machine. */

import {
  DiscardPolicy,
  type JetStreamClient,
  type JetStreamManager,
  RetentionPolicy,
  StorageType,
} from "@nats-io/jetstream";
import { delay } from "@std/async/delay";

/** Options for {@linkcode ReaderPosition}. */
export interface ReaderPositionOptions {
  /** Publishes. */
  client: JetStreamClient;
  /** Makes the stream of all positions. */
  manager: JetStreamManager;
  /** Name of the stream that is read. */
  stream: string;
  /** Name of the reader. */
  name: string;
  /** Ends the attempts to store it when aborted. */
  signal: AbortSignal;
}

/**
 * The last message of a subject of its own: the sequence, and when the stream was made, because a stream
 * that is made again counts from 1.
 */
export class ReaderPosition {
  readonly #options: ReaderPositionOptions;
  readonly #subject: string;
  #created = "";
  #written = "";
  #wanted = "";
  #writing: Promise<void> | undefined;

  /** @param options Whose position, and where it is kept. */
  constructor(options: ReaderPositionOptions) {
    this.#options = options;
    this.#subject = `beacon-position.${options.stream}.${options.name}`;
  }

  /** The sequence that was taken last, and of which stream; `undefined` for a new reader. */
  async read(): Promise<{ seq: number; created: string } | undefined> {
    const { manager, stream, signal } = this.#options;
    const name = `${stream}_POSITIONS`;
    await manager.streams.add({
      name,
      description: "How far each named reader of beacon events has come",
      subjects: [`beacon-position.${stream}.>`],
      retention: RetentionPolicy.Limits,
      storage: StorageType.File,
      discard: DiscardPolicy.Old,
      max_msgs_per_subject: 1,
    }).catch(() => manager.streams.info(name));
    signal.throwIfAborted();
    const message = await manager.streams.getMessage(name, {
      last_by_subj: this.#subject,
    });
    if (message === null) return undefined;
    const [seq, created = ""] = message.string().split(" ");
    return { seq: Number(seq), created };
  }

  /** Takes the sequences from now on as those of a stream, by when it was made. */
  follow(created: string): void {
    this.#created = created;
  }

  /** Stores a sequence; of several in a row the last is enough. */
  write(sequence: number): void {
    this.#wanted = `${sequence} ${this.#created}`;
    this.#writing ??= this.#write().finally(() => this.#writing = undefined);
  }

  /** Resolves when what was taken is stored, or the reader is closed. */
  async flush(): Promise<void> {
    await this.#writing;
  }

  async #write(): Promise<void> {
    const { client, signal } = this.#options;
    while (this.#written !== this.#wanted) {
      const position = this.#wanted;
      try {
        await client.publish(this.#subject, position, { timeout: ACK_MS });
        this.#written = position;
      } catch {
        if (signal.aborted) return;
        await delay(RETRY_MS, { signal }).catch(() => {});
      }
    }
  }
}

/** What was in flight when the server was lost is not waited for longer. */
const ACK_MS = 1000;
const RETRY_MS = 250;
