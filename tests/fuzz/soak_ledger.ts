/** Which nodes reported each event, and whether it was delivered, for as long as that may take. */

/** An event, as far as it matters here. */
export interface LedgerEvent {
  /** What makes it the same event in the mouth of another node. */
  identity: string;
  /** Its slot, for people. */
  slot: number;
}

/** By then, all nodes have reported an event and the listener has delivered it. */
const SETTLED_MS = 90_000;
const PLACES = 2 ** 16;
/** Beyond that the search for a free place gets slow. */
const MOST_ENTRIES = PLACES * 0.75;
/** Four bits count how often a node reported an event, and a number has room for thirteen nodes. */
const MOST_REPORTS = 16;

/**
 * Checks each event once, and forgets it. All is kept in arrays of fixed size outside the heap,
 * since it is the heap that is measured; and in two pages, the older of which is checked as a whole.
 */
export class SoakLedger {
  /** Events that were lost without a reason, or delivered too often. */
  readonly broken: string[] = [];
  /** How many were checked. */
  checked = 0;
  /** How many there was no room for. */
  unchecked = 0;
  #page = new Page();
  #olderPage = new Page();
  #turnedAt = performance.now();

  /** A node reported it. */
  reported(node: number, event: LedgerEvent): void {
    const [page, place] = this.#find(event);
    const unit = MOST_REPORTS ** node;
    if (
      Math.floor(page.reported[place]! / unit) % MOST_REPORTS < MOST_REPORTS - 1
    ) {
      page.reported[place]! += unit;
    }
    page.sure[place]!++;
  }

  /** It may have been lost on its way, or need not be delivered. */
  doubted(event: LedgerEvent): void {
    const [page, place] = this.#find(event);
    page.sure[place]!--;
  }

  /** A subscriber received it. */
  delivered(event: LedgerEvent, isRecovered: boolean): void {
    const [page, place] = this.#find(event);
    page.delivered[place]!++;
    if (isRecovered) page.recovered[place] = 1;
  }

  /** Checks what is settled. */
  check(): void {
    const now = performance.now();
    if (now - this.#turnedAt < SETTLED_MS) return;
    this.#turnedAt = now;
    this.#checkPage(this.#olderPage);
    const page = this.#olderPage;
    page.clear();
    this.#olderPage = this.#page;
    this.#page = page;
  }

  #find({ identity, slot }: LedgerEvent): [Page, number] {
    const key = hash(identity);
    const older = this.#olderPage.find(key);
    if (older !== undefined) return [this.#olderPage, older];
    const place = this.#page.find(key) ?? this.#page.add(key, slot);
    if (place !== undefined) return [this.#page, place];
    this.unchecked++;
    return [SPARE, 0];
  }

  #checkPage(
    { keys, slots, reported, sure, delivered, recovered }: Page,
  ): void {
    for (let place = 0; place < PLACES; place++) {
      if (keys[place] === 0) continue;
      this.checked++;
      let most = recovered[place]!;
      for (
        let counts = reported[place]!;
        counts >= 1;
        counts = Math.floor(counts / MOST_REPORTS)
      ) {
        most = Math.max(most, counts % MOST_REPORTS);
      }
      const least = sure[place]! > 0 ? 1 : 0;
      if (delivered[place]! >= least && delivered[place]! <= most) continue;
      const reports = reported[place]!.toString(MOST_REPORTS);
      this.broken.push(
        `an event of slot ${
          slots[place]
        }: reported ${reports} times (a digit for each node)${
          recovered[place] ? ", recovered" : ""
        }, delivered ${delivered[place]} times`,
      );
    }
  }
}

/** A table of events; a key of 0 marks a free place. */
class Page {
  readonly keys: Float64Array<ArrayBuffer> = new Float64Array(PLACES);
  readonly slots: Float64Array<ArrayBuffer> = new Float64Array(PLACES);
  readonly reported: Float64Array<ArrayBuffer> = new Float64Array(PLACES);
  readonly sure: Int16Array<ArrayBuffer> = new Int16Array(PLACES);
  readonly delivered: Int16Array<ArrayBuffer> = new Int16Array(PLACES);
  readonly recovered: Uint8Array<ArrayBuffer> = new Uint8Array(PLACES);
  #entries = 0;

  find(key: number): number | undefined {
    for (let place = key % PLACES;; place = (place + 1) % PLACES) {
      if (this.keys[place] === key) return place;
      if (this.keys[place] === 0) return undefined;
    }
  }

  add(key: number, slot: number): number | undefined {
    if (this.#entries >= MOST_ENTRIES) return undefined;
    this.#entries++;
    let place = key % PLACES;
    while (this.keys[place] !== 0) place = (place + 1) % PLACES;
    this.keys[place] = key;
    this.slots[place] = slot;
    return place;
  }

  clear(): void {
    for (
      const column of [
        this.keys,
        this.reported,
        this.sure,
        this.delivered,
        this.recovered,
      ]
    ) column.fill(0);
    this.#entries = 0;
  }
}

/** Takes what there is no room for. */
const SPARE = new Page();

/** 53 bits by FNV-1a, never 0. */
function hash(text: string): number {
  let high = 0x811c9dc5;
  let low = 0x9e3779b9;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    high = Math.imul(high ^ code, 0x01000193);
    low = Math.imul(low ^ code, 0x85ebca6b);
  }
  return (high >>> 11) * 2 ** 32 + (low >>> 0) + 1;
}
