/** Draws the blocks of the last slots as a tree, with the nodes at their heads. */

import { drawChanged, html, svg } from "./dom.ts";
import { type BlockView, type PageModel, shortRoot } from "./model.ts";

/** Draws the last `slots` slots as they were after the first `count` events, into `box` of a width. */
export function drawBranchTree(
  box: HTMLElement,
  model: PageModel,
  slots: number,
  count: number,
  boxWidth: number,
): void {
  const blocks = model.branches(slots, count);
  drawChanged(
    box,
    [blocks, boxWidth],
    () =>
      blocks.length === 0
        ? [html("p", { class: "empty" }, "No head was received yet.")]
        : branchTree(blocks, slots, boxWidth),
  );
}

/** The tree of at least one block, and the heads of the nodes. */
export function branchTree(
  blocks: readonly BlockView[],
  slots: number,
  boxWidth: number,
): HTMLElement[] {
  const last = blocks.at(-1)!.slot;
  const step = Math.max(
    16,
    Math.min(30, boxWidth / (slots + 1)),
  );
  const lanes = 1 + Math.max(...blocks.map(({ lane }) => lane));
  const height = 30 + lanes * 26;
  const width = step * (slots + 1);
  const x = (slot: number) => width - (last - slot + 1) * step;
  const y = (lane: number) => 14 + lane * 26;
  const forks = lanes === 1 ? "one branch" : `${lanes} branches`;
  const drawing = svg("svg", {
    viewBox: `0 0 ${width} ${height}`,
    width,
    height,
    role: "img",
    "aria-label": `The last ${slots} slots: ${forks}, head at slot ${last}`,
  });
  const places = new Map(blocks.map((block) => [block.root, block]));
  for (const block of blocks) {
    const parent = block.parent === undefined
      ? undefined
      : places.get(block.parent);
    if (parent !== undefined) {
      drawing.append(svg("path", {
        d: `M${x(parent.slot)} ${y(parent.lane)} L${x(block.slot)} ${
          y(block.lane)
        }`,
        class: block.lane === 0 ? "edge" : "edge side",
      }));
    }
  }
  for (const block of blocks) {
    drawing.append(blockMark(block, x(block.slot), y(block.lane)));
  }
  for (let slot = last - (last % 8); slot > last - slots + 1; slot -= 8) {
    drawing.append(
      svg("text", {
        x: x(slot),
        y: height - 4,
        class: "axis",
        "text-anchor": "middle",
      }, String(slot)),
    );
  }
  const heads = html("ul", { class: "heads" });
  for (const { root, slot, lane, nodes } of blocks) {
    if (nodes.length === 0) continue;
    heads.append(
      html(
        "li",
        {},
        `${nodes.join(", ")}: slot ${slot}, ${shortRoot(root)}${
          lane === 0 ? "" : " (another branch)"
        }`,
      ),
    );
  }
  const frame = html("div", {
    class: "scroll",
    tabindex: 0,
    role: "group",
    "aria-label": "Tree of branches",
  }, drawing);
  return [frame, heads];
}

/** The mark of one block. */
export function blockMark(
  { root, slot, lane, nodes }: BlockView,
  x: number,
  y: number,
): SVGElement {
  const mark = lane === 0
    ? svg("circle", {
      cx: x,
      cy: y,
      r: nodes.length > 0 ? 6 : 4,
      class: "node-dot",
    })
    : svg("path", {
      d: `M${x} ${y - 6} L${x + 6} ${y} L${x} ${y + 6} L${x - 6} ${y} Z`,
      class: "node-dot side",
    });
  mark.append(
    svg(
      "title",
      {},
      `Slot ${slot}, ${root}${
        nodes.length > 0 ? `, head of ${nodes.join(", ")}` : ""
      }`,
    ),
  );
  return mark;
}
