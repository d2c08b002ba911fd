/** Draws the list of changes and the raw tail. */

import { drawChanged, html } from "./dom.ts";
import type { ChangeView, PageEvent, PageModel } from "./model.ts";

/** Draws the latest changes among the first `count` events, into `box`. */
export function drawChanges(
  box: HTMLElement,
  model: PageModel,
  count: number,
): void {
  const changes = model.changes(count).slice(0, 40);
  const none = "No reorg, gap or change of duties in the ring.";
  drawChanged(
    box,
    changes,
    () =>
      changes.length === 0
        ? [html("li", { class: "empty" }, none)]
        : changes.map(changeItem),
  );
}

/** One line of the list of changes. */
export function changeItem({ kind, text, id }: ChangeView): HTMLElement {
  const glyph = { reorg: "↺", duties: "⇄", gap: "▢", finalized: "✓" }[kind];
  return html(
    "li",
    { class: kind, "data-id": id },
    html("span", { "aria-hidden": "true", class: "glyph" }, glyph),
    html("span", { class: "kind" }, kind),
    " ",
    text,
  );
}

/** Draws the last events of a topic, or of all, among the first `count`, into `box`. */
export function drawTail(
  box: HTMLElement,
  model: PageModel,
  topic: string,
  count: number,
): void {
  const shown: PageEvent[] = [];
  for (
    let index = Math.min(count, model.events.length) - 1;
    index >= 0 && shown.length < 50;
    index--
  ) {
    const event = model.events[index]!;
    if (topic === "" || event.topic === topic) shown.push(event);
  }
  const known = new Map(
    [...box.children].map((row) => [(row as HTMLElement).dataset.key, row]),
  );
  // Rows stay, so that a selection or a focus in one is not lost when the next event comes.
  box.replaceChildren(
    ...shown.map((event) => known.get(event.key) ?? tailRow(event)),
  );
}

/** One line of the raw tail. */
export function tailRow({ key, topic, raw, at }: PageEvent): HTMLElement {
  return html(
    "li",
    { "data-key": key, "data-topic": topic },
    html("time", {}, new Date(at).toISOString().slice(11, 23)),
    " ",
    html("b", {}, topic),
    " ",
    html("code", {}, raw.length > 2000 ? `${raw.slice(0, 2000)}…` : raw),
  );
}
