/** Events for people: one aligned line per event, reorgs in bold. */

import type { BeaconEvent } from "../beacon/events/beacon_event.ts";
import type { SlotClock } from "../beacon/slot_clock.ts";
import { printable } from "../values/shown.ts";
import { describeEvent } from "./describe_event.ts";

/** Options of {@linkcode PrettyPrinter}. */
export interface PrettyPrinterOptions {
  /** Whether to colour the lines. */
  color: boolean;
  /** Names of the nodes; a column of their own where there are several. */
  nodes: readonly string[];
  /** Topics listened to; the longest sets the width of its column. */
  topics: readonly string[];
}

const RED = "31";
const GREEN = "32";
const YELLOW = "33";
const DIM = "2";
const ALARM = "1;31";
const NOTICE = "1;36";

/** Formats events as aligned lines. */
export class PrettyPrinter {
  readonly #color: boolean;
  readonly #nodeWidth: number;
  readonly #topicWidth: number;

  /** @param options What the columns have to hold, and whether colours are wanted. */
  constructor({ color, nodes, topics }: PrettyPrinterOptions) {
    this.#color = color;
    this.#nodeWidth = nodes.length > 1 ? longest(nodes) : 0;
    this.#topicWidth = longest(topics);
  }

  /**
   * Formats one event: time of arrival (UTC), slot, epoch and slot in it, delay, topic, node, and
   * what it says. Nothing in the payload can leave its line or reach the terminal as a command.
   *
   * @param event The event.
   * @param clock The slot clock, once it is known.
   * @param delay Seconds from the start of the event's slot to its arrival.
   */
  format(
    event: BeaconEvent,
    clock: SlotClock | undefined,
    delay: number | undefined,
  ): string {
    const columns = [
      this.#paint(DIM, formatTime(event.receivedAt)),
      `${event.slot ?? ""}`.padStart(8),
      this.#paint(DIM, formatEpoch(event.slot, clock).padEnd(9)),
      this.#delay(event, clock, delay),
      printable(event.topic, Infinity).padEnd(this.#topicWidth),
    ];
    if (this.#nodeWidth > 0) {
      columns.push(printable(event.node, Infinity).padEnd(this.#nodeWidth));
    }
    const text = printable(describeEvent(event, clock), Infinity);
    columns.push(event.recovered === true ? `${text} (recovered)` : text);
    const line = columns.join("  ").trimEnd();
    if (!this.#color) return line;
    if (event.topic === "chain_reorg") return paintWhole(ALARM, line);
    return event.topic === "finalized_checkpoint"
      ? paintWhole(NOTICE, line)
      : line;
  }

  #delay(
    event: BeaconEvent,
    clock: SlotClock | undefined,
    delay: number | undefined,
  ): string {
    if (
      delay === undefined || clock === undefined || event.slot === undefined
    ) return " ".repeat(8);
    const text = `${delay < 0 ? "" : "+"}${delay.toFixed(3)}s`.padStart(8);
    const due = clock.attestationDueMs(event.slot);
    const ms = delay * 1000;
    return this.#paint(
      ms < 0 || ms >= 2 * due ? RED : ms < due ? GREEN : YELLOW,
      text,
    );
  }

  #paint(code: string, text: string): string {
    return this.#color ? `\x1b[${code}m${text}\x1b[0m` : text;
  }
}

/** Colours a line that holds colours already: the whole gets one. */
function paintWhole(code: string, line: string): string {
  // deno-lint-ignore no-control-regex -- colours are made of them
  return `\x1b[${code}m${line.replace(/\x1b\[[\d;]*m/g, "")}\x1b[0m`;
}

/** The time of day in UTC, as `12:34:56.789`. */
export function formatTime(milliseconds: number): string {
  return new Date(milliseconds).toISOString().slice(11, 23);
}

function formatEpoch(
  slot: number | undefined,
  clock: SlotClock | undefined,
): string {
  if (slot === undefined || clock === undefined) return "";
  const epoch = clock.epochOf(slot);
  return `${epoch}:${`${slot - epoch * clock.slotsPerEpoch}`.padStart(2, "0")}`;
}

function longest(texts: readonly string[]): number {
  return texts.reduce((width, text) => Math.max(width, text.length), 0);
}
