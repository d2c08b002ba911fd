/** The page's own program: reads the stream and the two tables, keeps the view up to date. */

import { drawBranchTree } from "./branch_tree.ts";
import { byId, formatMs, html } from "./dom.ts";
import { drawEpochGrid, moveInGrid } from "./epoch_grid.ts";
import { drawChanges, drawTail } from "./event_lists.ts";
import { PageModel } from "./model.ts";
import { drawNodeCards } from "./node_cards.ts";
import { arrivalTable, drawSlotLine } from "./slot_line.ts";

/** Starts the page. It runs in a browser, and knows nothing but the document and its own origin. */
export function runPage(): void {
  const shown = [
    "head",
    "head_v2",
    "block",
    "block_gossip",
    "chain_reorg",
    "finalized_checkpoint",
  ];
  const epochs = 4;
  const model = new PageModel();
  const motion = matchMedia("(prefers-reduced-motion: reduce)");
  /** Server's clock less ours, in milliseconds. */
  let skewMs = 0;
  let raceSince = 0;
  /** `undefined` before the first attempt has ended. */
  let isConnected: boolean | undefined;
  let connectedAt = 0;
  let lastEventAt = 0;
  /** How many events of the ring are shown, while paused. */
  let pausedAt: number | undefined;
  let selected = slotOfHash();
  let frame = 0;
  let slotTimer: ReturnType<typeof setTimeout> | undefined;
  let raceTimer: ReturnType<typeof setTimeout> | undefined;
  let announced = "";
  let lastEventId = "";

  const grid = byId("grid");
  const slotBox = byId("slot-line");
  const pause = byId<HTMLButtonElement>("pause");
  const scrub = byId<HTMLInputElement>("scrub");
  const filter = byId<HTMLSelectElement>("filter");

  const now = () => Date.now() + skewMs;
  const count = () => pausedAt ?? model.events.length;
  /** The time that is shown: that of the last shown event while paused. */
  const shownTime = () =>
    pausedAt === undefined ? now() : model.events[pausedAt - 1]?.at ?? now();
  /** Requests one drawing with the next frame, for all events that are received before it. */
  const touch = () => void (frame ||= requestAnimationFrame(draw));

  function slotOfHash(): number | undefined {
    const slot = Number(/^#slot=(\d+)$/.exec(location.hash)?.[1] ?? NaN);
    return Number.isNaN(slot) ? undefined : slot;
  }

  async function readJson<T>(path: string): Promise<T | undefined> {
    try {
      const response = await fetch(path, {
        headers: { accept: "application/json" },
      });
      return response.ok ? await response.json() as T : undefined;
    } catch {
      return undefined;
    }
  }

  async function readNodes(): Promise<void> {
    const before = Date.now();
    const answer = await readJson<
      {
        now: number;
        config: PageModel["clock"] | null;
        nodes: PageModel["nodes"];
      }
    >("api/nodes");
    if (answer === undefined) return;
    skewMs = answer.now - (before + Date.now()) / 2;
    model.clock = answer.config ?? undefined;
    model.nodes = answer.nodes;
    touch();
  }

  async function readRaces(): Promise<void> {
    // A node counts as missing a slot later, which is no arrival.
    const overlapMs = 2 * (model.clock?.slotDurationMs ?? 12_000);
    const answer = await readJson<
      { records: Parameters<PageModel["addRaces"]>[0] }
    >(`api/race?since=${Math.max(0, raceSince - overlapMs)}`);
    if (answer === undefined) return;
    for (const { firstAt, lags } of answer.records) {
      raceSince = Math.max(
        raceSince,
        firstAt + Math.max(0, ...Object.values(lags)),
      );
    }
    model.addRaces(answer.records);
    touch();
  }

  /** Reads arrival times soon after an event, once for all events of a burst. */
  function readRacesSoon(): void {
    raceTimer ??= setTimeout(async () => {
      await readRaces();
      raceTimer = undefined;
    }, 50);
  }

  async function readParent(root: string): Promise<void> {
    if (model.parents.has(root)) return;
    const answer = await readJson<
      { data: { header: { message: { parent_root: string } } } }
    >(`eth/v1/beacon/headers/${root}`);
    const parent = answer?.data?.header?.message?.parent_root;
    if (typeof parent !== "string") return;
    model.parents.set(root, parent);
    touch();
  }

  function onEvent(message: MessageEvent<string>): void {
    const event = model.addEvent(
      message.lastEventId,
      message.type,
      message.data,
      now(),
    );
    lastEventId = message.lastEventId;
    if (event === undefined) return;
    lastEventAt = event.at;
    if (
      event.topic === "chain_reorg" && isConnected &&
      event.at - connectedAt > 2000
    ) announce();
    if (event.root !== undefined && event.slot !== undefined) {
      const newest = model.headAt(model.events.length)?.slot ?? event.slot;
      if (event.slot > newest - 64 && event.topic !== "block_gossip") {
        void readParent(event.root);
      }
      readRacesSoon();
    }
    touch();
  }

  function announce(): void {
    const [reorg] = model.changes(model.events.length).filter(({ kind }) =>
      kind === "reorg"
    );
    if (reorg === undefined || reorg.id === announced) return;
    announced = reorg.id;
    byId("live").textContent = reorg.text;
  }

  function connect(): void {
    const { clock } = model;
    const since = clock === undefined
      ? "since=earliest"
      : `since=epoch:${
        Math.max(
          0,
          Math.floor(model.slotAt(now()) / clock.slotsPerEpoch) - epochs + 1,
        )
      }`;
    const from = lastEventId === ""
      ? since
      : `last_event_id=${encodeURIComponent(lastEventId)}`;
    // A topic that the listener does not request would be refused with all the others.
    const here = new Set(model.nodes.flatMap((node) => node.topics));
    const topics = [...shown.filter((topic) => here.has(topic)), "gap"];
    const source = new EventSource(
      `eth/v1/events?topics=${topics.join(",")}&${from}`,
    );
    for (const topic of topics) {
      source.addEventListener(topic, onEvent as EventListener);
    }
    source.onopen = () => {
      isConnected = true;
      connectedAt = now();
      touch();
    };
    source.onerror = () => {
      isConnected = false;
      touch();
      // The browser retries a broken stream by itself, but never one that was refused.
      if (source.readyState === EventSource.CLOSED) setTimeout(connect, 3000);
    };
  }

  function drawHeader(slot: number): void {
    const { slotsPerEpoch } = model.clock!;
    byId("now-slot").textContent = String(slot);
    byId("now-epoch").textContent = String(Math.floor(slot / slotsPerEpoch));
    const head = model.headAt(count());
    byId("now-head").textContent = head?.slot === undefined
      ? "–"
      : String(head.slot);
    const up = model.nodes.filter(({ state }) => state === "connected").length;
    byId("now-nodes").textContent = `${up} of ${model.nodes.length}`;
    document.title = `${slot} · beacon-sse`;
  }

  function drawBanner(): void {
    const banner = byId("banner");
    const { clock } = model;
    const silentMs = now() - lastEventAt;
    const text = isConnected === false
      ? "The stream is not connected. The browser tries again."
      : clock !== undefined && lastEventAt > 0 &&
          silentMs > 3 * clock.slotDurationMs
      ? `The stream is silent: no event for ${formatMs(silentMs)}.`
      : model.nodes.length > 0 &&
          model.nodes.every(({ state }) => state !== "connected")
      ? "No node is connected."
      : pausedAt !== undefined
      ? `Paused at event ${pausedAt} of ${model.events.length}.`
      : "";
    if (banner.textContent !== text) banner.textContent = text;
    banner.hidden = text === "";
    banner.className = text.startsWith("Paused") ? "paused" : "";
  }

  function drawDetails(): void {
    const box = byId("details");
    if (selected === undefined || model.clock === undefined) {
      box.hidden = true;
      return;
    }
    const [view] = model.slots(selected, selected, count(), shownTime());
    const copy = html(
      "button",
      { type: "button", id: "copy-link" },
      "Copy link",
    );
    copy.onclick = () => navigator.clipboard?.writeText(location.href);
    const copyJson = html(
      "button",
      { type: "button", id: "copy-json" },
      "Copy JSON",
    );
    const slot = selected;
    copyJson.onclick = () =>
      navigator.clipboard?.writeText(
        JSON.stringify({ ...view, races: model.racesOf(slot) }, undefined, 2),
      );
    const close = html(
      "button",
      { type: "button", id: "close-details" },
      "Close",
    );
    close.onclick = () => select(undefined);
    box.replaceChildren(
      html("h3", {}, `Slot ${selected}`),
      html(
        "p",
        {},
        `${view!.kind}${
          view!.delayMs === undefined
            ? ""
            : `, head after ${formatMs(view!.delayMs)}`
        }`,
      ),
      html("p", { class: "root" }, view!.root ?? "no block"),
      arrivalTable(model, selected),
      html("p", { class: "buttons" }, copy, " ", copyJson, " ", close),
    );
    box.hidden = false;
  }

  function select(slot: number | undefined): void {
    selected = slot;
    history.replaceState(
      null,
      "",
      slot === undefined
        ? location.pathname + location.search
        : `#slot=${slot}`,
    );
    touch();
  }

  function setPaused(at: number | undefined): void {
    pausedAt = at === undefined
      ? undefined
      : Math.max(1, Math.min(model.events.length, at));
    pause.setAttribute("aria-pressed", String(pausedAt !== undefined));
    pause.textContent = pausedAt === undefined ? "Pause" : "Live";
    touch();
  }

  function draw(): void {
    frame = 0;
    clearTimeout(slotTimer);
    const { clock } = model;
    // Read before anything is changed, which would have the page laid out once more.
    const { clientWidth: slotWidth } = slotBox;
    const branches = byId("branches");
    const { clientWidth: branchesWidth } = branches;
    drawBanner();
    if (clock === undefined) return;
    const time = shownTime();
    const slot = Math.max(0, model.slotAt(time));
    drawHeader(slot);
    scrub.max = String(Math.max(1, model.events.length));
    scrub.value = String(count());
    const elapsedMs = time - model.startOf(slot);
    drawSlotLine(
      slotBox,
      model,
      selected ?? slot,
      slotWidth,
      selected === undefined ? elapsedMs : clock.slotDurationMs,
      selected !== undefined || pausedAt !== undefined
        ? "none"
        : motion.matches
        ? "steps"
        : "smooth",
    );
    byId("slot-title").textContent = selected === undefined
      ? `Slot ${slot}`
      : `Slot ${selected} (selected)`;
    drawEpochGrid(grid, model, { count: count(), time, epochs, selected });
    drawNodeCards(byId("nodes"), model, now());
    drawBranchTree(branches, model, 32, count(), branchesWidth);
    drawChanges(byId("changes"), model, count());
    drawTail(byId("tail"), model, filter.value, count());
    drawDetails();
    if (pausedAt === undefined) {
      const restMs = clock.slotDurationMs - elapsedMs;
      slotTimer = setTimeout(touch, Math.min(restMs, 60_000));
    }
  }

  grid.addEventListener("click", (event) => {
    const slot = (event.target as HTMLElement).closest<HTMLElement>(
      "[data-slot]",
    )?.dataset.slot;
    if (slot !== undefined) {
      select(Number(slot) === selected ? undefined : Number(slot));
    }
  });
  grid.addEventListener("keydown", (event) => {
    if (moveInGrid(grid, event.key, model.clock?.slotsPerEpoch ?? 32)) {
      event.preventDefault();
    }
  });
  pause.onclick = () =>
    setPaused(pausedAt === undefined ? model.events.length : undefined);
  scrub.oninput = () => setPaused(Number(scrub.value));
  filter.onchange = touch;
  globalThis.addEventListener("hashchange", () => {
    selected = slotOfHash();
    touch();
  });
  globalThis.addEventListener("resize", touch);
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") select(undefined);
    const isTyping = (event.target as HTMLElement).closest(
      "input, select, button, [data-slot]",
    ) !== null;
    if (event.key === " " && !isTyping) {
      event.preventDefault();
      pause.click();
    }
  });
  const theme = byId<HTMLSelectElement>("theme");
  theme.value = localStorage.getItem("theme") ?? "auto";
  document.documentElement.dataset.theme = theme.value;
  theme.onchange = () => {
    localStorage.setItem("theme", theme.value);
    document.documentElement.dataset.theme = theme.value;
  };

  const start = async () => {
    await readNodes();
    await readRaces();
    connect();
    setInterval(readNodes, 2000);
    setInterval(readRaces, 2000);
    setInterval(drawBanner, 1000);
    touch();
  };
  void start();
}
