/** What a {@linkcode Watchdog} found missing. */
export type MissingProgress =
  /** No byte arrived. */
  | "idle"
  /** Bytes arrived, but no complete event or comment. */
  | "stalled";

/**
 * Watches one connection. `fetch` has no read timeout and TCP may keep a dead connection for hours,
 * so a timer of ours finds silence. It ticks once a second, or ten times a timeout where that is
 * more: activity costs a flag, and the timeout may change meanwhile.
 */
export class Watchdog implements Disposable {
  readonly #timeoutMs: () => number;
  readonly #onSilence: (missing: MissingProgress, timeoutMs: number) => void;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #sawBytes = false;
  #sawProgress = false;
  #msWithoutBytes = 0;
  #msWithoutProgress = 0;

  /**
   * Starts watching.
   *
   * @param timeoutMs How long silence may last, in milliseconds; read at each tick.
   * @param onSilence Called once, with what was missing and the timeout in force.
   */
  constructor(
    timeoutMs: () => number,
    onSilence: (missing: MissingProgress, timeoutMs: number) => void,
  ) {
    this.#timeoutMs = timeoutMs;
    this.#onSilence = onSilence;
    this.#schedule();
  }

  /** Bytes arrived. */
  sawBytes(): void {
    this.#sawBytes = true;
  }

  /** An event or a comment is complete. */
  sawProgress(): void {
    this.#sawProgress = true;
  }

  /** Stops watching. */
  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
  }

  #schedule(): void {
    const tickMs = Math.max(1, Math.min(this.#timeoutMs() / 10, MOST_TICK_MS));
    this.#timer = setTimeout(() => this.#tick(tickMs), tickMs);
  }

  #tick(tickMs: number): void {
    this.#msWithoutBytes = this.#sawBytes ? 0 : this.#msWithoutBytes + tickMs;
    this.#msWithoutProgress = this.#sawProgress
      ? 0
      : this.#msWithoutProgress + tickMs;
    this.#sawBytes = this.#sawProgress = false;
    const timeoutMs = this.#timeoutMs();
    if (this.#msWithoutBytes >= timeoutMs) this.#onSilence("idle", timeoutMs);
    else if (this.#msWithoutProgress >= timeoutMs) {
      this.#onSilence("stalled", timeoutMs);
    } else this.#schedule();
  }
}

const MOST_TICK_MS = 1000;
