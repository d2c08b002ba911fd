/** What goes wrong with the bytes of one connection on their way to the client, whatever carries them. */

import type { FaultHandle } from "../faults/active_fault.ts";
import type {
  BufferFault,
  CutFault,
  DripFault,
  HalfOpenFault,
  ResetFault,
  StallFault,
  WireFault,
  WireFaultPoint,
} from "../faults/wire_faults.ts";
import { pause, type SimulatedClock } from "../node/clock.ts";

/** The client's end of a connection. */
export interface WireEnd {
  /** Aborted when it is closed. */
  readonly closed: AbortSignal;
  /** Hands bytes to the client. */
  write(bytes: Uint8Array<ArrayBuffer>): Promise<void> | void;
  /** Resets it. */
  reset(): void;
  /** Ends it cleanly, after what was written. */
  end(): void;
}

/** A fault that waits for its point. */
interface WaitingFault {
  handle: FaultHandle<ResetFault | CutFault | HalfOpenFault | StallFault>;
  point: StrikePoint;
  /** Set once it strikes: settles when bytes may pass again. */
  over?: Promise<void>;
}

/** The faults on one connection. */
export class Wire {
  readonly #end: WireEnd;
  readonly #clock: SimulatedClock;
  /** They strike one after another. */
  readonly #waiting: WaitingFault[] = [];
  #drips: FaultHandle<DripFault>[] = [];
  #buffer: FaultHandle<BufferFault> | undefined;
  #held: Uint8Array<ArrayBuffer>[] = [];
  /** Settles when all bytes so far have passed. */
  #passing: Promise<void> = Promise.resolve();

  constructor(end: WireEnd, clock: SimulatedClock) {
    this.#end = end;
    this.#clock = clock;
  }

  /** Puts a fault on the connection, if it may strike once more. */
  apply(handle: FaultHandle<WireFault>): void {
    if (!handle.claim()) return;
    const { fault } = handle;
    switch (fault.type) {
      case "refuse":
      case "slam":
        handle.hit();
        return fault.type === "refuse" ? this.#end.reset() : this.#end.end();
      case "drip":
        handle.hit();
        this.#drips.push(handle as FaultHandle<DripFault>);
        return;
      case "buffer":
        handle.hit();
        this.#buffer = handle as FaultHandle<BufferFault>;
        handle.healed.addEventListener("abort", () => this.#release());
        return;
      default:
        this.#waiting.push({
          handle: handle as WaitingFault["handle"],
          point: new StrikePoint(fault),
        });
        this.#strike();
    }
  }

  /** Lets bytes pass, late or never where a fault is on. */
  pass(bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    if (!this.#buffer || this.#buffer.healed.aborted) return this.#send(bytes);
    this.#held.push(bytes);
    const held = this.#held.reduce((sum, { length }) => sum + length, 0);
    const { bytes: most = Infinity } = this.#buffer.fault;
    return held < most ? Promise.resolve() : this.#release();
  }

  /** Lets what is held back pass, as no more will come; never settles on a half-open connection. */
  async finish(): Promise<void> {
    await this.#release();
    await this.struck();
  }

  /** Strikes as often as it is due, and waits until bytes may pass. */
  async struck(): Promise<void> {
    while (this.#strike()) {
      await this.#waiting[0]!.over;
      this.#waiting.shift();
    }
  }

  #release(): Promise<void> {
    const held = this.#held;
    this.#held = [];
    for (const bytes of held) this.#send(bytes);
    return this.#passing;
  }

  #send(bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    this.#passing = this.#passing.then(() => this.#passAll(bytes));
    // A client that has left is seen by whoever waits for the bytes to pass.
    this.#passing.catch(() => {});
    return this.#passing;
  }

  async #passAll(bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    for (let rest = bytes; rest.length > 0;) {
      await this.struck();
      if (this.#end.closed.aborted) return;
      const drip = this.#drip();
      const most = drip ? drip.fault.bytes ?? 1 : rest.length;
      const next = rest.subarray(0, most);
      const passing = this.#waiting[0]?.point.pass(next) ?? next.length;
      if (passing > 0) await this.#end.write(rest.subarray(0, passing));
      rest = rest.subarray(passing);
      if (drip) await this.#pause(drip.fault.intervalMs ?? 1, drip.healed);
    }
    this.#strike();
  }

  /** Lets the first waiting fault strike if its point is reached; true if it does. */
  #strike(): boolean {
    while (this.#waiting[0] && isHealed(this.#waiting[0])) {
      this.#waiting.shift();
    }
    const [first] = this.#waiting;
    if (!first?.point.isReached) return false;
    if (!first.over) {
      first.over = this.#happen(first.handle);
      first.handle.hit();
    }
    return true;
  }

  #happen({ fault, healed }: WaitingFault["handle"]): Promise<void> {
    if (fault.type === "stall") {
      return this.#pause(fault.ms ?? Infinity, healed);
    }
    if (fault.type === "reset") this.#end.reset();
    if (fault.type === "cut") this.#end.end();
    return pause(this.#clock, Infinity, this.#end.closed);
  }

  /** Waits so long, but not longer than the client and the fault are there. */
  async #pause(ms: number, healed: AbortSignal): Promise<void> {
    if (ms === 0) return;
    const signal = AbortSignal.any([healed, this.#end.closed]);
    await pause(this.#clock, ms, signal);
  }

  /** The newest drip. */
  #drip(): FaultHandle<DripFault> | undefined {
    if (this.#drips.length === 0) return undefined;
    this.#drips = this.#drips.filter(({ healed }) => !healed.aborted);
    return this.#drips.at(-1);
  }
}

/** A fault that is healed does not strike any more; a dead connection stays dead. */
function isHealed({ handle, over }: WaitingFault): boolean {
  return handle.healed.aborted && over === undefined;
}

/** The line that a fault may have to wait for, and how much of it passes. */
const LINE_START = new TextEncoder().encode("data:");
const BYTES_INTO_LINE = 4;

/** Follows the bytes of one connection up to the point where a fault strikes. */
export class StrikePoint {
  #bytesLeft: number;
  #isSearching: boolean;
  #matched = 0;

  constructor(
    { afterBytes = 0, inMidLine = false }: Omit<WireFaultPoint, "type">,
  ) {
    this.#bytesLeft = afterBytes;
    this.#isSearching = inMidLine;
  }

  /** Whether the next byte must not pass. */
  get isReached(): boolean {
    return this.#bytesLeft === 0 && !this.#isSearching;
  }

  /** Lets as many of the bytes pass as may, and returns how many. */
  pass(bytes: Uint8Array): number {
    let passed = 0;
    while (passed < bytes.length && !this.isReached) {
      if (this.#bytesLeft > 0) {
        const step = Math.min(this.#bytesLeft, bytes.length - passed);
        passed += step;
        this.#bytesLeft -= step;
      } else {
        this.#search(bytes[passed]!);
        passed++;
      }
    }
    return passed;
  }

  /** Looks for the line, which may come in several chunks. */
  #search(byte: number): void {
    const isNext = byte === LINE_START[this.#matched];
    this.#matched = isNext ? this.#matched + 1 : byte === LINE_START[0] ? 1 : 0;
    if (this.#matched === LINE_START.length) {
      this.#isSearching = false;
      this.#bytesLeft = BYTES_INTO_LINE;
    }
  }
}
