/** The page's markup, empty of data. */
export const PAGE_BODY = `
<header>
  <h1>beacon-sse</h1>
  <dl>
    <div><dt>slot</dt><dd id="now-slot">–</dd></div>
    <div><dt>epoch</dt><dd id="now-epoch">–</dd></div>
    <div><dt>head</dt><dd id="now-head">–</dd></div>
    <div><dt>nodes connected</dt><dd id="now-nodes">–</dd></div>
  </dl>
  <div class="controls">
    <button type="button" id="pause" aria-pressed="false">Pause</button>
    <input type="range" id="scrub" min="1" max="1" value="1" aria-label="Event of the ring to show">
    <select id="theme" aria-label="Colours"><option>auto</option><option>light</option><option>dark</option></select>
  </div>
</header>
<p id="banner" role="status" hidden></p>
<p id="live" class="visually-hidden" aria-live="assertive"></p>
<main>
  <section id="section-slot" aria-labelledby="slot-title">
    <h2><b id="slot-title">Slot</b></h2>
    <div id="slot-line"></div>
    <p class="legend"><span>○ gossip</span><span>□ block</span><span>● head</span><span>a row for each node, by arrival here</span></p>
  </section>
  <section id="section-grid" aria-labelledby="grid-title">
    <h2 id="grid-title">Last four epochs</h2>
    <div id="grid" role="grid" aria-labelledby="grid-title"></div>
    <p class="legend"><span><i class="swatch fast"></i> early</span><span><i class="swatch middle"></i> in time</span><span><i class="swatch slow"></i> close to the deadline</span><span>! late</span><span>× missed</span><span>↺ left by a reorg</span><span>arrow keys move, Enter shows details</span></p>
    <div id="details" hidden></div>
  </section>
  <section id="section-changes" aria-labelledby="changes-title">
    <h2 id="changes-title">Reorgs, duties, gaps</h2>
    <ul id="changes" tabindex="0" aria-labelledby="changes-title"></ul>
  </section>
  <section id="section-branches" aria-labelledby="branches-title">
    <h2 id="branches-title">Branches, last 32 slots</h2>
    <div id="branches"></div>
  </section>
  <section id="section-nodes" aria-labelledby="nodes-title">
    <h2 id="nodes-title">Nodes</h2>
    <div id="nodes"></div>
  </section>
  <section id="section-tail" aria-labelledby="tail-title">
    <h2 id="tail-title">Events as they come</h2>
    <p class="controls"><label>topic <select id="filter"><option value="">all</option><option>head</option><option>block</option><option>block_gossip</option><option>chain_reorg</option><option>finalized_checkpoint</option><option>gap</option></select></label></p>
    <ul id="tail" tabindex="0" aria-labelledby="tail-title"></ul>
  </section>
</main>
<footer>Clients report a block at different points (gossip, processed, imported): compare like topics, and mind the round trip. Arrival times are this listener's.</footer>
`;
