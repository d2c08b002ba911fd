/**
 * Acknowledged publishing, bounded in flight and in order. A client library forgets what was in
 * flight when a server is lost, or waits for its timeout; here the whole window is sent again from the
 * first message without an acknowledgement, and the server drops by id what it has stored already.
 */

/** A message. */
export interface Message {
  /** Its subject. */
  subject: string;
  /** What makes it this message and no other. */
  id: string;
  /** Its headers. */
  headers: Record<string, string>;
  /** Its body. */
  body: string;
}

/** What became of a message that was sent. */
export type Outcome =
  /** The server stored it. */
  | "stored"
  /** The server had stored it already. */
  | "duplicate"
  /** The server will not store it, and why. */
  | { refused: string };

/** Sends one message and waits for the server's answer. Throws where there was none. */
export type Send = (message: Message) => Promise<Outcome>;

/** Options for {@linkcode PublishWindow}. */
export interface PublishWindowOptions {
  /** Sends one message. */
  send: Send;
  /** The most messages without an acknowledgement. */
  inFlight: number;
  /** Called with the outcome of each message, once, in any order. */
  onOutcome: (message: Message, outcome: Outcome) => void;
  /** How long to wait before the window is sent again after a failure, in milliseconds. */
  retryMs?: number;
}

interface Entry {
  readonly message: Message;
  isDone: boolean;
}

/** Publishes messages in order, again and again until each has an outcome. */
export class PublishWindow {
  readonly #options: Required<PublishWindowOptions>;
  #window: Entry[] = [];
  /** Grows with each sending of the window, so that a late failure of an earlier one is ignored. */
  #round = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #room: (() => void)[] = [];
  #isClosed = false;

  /** @param options How to send, and how much at a time. */
  constructor(options: PublishWindowOptions) {
    this.#options = { retryMs: 500, ...options };
  }

  /** How many messages have no outcome yet. */
  get pending(): number {
    return this.#window.reduce((sum, { isDone }) => sum + (isDone ? 0 : 1), 0);
  }

  /**
   * Publishes a message. Resolves when there is room for the next one.
   *
   * @throws The signal's reason, when it aborts before.
   */
  async publish(message: Message, signal?: AbortSignal): Promise<void> {
    if (this.#isClosed) throw new Error("Cannot publish: the sink is closed");
    const entry = { message, isDone: false };
    this.#window.push(entry);
    // While the window waits to be sent again, a later message must not overtake it.
    if (this.#timer === undefined) this.#send(entry, this.#round);
    await this.#untilBelow(this.#options.inFlight, signal);
  }

  /** Resolves when every message has an outcome. */
  flush(signal?: AbortSignal): Promise<void> {
    return this.#untilBelow(1, signal);
  }

  /** Sends all messages without an outcome again, in order: the connection is a new one. */
  resend(): void {
    if (this.#isClosed) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const round = ++this.#round;
    for (const entry of [...this.#window]) {
      if (!entry.isDone) this.#send(entry, round);
    }
  }

  /** Stops sending. Returns the messages without an outcome. */
  close(): Message[] {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    const left = this.#window.filter(({ isDone }) => !isDone);
    this.#window = [];
    this.#wake();
    return left.map(({ message }) => message);
  }

  async #untilBelow(count: number, signal?: AbortSignal): Promise<void> {
    const wake = () => this.#wake();
    signal?.addEventListener("abort", wake, { once: true });
    while (this.#window.length >= count && !this.#isClosed) {
      signal?.throwIfAborted();
      await new Promise<void>((resolve) => this.#room.push(resolve));
    }
    signal?.removeEventListener("abort", wake);
  }

  #send(entry: Entry, round: number): void {
    this.#options.send(entry.message).then(
      (outcome) => this.#settle(entry, outcome),
      () => {
        if (entry.isDone || round !== this.#round || this.#isClosed) return;
        this.#round++;
        this.#timer = setTimeout(() => this.resend(), this.#options.retryMs);
      },
    );
  }

  #settle(entry: Entry, outcome: Outcome): void {
    if (entry.isDone || this.#isClosed) return;
    entry.isDone = true;
    while (this.#window[0]?.isDone) this.#window.shift();
    this.#options.onOutcome(entry.message, outcome);
    this.#wake();
  }

  #wake(): void {
    const waiting = this.#room;
    this.#room = [];
    for (const resolve of waiting) resolve();
  }
}
