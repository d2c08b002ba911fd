/** Events for people: aligned columns that fit the terminal, below a header. */

import { styleText } from "node:util";
import type { BeaconEvent } from "../beacon/events/beacon_event.ts";
import type { SlotClock } from "../beacon/slot_clock.ts";
import { printable } from "../values/shown.ts";
import { describeEvent } from "./describe_event.ts";

export interface PrettyPrinterOptions {
  color: boolean;
  /** Columns of the terminal, read with every event; `Infinity` for a file. */
  width: () => number;
  /** Names of the nodes; a column of their own where there are several. */
  nodes: readonly string[];
  /** Topics listened to; the longest sets the width of its column. */
  topics: readonly string[];
}

type Style = Parameters<typeof styleText>[0];
type Cell = "time" | "slot" | "epoch" | "delay" | "topic" | "node" | "text";

/** Widths of some columns, and the gap between all, from the widest layout on. */
const LAYOUTS = [
  { time: 12, epoch: 9, delay: 7, gap: "  " }, // 12:34:56.789  437885+31
  { time: 12, epoch: 6, delay: 7, gap: "  " }, // 12:34:56.789  437885
  { time: 12, epoch: 0, delay: 7, gap: "  " },
  { time: 8, epoch: 0, delay: 7, gap: " " }, // 12:34:56
  { time: 0, epoch: 0, delay: 7, gap: " " },
  { time: 0, epoch: 0, delay: 0, gap: " " },
];

/** Room for what an event reports, at least; with less the next narrower layout is taken. */
const MIN_TEXT = "depth 2, epoch 437885".length;

export class PrettyPrinter {
  readonly #options: PrettyPrinterOptions;
  #width = 0;
  #layout = LAYOUTS[0]!;
  #widths: Record<Cell, number> | undefined;

  constructor(options: PrettyPrinterOptions) {
    this.#options = options;
  }

  /**
   * Formats one event: time of arrival (UTC), slot, epoch and slot in it, seconds since the start of
   * the slot, topic, node, and what it reports. Nothing in the payload can leave its line or reach
   * the terminal as a command.
   *
   * @param clock The slot clock, once it is known.
   * @param delay Seconds from the start of the event's slot to its arrival.
   * @returns The line, below a header where it is the first one, or of another width.
   */
  format(
    event: BeaconEvent,
    clock: SlotClock | undefined,
    delay: number | undefined,
  ): string[] {
    const width = this.#options.width();
    const isNew = width !== this.#width;
    if (isNew) this.#chooseLayout(width);
    const { slot, topic, node, receivedAt } = event;
    const cells = {
      time: formatTime(receivedAt),
      slot: `${slot ?? ""}`,
      epoch: this.#epoch(slot, clock),
      delay: delay === undefined ? "" : formatDelay(delay),
      topic: printable(topic, Infinity),
      node: printable(node, Infinity),
      text: fitPieces(
        describeEvent(event, clock).map((text) => printable(text, Infinity)),
        this.#widths!.text,
      ),
    };
    const line = topic === "chain_reorg"
      ? this.#paint(["bold", "red"], this.#row(cells))
      : topic === "finalized_checkpoint"
      ? this.#paint(["bold", "cyan"], this.#row(cells))
      : this.#row(cells, {
        time: "dim",
        epoch: "dim",
        delay: delayStyle(delay ?? 0, clock?.attestationDueMs(slot ?? 0) ?? 0),
      });
    return isNew ? [this.#header(), line] : [line];
  }

  #chooseLayout(width: number): void {
    this.#width = width;
    const { nodes, topics } = this.#options;
    const longest = (texts: readonly string[], most: number) =>
      Math.min(Math.max(...texts.map(({ length }) => length)), most);
    for (const layout of LAYOUTS) {
      const widths = {
        time: layout.time,
        slot: 8,
        epoch: layout.epoch,
        delay: layout.delay,
        topic: longest(topics, Math.max(12, Math.floor(width / 4))),
        node: nodes.length < 2 ? 0 : longest(nodes, Math.floor(width / 6)),
      };
      const used = Object.values(widths).reduce(
        (sum, width) => width === 0 ? sum : sum + width + layout.gap.length,
        0,
      );
      this.#layout = layout;
      this.#widths = { ...widths, text: width - used };
      if (width - used >= MIN_TEXT) return;
    }
  }

  #header(): string {
    return this.#paint(
      "dim",
      this.#row({
        time: this.#layout.time > 8 ? "TIME (UTC)" : "UTC",
        slot: "SLOT",
        epoch: "EPOCH",
        delay: "DELAY",
        topic: "TOPIC",
        node: "NODE",
        text: fitPieces(["EVENT"], this.#widths!.text),
      }),
    );
  }

  #row(
    cells: Record<Cell, string>,
    styles: Partial<Record<Cell, Style>> = {},
  ): string {
    const columns = Object.entries(this.#widths!) as [Cell, number][];
    return columns.filter(([, width]) => width > 0).map(([cell, width]) => {
      let text = cells[cell];
      if (cell === "time") text = text.slice(0, width).padEnd(width);
      else if (cell === "topic" || cell === "node") {
        text = fitEnd(text, width).padEnd(width);
      } else if (cell !== "text") text = text.padStart(width);
      const style = styles[cell];
      return style === undefined ? text : this.#paint(style, text);
    }).join(this.#layout.gap).trimEnd();
  }

  #epoch(slot: number | undefined, clock: SlotClock | undefined): string {
    if (slot === undefined || clock === undefined) return "";
    const epoch = clock.epochOf(slot);
    if (this.#layout.epoch < 9) return `${epoch}`;
    return `${epoch}+${
      `${slot - epoch * clock.slotsPerEpoch}`.padStart(2, "0")
    }`;
  }

  #paint(style: Style, text: string): string {
    return this.#options.color
      ? styleText(style, text, { validateStream: false })
      : text;
  }
}

/** The time of day in UTC, as `12:34:56.789`. */
export function formatTime(milliseconds: number): string {
  return new Date(milliseconds).toISOString().slice(11, 23);
}

function formatDelay(seconds: number): string {
  const digits = Math.abs(seconds) < 100 ? 3 : 0;
  return `${seconds < 0 ? "" : "+"}${seconds.toFixed(digits)}`;
}

function delayStyle(seconds: number, dueMs: number): Style {
  const ms = seconds * 1000;
  if (ms < 0 || ms >= 2 * dueMs) return "red";
  return ms < dueMs ? "green" : "yellow";
}

/** As many pieces as fit, with commas between them; the first one is cut where it does not fit. */
function fitPieces(pieces: readonly string[], width: number): string {
  let [text = ""] = pieces;
  if (text.length > width) return fitStart(text, width);
  for (const piece of pieces.slice(1)) {
    if (text.length + 2 + piece.length > width) break;
    text += `, ${piece}`;
  }
  return text;
}

/** The beginning of a text, up to the end of a word. */
export function fitStart(text: string, width: number): string {
  if (text.length <= width) return text;
  const cut = /^.*[\s,;:]/s.exec(text.slice(0, Math.max(0, width - 1)))?.[0];
  return width < 1 ? "" : `${cut?.trimEnd() ?? ""}…`;
}

/** The end of a text, from the beginning of a word: names of nodes differ in their last part. */
function fitEnd(text: string, width: number): string {
  if (text.length <= width) return text;
  const end = text.slice(text.length - width + 1);
  return `…${end.slice(Math.max(0, end.search(/[^a-z0-9]/i)))}`;
}
