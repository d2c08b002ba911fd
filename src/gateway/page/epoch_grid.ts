/** Draws the slots of the last epochs as a grid of buttons. */

import { drawChanged, formatMs, html } from "./dom.ts";
import type { PageModel, SlotView } from "./model.ts";

/** Draws the epochs up to the one of `time`, a row each, into `box`. The selected slot is marked. */
export function drawEpochGrid(
  box: HTMLElement,
  model: PageModel,
  options: {
    count: number;
    time: number;
    epochs: number;
    selected: number | undefined;
  },
): void {
  const { slotsPerEpoch } = model.clock!;
  const epoch = Math.floor(model.slotAt(options.time) / slotsPerEpoch);
  const from = Math.max(0, epoch - options.epochs + 1) * slotsPerEpoch;
  const views = model.slots(
    from,
    (epoch + 1) * slotsPerEpoch - 1,
    options.count,
    options.time,
  );
  const { attestationDueMs: dueMs } = model.clock!;
  const entry = options.selected ?? model.slotAt(options.time);
  box.classList.toggle("long", slotsPerEpoch > 8);
  const focused = (document.activeElement as HTMLElement | null)?.dataset.slot;
  drawChanged(
    box,
    [views, options.selected, entry],
    () =>
      epochRows(views, slotsPerEpoch, (view) =>
        slotCell(view, {
          dueMs,
          isSelected: view.slot === options.selected,
          isEntry: view.slot === entry,
        })),
  );
  if (focused !== undefined && document.activeElement === document.body) {
    box.querySelector<HTMLElement>(`[data-slot="${focused}"]`)?.focus({
      preventScroll: true,
    });
  }
}

/** A row for each epoch, with a cell for each slot. */
export function epochRows(
  views: readonly SlotView[],
  slotsPerEpoch: number,
  cellOf: (view: SlotView) => HTMLElement,
): HTMLElement[] {
  const rows: HTMLElement[] = [];
  for (let start = 0; start < views.length; start += slotsPerEpoch) {
    const row = html("div", { class: "epoch", role: "row" });
    const rowEpoch = views[start]!.slot / slotsPerEpoch;
    row.append(
      html(
        "span",
        { class: "epoch-label", role: "rowheader" },
        `epoch ${rowEpoch}`,
      ),
    );
    const cells = html("div", { class: "cells", role: "presentation" });
    cells.append(...views.slice(start, start + slotsPerEpoch).map(cellOf));
    row.append(cells);
    rows.push(row);
  }
  return rows;
}

/** A button for one slot. */
export function slotCell(
  view: SlotView,
  { dueMs, isSelected, isEntry }: {
    dueMs: number;
    isSelected: boolean;
    isEntry: boolean;
  },
): HTMLElement {
  const { slot, kind, delayMs } = view;
  const words = {
    future: "not yet",
    waiting: "no block yet",
    unknown: "before this page's time",
    missed: "missed",
    early: delayMs === undefined ? "has a block" : "in time",
    late: "late",
    reorged: "left by a reorg",
  }[kind];
  const glyph = {
    future: "",
    waiting: "…",
    unknown: "",
    missed: "×",
    early: "",
    late: "!",
    reorged: "↺",
  }[kind];
  const label = `Slot ${slot}: ${words}${
    delayMs === undefined ? "" : `, ${formatMs(delayMs)}`
  }`;
  const cell = html("button", {
    type: "button",
    role: "gridcell",
    class: `slot ${kind}`,
    "data-slot": slot,
    "data-kind": kind,
    title: label,
    "aria-label": label,
    "aria-selected": isSelected ? "true" : "false",
    tabindex: isEntry ? 0 : -1,
  }, glyph);
  if (kind === "early" && delayMs !== undefined) {
    cell.classList.add(
      delayMs < 0.4 * dueMs
        ? "fast"
        : delayMs < 0.75 * dueMs
        ? "middle"
        : "slow",
    );
  }
  return cell;
}

/** Moves the focus within the grid by the arrow keys. Returns whether the key was one of them. */
export function moveInGrid(
  box: HTMLElement,
  key: string,
  slotsPerEpoch: number,
): boolean {
  const by = {
    ArrowLeft: -1,
    ArrowRight: 1,
    ArrowUp: -slotsPerEpoch,
    ArrowDown: slotsPerEpoch,
  }[key];
  const slot = Number(
    (document.activeElement as HTMLElement | null)?.dataset?.slot ?? NaN,
  );
  if (by === undefined || Number.isNaN(slot)) return false;
  const next = box.querySelector<HTMLElement>(`[data-slot="${slot + by}"]`);
  if (next === null) return true;
  for (const cell of box.querySelectorAll<HTMLElement>("[data-slot]")) {
    cell.tabIndex = -1;
  }
  next.tabIndex = 0;
  next.focus();
  return true;
}
