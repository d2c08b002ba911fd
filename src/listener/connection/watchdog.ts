/** What a {@linkcode Watchdog} finds. */
export type StreamFault =
  /** No byte arrived. */
  | "idle"
  /** Bytes arrived, but no complete event or comment. */
  | "stalled"
  /** This machine slept: connections may be dead, and silence means nothing. */
  | "slept";

interface WatchdogOptions {
  /** How long silence may last, in milliseconds; read at each tick. */
  timeoutMs: () => number;
  isPaused?: () => boolean;
  /** Called once, with what was found and the timeout in force. */
  onFault: (fault: StreamFault, timeoutMs: number) => void;
  now: () => number;
}

/**
 * `fetch` has no read timeout, and TCP may keep a dead connection for hours. It ticks once a
 * second, or ten times a timeout where that is more: activity costs a flag, and the timeout may
 * change meanwhile.
 */
export class Watchdog implements Disposable {
  readonly #options: WatchdogOptions;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #sawBytes = false;
  #sawProgress = false;
  #msWithoutBytes = 0;
  #msWithoutProgress = 0;

  constructor(options: WatchdogOptions) {
    this.#options = options;
    this.#schedule();
  }

  sawBytes(): void {
    this.#sawBytes = true;
  }

  /** An event or a comment is complete. */
  sawProgress(): void {
    this.#sawProgress = true;
  }

  /** For how long nothing has been complete, in milliseconds, as far as the last tick. */
  get silentMs(): number {
    return this.#sawProgress ? 0 : this.#msWithoutProgress;
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
  }

  #schedule(): void {
    const { timeoutMs, now } = this.#options;
    const tickMs = Math.max(1, Math.min(timeoutMs() / 10, MOST_TICK_MS));
    const dueAt = now() + tickMs;
    const dueByTimer = performance.now() + tickMs;
    this.#timer = setTimeout(() => {
      // A machine that sleeps may stop the one clock and not the other.
      const lateMs = Math.max(now() - dueAt, performance.now() - dueByTimer);
      this.#tick(tickMs, lateMs);
    }, tickMs);
  }

  #tick(tickMs: number, lateMs: number): void {
    const { timeoutMs, isPaused, onFault } = this.#options;
    const limitMs = timeoutMs();
    if (lateMs > SLEPT_MS) return onFault("slept", limitMs);
    const isQuiet = !isPaused?.();
    this.#msWithoutBytes = isQuiet && !this.#sawBytes
      ? this.#msWithoutBytes + tickMs
      : 0;
    this.#msWithoutProgress = isQuiet && !this.#sawProgress
      ? this.#msWithoutProgress + tickMs
      : 0;
    this.#sawBytes = this.#sawProgress = false;
    if (this.#msWithoutBytes >= limitMs) onFault("idle", limitMs);
    else if (this.#msWithoutProgress >= limitMs) onFault("stalled", limitMs);
    else this.#schedule();
  }
}

const MOST_TICK_MS = 1000;
/** No busy process is this late for a timer. */
const SLEPT_MS = 15_000;
