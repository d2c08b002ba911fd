/** What a {@linkcode Watchdog} barks at. */
export type Silence =
  /** No byte arrived. */
  | "idle"
  /** Bytes arrived, but no complete event or comment. */
  | "stalled";

/**
 * Watches one connection. `fetch` has no read timeout and TCP may keep a dead connection for hours,
 * so silence is told by a timer of ours. It ticks ten times a timeout: activity costs a flag, and
 * silence is told at most a tenth late.
 */
export class Watchdog implements Disposable {
  readonly #timeoutMs: () => number;
  readonly #onSilence: (silence: Silence, timeoutMs: number) => void;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #sawBytes = false;
  #sawProgress = false;
  #ticksWithoutBytes = 0;
  #ticksWithoutProgress = 0;

  /**
   * Starts watching.
   *
   * @param timeoutMs How long silence may last, in milliseconds; asked at each tick.
   * @param onSilence Called once, with what was missing and the timeout in force.
   */
  constructor(
    timeoutMs: () => number,
    onSilence: (silence: Silence, timeoutMs: number) => void,
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
    this.#timer = setTimeout(
      () => this.#tick(),
      Math.max(1, this.#timeoutMs() / TICKS),
    );
  }

  #tick(): void {
    this.#ticksWithoutBytes = this.#sawBytes ? 0 : this.#ticksWithoutBytes + 1;
    this.#ticksWithoutProgress = this.#sawProgress
      ? 0
      : this.#ticksWithoutProgress + 1;
    this.#sawBytes = this.#sawProgress = false;
    if (this.#ticksWithoutBytes >= TICKS) {
      this.#onSilence("idle", this.#timeoutMs());
    } else if (this.#ticksWithoutProgress >= TICKS) {
      this.#onSilence("stalled", this.#timeoutMs());
    } else this.#schedule();
  }
}

const TICKS = 10;
