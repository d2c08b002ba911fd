/** The page's style: light and dark, from 360 pixels up, no motion of its own. */
export const PAGE_STYLE = `
:root {
  color-scheme: light dark;
  --back: light-dark(#f6f7f9, #14161a);
  --panel: light-dark(#ffffff, #1c1f25);
  --line: light-dark(#d5d9e0, #343a44);
  --text: light-dark(#1a1d23, #e7eaf0);
  --soft: light-dark(#59616e, #a3acba);
  --fast: light-dark(#0a7f5a, #35c493);
  --middle: light-dark(#4f7d1c, #93c04d);
  --slow: light-dark(#8a6a00, #d9b13b);
  --late: light-dark(#b3470f, #f08a4b);
  --bad: light-dark(#b3202c, #ff7b82);
  --turn: light-dark(#6b3fc0, #b598ff);
  --accent: light-dark(#1f5fc4, #7db0ff);
}
:root[data-theme="light"] { color-scheme: light; }
:root[data-theme="dark"] { color-scheme: dark; }
* { box-sizing: border-box; }
body { margin: 0; background: var(--back); color: var(--text);
  font: 14px/1.45 system-ui, sans-serif; font-variant-numeric: tabular-nums; }
header { display: flex; flex-wrap: wrap; gap: 6px 18px; align-items: baseline; padding: 10px 16px;
  background: var(--panel); border-bottom: 1px solid var(--line); }
h1 { font-size: 16px; margin: 0; }
header dl { display: flex; flex-wrap: wrap; gap: 4px 18px; margin: 0; flex: 1; }
header dl div { display: flex; gap: 6px; align-items: baseline; }
dt { color: var(--soft); } dd { margin: 0; font-weight: 600; }
.controls { display: flex; flex-wrap: wrap; gap: 8px; align-items: center; }
button, select { font: inherit; color: inherit; background: var(--panel); border: 1px solid var(--line);
  border-radius: 6px; padding: 3px 10px; min-height: 28px; }
button:hover, select:hover { border-color: var(--accent); }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 1px; }
input[type="range"] { width: 140px; accent-color: var(--accent); }
#banner { position: fixed; z-index: 1; bottom: 12px; left: 12px; right: 12px; width: fit-content; margin: 0 auto; padding: 8px 16px;
  border-radius: 8px; box-shadow: 0 2px 12px #0006; background: var(--bad); color: light-dark(#fff, #1a0708); font-weight: 600; }
#banner[hidden] { display: none; }
#banner.paused { background: var(--accent); color: light-dark(#fff, #071527); }
main { display: grid; gap: 12px; padding: 12px; grid-template-columns: minmax(0, 1fr); max-width: 1800px; margin: auto; }
section { background: var(--panel); border: 1px solid var(--line); border-radius: 10px; padding: 10px 14px; min-width: 0; }
h2 { font-size: 13px; margin: 0 0 8px; color: var(--soft); font-weight: 600; }
h2 b { color: var(--text); }
h3 { font-size: 14px; margin: 0; }
svg { display: block; max-width: 100%; }
#slot-line { position: relative; }
#slot-line svg { height: auto; }
.axis { fill: var(--soft); font-size: 11px; }
.row-label { fill: var(--text); font-size: 12px; }
.tick { stroke: var(--line); stroke-width: 1; }
.lane { stroke: var(--line); stroke-width: 1; stroke-dasharray: 2 3; }
.deadline { stroke: var(--late); stroke-width: 1; stroke-dasharray: 4 3; }
.deadline-label { fill: var(--late); font-size: 10px; }
.hand { position: absolute; top: 16px; bottom: 0; left: 0; width: 2px; margin-left: -1px; background: var(--accent); will-change: transform; }
.mark { stroke: var(--accent); stroke-width: 2; fill: none; }
.mark.block { stroke: var(--middle); fill: var(--panel); }
.mark.head { stroke: var(--fast); fill: var(--fast); }
.legend { margin: 6px 0 0; color: var(--soft); font-size: 12px; display: flex; flex-wrap: wrap; gap: 2px 14px; }
.epoch { margin-bottom: 6px; }
.epoch-label { color: var(--soft); font-size: 12px; }
.cells { display: grid; grid-template-columns: repeat(8, minmax(24px, 1fr)); gap: 3px; }
.swatch { display: inline-block; width: 10px; height: 10px; border-radius: 3px; }
.slot { padding: 0; height: 24px; min-height: 24px; border-radius: 4px; border: 1px solid transparent;
  background: var(--line); font-size: 13px; line-height: 1; font-weight: 700; color: light-dark(#fff, #101216); }
.slot.future, .slot.unknown { background: none; border: 1px dashed var(--line); }
.slot.waiting { background: none; border: 1px solid var(--accent); color: var(--accent); }
.middle { background: var(--middle); } .fast { background: var(--fast); } .slow { background: var(--slow); }
.slot.late { background: var(--late); }
.slot.missed { background: none; border: 1px solid var(--bad); color: var(--bad); }
.slot.reorged { background: var(--turn); }
.slot[aria-selected="true"] { outline: 3px solid var(--accent); outline-offset: 1px; }
#details { margin-top: 8px; border-top: 1px solid var(--line); padding-top: 8px; }
#details .root { overflow-wrap: anywhere; color: var(--soft); font-family: ui-monospace, monospace; font-size: 12px; margin: 4px 0; }
#details p { margin: 4px 0; }
table { border-collapse: collapse; width: 100%; font-size: 12px; }
th { text-align: left; color: var(--soft); font-weight: 500; } td, th { padding: 2px 8px 2px 0; overflow-wrap: anywhere; }
.number { text-align: right; white-space: nowrap; }
#nodes { display: grid; gap: 10px; grid-template-columns: repeat(auto-fit, minmax(250px, 1fr)); }
.node { border: 1px solid var(--line); border-radius: 8px; padding: 8px 10px; min-width: 0; }
.node.disconnected, .node.wrong_chain { border-color: var(--bad); }
.node h3 { display: flex; gap: 6px; align-items: baseline; }
.node .name { flex: 1; min-width: 0; overflow-wrap: anywhere; }
.node .state { color: var(--fast); } .node.disconnected .state, .node.wrong_chain .state { color: var(--bad); }
.node .state-word, .client { color: var(--soft); font-size: 12px; font-weight: 400; margin: 0; overflow-wrap: anywhere; }
.client { height: 35px; overflow: hidden; display: -webkit-box; -webkit-box-orient: vertical; -webkit-line-clamp: 2; }
.client.error { color: var(--bad); }
.node dl { display: grid; grid-template-columns: repeat(auto-fill, minmax(104px, 1fr)); gap: 2px 10px; margin: 6px 0; font-size: 12px; }
.node dd { white-space: nowrap; }
.curve { width: 100%; height: 44px; } .curve * { vector-effect: non-scaling-stroke; }
.cdf { fill: none; stroke: var(--accent); stroke-width: 2; }
.scale { position: relative; height: 16px; margin: 0; font-size: 11px; color: var(--soft); }
.scale span { position: absolute; transform: translateX(-50%); }
.note { margin: 4px 0 0; font-size: 12px; color: var(--soft); overflow-wrap: anywhere; }
/* Begins at the right, where the head is. */
.scroll { overflow-x: auto; direction: rtl; } .scroll svg { max-width: none; direction: ltr; }
.edge { stroke: var(--soft); stroke-width: 2; fill: none; } .edge.side { stroke: var(--turn); stroke-dasharray: 4 3; }
.node-dot { fill: var(--fast); } .node-dot.side { fill: var(--turn); }
ul { list-style: none; margin: 0; padding: 0; }
.heads { font-size: 12px; color: var(--soft); margin-top: 4px; }
#changes, #branches { height: 260px; overflow-y: auto; } #changes li { padding: 3px 0; border-bottom: 1px solid var(--line); font-size: 13px; }
.kind { font-weight: 600; margin: 0 2px 0 4px; } .reorg .glyph, .reorg .kind { color: var(--turn); } .gap .glyph, .gap .kind { color: var(--bad); }
#tail { height: 320px; overflow: auto; font: 12px/1.5 ui-monospace, monospace; }
#tail li { white-space: nowrap; } #tail time { color: var(--soft); }
.empty { color: var(--soft); margin: 0; }
.visually-hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
footer { padding: 4px 16px 60px; color: var(--soft); font-size: 12px; max-width: 1800px; margin: auto; }
@media (min-width: 560px) and (max-width: 759px), (min-width: 1100px) {
  .long .cells { grid-template-columns: repeat(16, minmax(24px, 1fr)); }
}
@media (min-width: 760px) {
  main { grid-template-columns: repeat(2, minmax(0, 1fr)); }
  #section-slot, #section-branches, #section-nodes, #section-tail { grid-column: 1 / -1; }
}
@media (min-width: 1100px) { #section-slot, #section-branches { grid-column: auto; } }
@media (prefers-contrast: more) { .slot { border-color: var(--text); } }
`;
