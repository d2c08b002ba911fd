/** Draws the current slot as a line of time, a row for each node, a mark for each arrival. */

import { formatMs, html, svg } from "./dom.ts";
import type { PageModel } from "./model.ts";

/**
 * Draws a slot into `box` of a width.
 *
 * @param elapsedMs Time in the slot.
 * @param motion How its hand goes on: not at all, once a second, or smoothly.
 */
export function drawSlotLine(
  box: HTMLElement,
  model: PageModel,
  slot: number,
  boxWidth: number,
  elapsedMs: number,
  motion: "none" | "steps" | "smooth",
): void {
  const clock = model.clock!;
  const races = model.racesOf(slot);
  const names = model.nodes.map(({ name }) => name);
  const arrivals = model.arrivalsOf(slot);
  const rowHeight = 26;
  const width = Math.max(280, boxWidth);
  const left = Math.min(150, Math.max(84, width * 0.2));
  const right = 12;
  const top = 30;
  const height = top + (names.length + 1) * rowHeight + 8;
  const x = (ms: number) =>
    left +
    (width - left - right) *
      Math.max(0, Math.min(1, ms / clock.slotDurationMs));
  const drawing = svg("svg", {
    viewBox: `0 0 ${width} ${height}`,
    width,
    height,
    role: "img",
    "aria-label": describeSlot(model, slot),
  });
  const seconds = clock.slotDurationMs / 1000;
  const step = seconds > 6
    ? (width < 500 ? 4 : 2)
    : seconds > 2
    ? 1
    : seconds / 4;
  for (let second = 0; second <= seconds + 1e-9; second += step) {
    const at = x(second * 1000);
    drawing.append(
      svg("line", { x1: at, x2: at, y1: top - 6, y2: height, class: "tick" }),
      svg(
        "text",
        { x: at, y: 12, class: "axis", "text-anchor": "middle" },
        `${+second.toFixed(2)} s`,
      ),
    );
  }
  for (
    const [ms, label] of [[clock.attestationDueMs, "attest"], [
      clock.aggregateDueMs,
      "aggregate",
    ]] as const
  ) {
    drawing.append(
      svg("line", {
        x1: x(ms),
        x2: x(ms),
        y1: 16,
        y2: height,
        class: "deadline",
      }),
      svg("text", { x: x(ms) + 3, y: 24, class: "deadline-label" }, label),
    );
  }
  // Until all nodes have reported, the stream shows the first of them.
  for (const { topic, ms } of arrivals) {
    drawing.append(
      arrivalMark(
        topic,
        x(ms),
        top + rowHeight / 2,
        `${topic} at ${formatMs(ms)}, first of all nodes`,
      ),
    );
  }
  drawing.append(
    svg(
      "text",
      { x: 0, y: top + rowHeight / 2 + 4, class: "row-label" },
      "first",
    ),
  );
  names.forEach((name, index) => {
    const y = top + (index + 1) * rowHeight + rowHeight / 2;
    const label = svg(
      "text",
      { x: 0, y: y + 4, class: "row-label" },
      fit(name, left - 8),
    );
    label.append(svg("title", {}, name));
    drawing.append(
      svg("line", { x1: left, x2: width - right, y1: y, y2: y, class: "lane" }),
      label,
    );
    for (const race of races) {
      const lag = race.lags[name];
      if (lag === undefined) continue;
      const ms = race.firstAt + lag - model.startOf(slot);
      drawing.append(
        arrivalMark(
          race.topic,
          x(ms),
          y,
          `${race.topic} at ${formatMs(ms)}, ${formatMs(lag)} behind the first`,
        ),
      );
    }
  });
  const key = [slot, width, motion].join();
  const old = box.querySelector<HTMLElement>(".hand");
  if (motion !== "none" && old?.dataset.key === key) {
    box.firstElementChild!.replaceWith(drawing);
    return;
  }
  const hand = html("div", { class: "hand", "data-key": key });
  box.replaceChildren(drawing, hand);
  // By the browser, which needs no program for each frame.
  const move = hand.animate(
    [left, width - right].map((at) => ({ transform: `translateX(${at}px)` })),
    {
      duration: clock.slotDurationMs,
      fill: "both",
      easing: motion === "steps" ? `steps(${Math.ceil(seconds)})` : "linear",
    },
  );
  move.currentTime = Math.max(0, elapsedMs);
  if (motion === "none") move.pause();
}

/** A circle for gossip, a square for the block, a filled circle for the head: shape, not colour alone. */
export function arrivalMark(
  topic: string,
  x: number,
  y: number,
  title: string,
): SVGElement {
  const mark = topic === "block_gossip"
    ? svg("circle", { cx: x, cy: y, r: 5, class: "mark gossip" })
    : topic === "block"
    ? svg("rect", {
      x: x - 4,
      y: y - 4,
      width: 8,
      height: 8,
      class: "mark block",
    })
    : svg("circle", { cx: x, cy: y, r: 4, class: "mark head" });
  mark.append(svg("title", {}, title));
  return mark;
}

/** The slot in words, for whoever cannot see the drawing. */
export function describeSlot(model: PageModel, slot: number): string {
  const heads = model.racesOf(slot).filter(({ topic }) => topic === "head");
  const parts = heads.flatMap(({ lags, firstAt }) =>
    Object.entries(lags).map(([name, lag]) =>
      `${name} at ${formatMs(firstAt + lag - model.startOf(slot))}`
    )
  );
  return `Slot ${slot}: ${
    parts.length === 0 ? "no head yet" : `head from ${parts.join(", ")}`
  }`;
}

/** A name that fits a width, its end kept, as names differ there. */
export function fit(name: string, width: number): string {
  const most = Math.max(4, Math.floor(width / 7));
  return name.length <= most ? name : `…${name.slice(1 - most)}`;
}

/** The table of arrivals of one slot, for its details. */
export function arrivalTable(model: PageModel, slot: number): HTMLElement {
  const body = html("tbody");
  for (const race of model.racesOf(slot)) {
    for (const { name } of model.nodes) {
      const lag = race.lags[name];
      const isMissing = race.missing.includes(name);
      if (lag === undefined && !isMissing) continue;
      body.append(html(
        "tr",
        {},
        html("td", {}, race.topic),
        html("td", {}, name),
        html(
          "td",
          { class: "number" },
          lag === undefined
            ? "missing"
            : formatMs(race.firstAt + lag - model.startOf(slot)),
        ),
        html(
          "td",
          { class: "number" },
          lag === undefined ? "–" : lag === 0 ? "first" : `+${formatMs(lag)}`,
        ),
      ));
    }
  }
  const heading = html("tr");
  for (const text of ["topic", "node", "in the slot", "behind"]) {
    heading.append(html("th", { scope: "col" }, text));
  }
  return html("table", {}, html("thead", {}, heading), body);
}
