/** What a virtual node writes, and what each piece of it is meant to be counted as. */

import { ancestorAt, type VirtualBlock } from "./virtual_chain.ts";
import type { NodePlan } from "./random_schedule.ts";

/** An event as it goes over the wire, or something that is none. */
export interface Frame {
  /** What the listener has to take it for. */
  kind: "valid" | "malformed" | "oversize" | "confession";
  /** Name of the event. */
  topic: string;
  /** Its data, as the decoder must give them back. */
  data: string;
  /** What makes it the same event in the mouth of another node. */
  identity: string;
  /** The bytes. */
  bytes: Uint8Array<ArrayBuffer>;
  /** How many of them have to arrive until it counts. */
  decidedAfter: number;
  /** The block that a `head` event tells of. */
  head?: VirtualBlock;
  /** The switch that a `chain_reorg` event tells of. */
  reorg?: VirtualReorg;
}

/** A switch from one branch to another. */
export interface VirtualReorg {
  /** The head that was left. */
  oldHead: VirtualBlock;
  /** The head that took its place. */
  newHead: VirtualBlock;
  /** The latest block that both have. */
  ancestor: VirtualBlock;
}

/** Writes frames the way a node does. */
export class FrameWriter {
  readonly #plan: NodePlan;
  readonly #slotsPerEpoch: number;

  /**
   * @param plan The node's habits.
   * @param slotsPerEpoch For what depends on epochs.
   */
  constructor(plan: NodePlan, slotsPerEpoch: number) {
    this.#plan = plan;
    this.#slotsPerEpoch = slotsPerEpoch;
  }

  /** A `head` event. */
  head(block: VirtualBlock): Frame {
    const epoch = Math.floor(block.slot / this.#slotsPerEpoch);
    const dependent = (epoch: number) =>
      ancestorAt(block, epoch * this.#slotsPerEpoch - 1).root;
    const payload = {
      slot: String(block.slot),
      block: block.root,
      state: block.stateRoot,
      current_duty_dependent_root: dependent(epoch),
      previous_duty_dependent_root: dependent(epoch - 1),
      epoch_transition: block.slot % this.#slotsPerEpoch === 0,
      execution_optimistic: false,
    };
    const frame = this.#event("head", payload, `${block.slot} ${block.root}`);
    return { ...frame, head: block };
  }

  /** A `block` or a `block_gossip` event. */
  block(topic: "block" | "block_gossip", block: VirtualBlock): Frame {
    const payload = {
      slot: String(block.slot),
      block: block.root,
      execution_optimistic: false,
    };
    return this.#event(topic, payload, `${block.slot} ${block.root}`);
  }

  /** A `chain_reorg` event. */
  chainReorg(reorg: VirtualReorg): Frame {
    const { oldHead, newHead, ancestor } = reorg;
    const payload = {
      slot: String(newHead.slot),
      depth: String(newHead.slot - ancestor.slot),
      old_head_block: oldHead.root,
      new_head_block: newHead.root,
      old_head_state: oldHead.stateRoot,
      new_head_state: newHead.stateRoot,
      epoch: String(Math.floor(newHead.slot / this.#slotsPerEpoch)),
      execution_optimistic: false,
    };
    return {
      ...this.#event("chain_reorg", payload, reorgIdentity(reorg)),
      reorg,
    };
  }

  /** A `finalized_checkpoint` event. */
  finalized(epoch: number, block: VirtualBlock): Frame {
    const payload = {
      block: block.root,
      state: block.stateRoot,
      epoch: String(epoch),
    };
    return this.#event(
      "finalized_checkpoint",
      payload,
      `${epoch} ${block.root}`,
    );
  }

  /** An event that nobody asked for, of a topic that nobody knows. */
  unasked(number: number): Frame {
    const topic = ["sync_state", "__proto__", "toString"][number % 3]!;
    const data = JSON.stringify({
      sync_state: "IN_SYNC",
      number,
      text: "é漢💥",
    });
    return this.#write("valid", topic, data, data);
  }

  /** An event whose payload is not what its topic says. */
  malformed(number: number, block: VirtualBlock): Frame {
    const good = new TextDecoder().decode(this.head(block).bytes);
    const json = good.slice(good.indexOf("{"), good.lastIndexOf("}") + 1);
    const cases: [topic: string, data: string][] = [
      ["head", "{}"],
      ["head", "not JSON"],
      ["head", json.slice(0, -1)],
      ["head", json.replace(/"slot":"\d+"/, '"slot":"ten"')],
      ["head", json.replace(/"slot":"\d+"/, '"slot":"-1"')],
      ["head", json.replace(/"slot":"\d+"/, '"slot":"99999999999999999999"')],
      ["head", json.replace(/"slot":"\d+"/, '"__proto__":{"slot":"1"}')],
      ["head", json.replace(/0xabcdef/gi, "0xxyz")],
      ["head", "null"],
      ["head", "[]"],
      ["head", "[".repeat(500)],
      ["block", '{"slot":"1"}'],
      ["block_gossip", '{"block":"0x00"}'],
      ["chain_reorg", `{"slot":"${block.slot}"}`],
      [
        "chain_reorg",
        JSON.stringify({
          slot: "10",
          depth: "11",
          old_head_block: block.root,
          new_head_block: block.root,
          old_head_state: block.root,
          new_head_state: block.root,
          epoch: "1",
          execution_optimistic: false,
        }),
      ],
    ];
    const [topic, data] = cases[number % cases.length]!;
    return this.#write("malformed", topic, data, "");
  }

  /** A `head` event from so far in the future that the listener must not believe it. */
  future(slots: number, block: VirtualBlock): Frame {
    const { head: _, ...frame } = this.head({
      ...block,
      slot: block.slot + slots,
    });
    return { ...frame, kind: "malformed" };
  }

  /** A `block` event of exactly so many bytes; counted as oversize where that is above the cap. */
  ofSize(bytes: number, cap: number, block: VirtualBlock): Frame {
    const payload = {
      slot: String(block.slot),
      block: block.root,
      execution_optimistic: false,
    };
    const data = (filling: string) => JSON.stringify({ ...payload, filling });
    const rest = bytes - "block".length - data("").length;
    const kind = bytes > cap ? "oversize" : "valid";
    const frame = this.#write(
      kind,
      "block",
      data("x".repeat(rest)),
      `${block.slot} ${block.root}`,
    );
    if (kind === "valid") return frame;
    const dataAt = frame.bytes.indexOf("{".charCodeAt(0));
    return { ...frame, decidedAfter: dataAt + cap - "block".length + 1 };
  }

  /** The beginning of an event that never ends. */
  endless(bytes: number, cap: number): Frame {
    const { space, lineEnd } = this.#plan;
    const start = `event:${space}block${lineEnd}data:${space}`;
    const data = "y".repeat(bytes);
    return {
      kind: "oversize",
      topic: "block",
      data: "",
      identity: "",
      bytes: encoder.encode(start + data),
      decidedAfter: start.length + cap - "block".length + 1,
    };
  }

  /**
   * A frame that breaks off at a share of its length, and a blank line behind it. What that makes,
   * if it makes an event at all, is malformed.
   */
  torn(frame: Frame, part: number): Frame {
    const { lineEnd } = this.#plan;
    const text = new TextDecoder().decode(frame.bytes);
    const opening = text.indexOf("{");
    const closing = text.lastIndexOf("}");
    // Behind the brace, before the last one: there it is an event whose JSON breaks off.
    const cut = Math.min(
      closing,
      Math.max(opening + 1, Math.floor(part * text.length)),
    );
    // A cut within a character leaves one that stands for nothing.
    const torn = text.slice(0, cut).toWellFormed();
    const bytes = encoder.encode(torn + lineEnd + lineEnd);
    const data = torn.slice(opening);
    const decidedAfter = bytes.length - (lineEnd === "\r\n" ? 1 : 0);
    return {
      kind: "malformed",
      topic: frame.topic,
      data,
      identity: "",
      bytes,
      decidedAfter,
    };
  }

  /** A comment, and with it everything else that is no event. */
  plain(line: string): Uint8Array<ArrayBuffer> {
    const { lineEnd } = this.#plan;
    return encoder.encode(line + lineEnd + lineEnd);
  }

  #event(
    topic: string,
    payload: Record<string, string | boolean>,
    identity: string,
  ): Frame {
    const data = this.#plan.isOdd ? oddly(payload) : JSON.stringify(payload);
    return this.#write("valid", topic, data, identity);
  }

  #write(
    kind: Frame["kind"],
    topic: string,
    data: string,
    identity: string,
  ): Frame {
    const { space, lineEnd } = this.#plan;
    const text =
      `event:${space}${topic}${lineEnd}data:${space}${data}${lineEnd}${lineEnd}`;
    const bytes = encoder.encode(text);
    // A line ends at its CR; the LF behind it decides nothing.
    const decidedAfter = bytes.length - (lineEnd === "\r\n" ? 1 : 0);
    return {
      kind,
      topic,
      data,
      identity: `${topic} ${identity}`,
      bytes,
      decidedAfter,
    };
  }
}

/** Lighthouse's comment behind events that it left out. */
export function confession(count: number): Frame {
  const bytes = encoder.encode(`:error - dropped ${count} messages\n\n`);
  // A comment is over at its line's end.
  const decidedAfter = bytes.length - 1;
  return {
    kind: "confession",
    topic: "",
    data: String(count),
    identity: "",
    bytes,
    decidedAfter,
  };
}

/** What makes two switches the same. */
export function reorgIdentity(
  { oldHead, newHead, ancestor }: VirtualReorg,
): string {
  return `${newHead.slot} ${
    newHead.slot - ancestor.slot
  } ${oldHead.root} ${newHead.root}`;
}

const encoder = new TextEncoder();

/** The same payload as another client would write it. */
function oddly(payload: Record<string, string | boolean>): string {
  const entries = Object.entries(payload).reverse()
    .filter(([key]) => key !== "execution_optimistic")
    .map((
      [key, value],
    ) => [
      key,
      typeof value === "string" ? value.replace("abcdef", "ABCDEF") : value,
    ]);
  return JSON.stringify({ comment: "é漢💥", ...Object.fromEntries(entries) });
}
