/** Draws a card for each node: its state, and how far behind the first it is. */

import { formatMs, html, svg } from "./dom.ts";
import type { LagView, PageModel, PageNode } from "./model.ts";

/** Draws all nodes into `box`. */
export function drawNodeCards(
  box: HTMLElement,
  model: PageModel,
  time: number,
): void {
  box.replaceChildren(
    ...model.nodes.map((node) => nodeCard(node, model, time)),
  );
}

/** The card of one node. */
export function nodeCard(
  node: PageNode,
  model: PageModel,
  time: number,
): HTMLElement {
  const lag = model.lag(node.name);
  const glyph = {
    connected: "●",
    connecting: "◌",
    disconnected: "○",
    wrong_chain: "⊗",
    closed: "·",
  }[node.state] ?? "?";
  const facts = html("dl");
  const add = (term: string, value: string, title?: string) => {
    facts.append(
      html("div", {}, html("dt", {}, term), html("dd", { title }, value)),
    );
  };
  add("head", String(node.headSlot ?? "–"));
  add(
    "last event",
    typeof node.lastEventAt !== "number"
      ? "–"
      : `${formatMs(Math.max(0, time - node.lastEventAt))} ago`,
  );
  add("behind p50 / p95", `${formatMs(lag.p50)} / ${formatMs(lag.p95)}`);
  add(
    "first",
    lag.firstShare === undefined
      ? "–"
      : `${Math.round(lag.firstShare * 100)} %`,
  );
  add("round trip", formatMs(node.rttMs ?? undefined));
  add("reconnects", String(node.reconnects));
  add("gaps", String(node.gaps));
  add("topics", String(node.topics.length), node.topics.join(", "));
  const isBroken = node.state !== "connected" && !!node.lastError;
  const card = html(
    "article",
    { class: `node ${node.state}`, "data-node": node.name },
    html(
      "h3",
      {},
      html("span", { class: "state", "aria-hidden": "true" }, glyph),
      html("span", { class: "name", title: node.name }, node.name),
      html("span", { class: "state-word" }, node.state.replace("_", " ")),
    ),
    isBroken
      ? html(
        "p",
        { class: "client error", title: node.lastError! },
        node.lastError!.replace(/^Cannot \w+ \S+: /, ""),
      )
      : html("p", { class: "client" }, node.client ?? "client unknown"),
    facts,
    lagCurve(lag, node.name),
  );
  if (node.missingTopics.length > 0) {
    card.append(
      html("p", { class: "note" }, `refuses ${node.missingTopics.join(", ")}`),
    );
  }
  return card;
}

/** The share of heads that came within a lag, from 0 to the largest deadline of the scale. */
export function lagCurve(
  { sorted, p50, p95 }: LagView,
  name: string,
): HTMLElement {
  const width = 100;
  const height = 100;
  const most = 4000;
  const x = (ms: number) => (Math.log10(1 + ms) / Math.log10(1 + most)) * width;
  const drawing = svg("svg", {
    viewBox: `0 0 ${width} ${height}`,
    preserveAspectRatio: "none",
    class: "curve",
    role: "img",
    "aria-label": `Lag of ${name} behind the first: median ${
      formatMs(p50)
    }, 95th percentile ${formatMs(p95)}`,
  });
  // Beside the drawing, which is stretched.
  const scale = html("p", { class: "scale", "aria-hidden": "true" });
  for (const ms of [1, 10, 100, 1000]) {
    drawing.append(
      svg("line", { x1: x(ms), x2: x(ms), y1: 0, y2: height, class: "tick" }),
    );
    const label = html("span", {}, ms < 1000 ? `${ms} ms` : "1 s");
    label.style.left = `${x(ms)}%`;
    scale.append(label);
  }
  let path = `M0 ${height}`;
  sorted.forEach((lag, index) => {
    path += ` H${x(Math.min(lag, most)).toFixed(1)} V${
      (height - ((index + 1) / sorted.length) * height).toFixed(1)
    }`;
  });
  if (sorted.length > 0) {
    drawing.append(svg("path", { d: `${path} H${width}`, class: "cdf" }));
  }
  return html("div", {}, drawing, scale);
}
