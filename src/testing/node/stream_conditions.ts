/** The lasting faults of one event stream: what they let through, and in which form. */

import type { FaultHandle } from "../faults/active_fault.ts";
import type { FaultOf } from "../faults/fault.ts";
import type {
  DropFault,
  DuplicateFault,
  MalformedFault,
  PayloadFormFault,
  SilenceFault,
  UnaskedFault,
  WireFormFault,
} from "../faults/stream_faults.ts";
import type { DripFault } from "../faults/wire_faults.ts";
import { pause, type SimulatedClock } from "./clock.ts";
import {
  encodeMessage,
  type EventFrame,
  type EventMessage,
  malformedPayload,
  otherForm,
  unaskedEvent,
} from "./stream_frames.ts";

/** A fault that stays with a stream. */
export type StreamCondition =
  | WireFormFault
  | PayloadFormFault
  | DripFault
  | SilenceFault
  | DuplicateFault
  | UnaskedFault
  | DropFault
  | MalformedFault;

/** Stands between the frames of a connection and its bytes; does nothing before a fault is put on. */
export class StreamConditions {
  readonly #clock: SimulatedClock;
  readonly #gone = new AbortController();
  #handles: FaultHandle<StreamCondition>[] = [];
  #drop: { handle: FaultHandle<DropFault>; lost: number } | undefined;
  #dropped = 0;
  #malformed = 0;
  #unasked = 0;

  constructor(clock: SimulatedClock) {
    this.#clock = clock;
  }

  /** Whether there is any fault. */
  get isOn(): boolean {
    return this.#handles.length > 0;
  }

  /** How many events were dropped, which a comment reports. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Whether keep-alive comments are held back. */
  get isMute(): boolean {
    const silence = this.#find("silence");
    return silence !== undefined && !silence.fault.comments;
  }

  /** Puts a fault on the stream, until it is healed. */
  add(handle: FaultHandle<StreamCondition>): void {
    this.#handles.push(handle);
  }

  /** What is to be queued instead of a frame. */
  filter(frame: EventFrame): EventFrame[] {
    const silence = this.#find("silence");
    if (silence) {
      return silence.fault.comments && isComment(frame) ? [frame] : [];
    }
    if (!isEvent(frame)) return [frame];
    const event = this.#find("payload-form")
      ? { ...frame, data: otherForm(frame.data!) }
      : frame;
    const frames = this.#dropSome(event);
    if (this.#find("duplicate")) frames.push(...frames.filter(isEvent));
    if (this.#find("unasked")) {
      frames.push(
        unaskedEvent(this.#unasked++, this.#clock.now()),
      );
    }
    return frames;
  }

  /** The bytes of a frame, in the pieces in which they are to be sent. */
  *shape(frame: EventFrame): Generator<Uint8Array<ArrayBuffer>> {
    if (frame instanceof Uint8Array) {
      yield* this.#dripped(frame);
    } else if (Symbol.iterator in frame) {
      for (const bytes of frame) yield* this.#dripped(bytes);
    } else {
      yield* this.#encoded(frame);
      if (isEvent(frame)) yield* this.#malformedAfter(frame);
    }
    this.#forgetHealed();
  }

  /** Waits until the next piece may be sent. */
  async pace(): Promise<void> {
    const drip = this.#find("drip");
    const { intervalMs = 1 } = drip?.fault ?? {};
    if (!drip || intervalMs === 0) return;
    const signal = AbortSignal.any([drip.healed, this.#gone.signal]);
    await pause(this.#clock, intervalMs, signal);
  }

  /** Ends waiting, as the client has left. */
  end(): void {
    this.#gone.abort();
  }

  /** The newest fault of a type. */
  #find<T extends StreamCondition["type"]>(
    type: T,
  ): FaultHandle<FaultOf<StreamCondition, T>> | undefined {
    const found: unknown = this.#handles.findLast(({ fault, healed }) =>
      fault.type === type && !healed.aborted
    );
    return found as FaultHandle<FaultOf<StreamCondition, T>> | undefined;
  }

  #forgetHealed(): void {
    this.#handles = this.#handles.filter((handle) =>
      !handle.healed.aborted || handle === this.#drop?.handle
    );
  }

  /** The event, or nothing, or the comment about those before it that were dropped. */
  #dropSome(event: EventMessage): EventFrame[] {
    const frames: EventFrame[] = [];
    if (this.#drop?.handle.healed.aborted) {
      frames.push(this.#endDrop(this.#drop));
    }
    const handle = this.#drop?.handle ?? this.#find("drop");
    if (!handle) return [...frames, event];
    const drop = this.#drop ??= { handle, lost: 0 };
    drop.lost++;
    this.#dropped++;
    if (drop.lost === handle.fault.events) frames.push(this.#endDrop(drop));
    return frames;
  }

  #endDrop(
    { handle, lost }: { handle: FaultHandle<DropFault>; lost: number },
  ): EventMessage {
    this.#handles = this.#handles.filter((other) => other !== handle);
    this.#drop = undefined;
    return { comment: `error - dropped ${lost} messages` };
  }

  *#malformedAfter(
    { event, data }: EventMessage,
  ): Generator<Uint8Array<ArrayBuffer>> {
    const handle = this.#find("malformed");
    if (event === undefined || data === undefined || !handle?.strike()) return;
    const { payloads } = handle.fault;
    const n = this.#malformed++;
    const payload = payloads
      ? payloads[n % payloads.length]!
      : malformedPayload(n, data);
    yield* this.#encoded({ event, data: payload });
  }

  #encoded(message: EventMessage): Generator<Uint8Array<ArrayBuffer>> {
    return this.#dripped(
      encodeMessage(message, this.#find("wire-form")?.fault),
    );
  }

  *#dripped(
    bytes: Uint8Array<ArrayBuffer>,
  ): Generator<Uint8Array<ArrayBuffer>> {
    for (let from = 0; from < bytes.length;) {
      const drip = this.#find("drip");
      const to = drip ? from + (drip.fault.bytes ?? 1) : bytes.length;
      yield bytes.subarray(from, to);
      from = to;
    }
  }
}

function isEvent(frame: EventFrame): frame is EventMessage {
  return "data" in frame && frame.data !== undefined;
}

function isComment(frame: EventFrame): boolean {
  return "comment" in frame && !isEvent(frame);
}
