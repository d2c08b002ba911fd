/** One value to many subscribers: ours and the platform's ways. */

import { Broadcast, type Subscription } from "@org/beacon-sse";
import { assertEquals } from "@std/assert";

/** Subscribers that are there. */
export interface Audience {
  /** Posts {@linkcode VALUES} values in a row, as the events of a chunk are. */
  post(): void;
  /** Resolves when every subscriber has read every value; throws if one has not. */
  read(): Promise<void>;
  /** Ends all subscriptions. */
  close(): Promise<void>;
}

/** Brings a number of subscribers together. */
export type Gather = (subscribers: number) => Audience;

/** How many values are posted in a row. */
export const VALUES = 16;

const VALUE = { topic: "head", data: { slot: 1 } };

/** `Broadcast.post`; each subscriber has a queue of its own and a loop that waits for it. */
const gatherBroadcast: Gather = (subscribers) => {
  const broadcast = new Broadcast<typeof VALUE>();
  let expected = 0;
  let actual = 0;
  let read = Promise.withResolvers<void>();
  const loop = async (subscription: Subscription<typeof VALUE>) => {
    for await (const { topic } of subscription) {
      if (topic === "head" && ++actual === expected) read.resolve();
    }
  };
  const loops = Array.from(
    { length: subscribers },
    () => loop(broadcast.subscribe()),
  );
  return {
    post() {
      expected = VALUES * subscribers;
      actual = 0;
      read = Promise.withResolvers();
      for (let value = 0; value < VALUES; value++) broadcast.post(VALUE);
    },
    async read() {
      await read.promise;
      assertEquals(broadcast.lost, 0);
    },
    async close() {
      broadcast.close();
      await Promise.all(loops);
    },
  };
};

/** `EventTarget.dispatchEvent`; a listener is called at once, nothing is queued. */
const gatherEventTarget: Gather = (subscribers) => {
  const target = new EventTarget();
  let actual = 0;
  for (let index = 0; index < subscribers; index++) {
    target.addEventListener("value", (event) => {
      if ((event as CustomEvent).detail.topic === "head") actual++;
    });
  }
  return {
    post() {
      actual = 0;
      for (let value = 0; value < VALUES; value++) {
        target.dispatchEvent(new CustomEvent("value", { detail: VALUE }));
      }
    },
    // deno-lint-ignore require-await -- everything was read while it was posted
    async read() {
      assertEquals(actual, VALUES * subscribers);
    },
    close: () => Promise.resolve(),
  };
};

/** `BroadcastChannel.postMessage` within one thread, which copies the value for each subscriber. */
const gatherBroadcastChannel: Gather = (subscribers) => {
  const name = crypto.randomUUID();
  const sender = new BroadcastChannel(name);
  let expected = 0;
  let actual = 0;
  let read = Promise.withResolvers<void>();
  const channels = Array.from({ length: subscribers }, () => {
    const channel = new BroadcastChannel(name);
    channel.onmessage = ({ data }) => {
      if (data.topic === "head" && ++actual === expected) read.resolve();
    };
    return channel;
  });
  return {
    post() {
      expected = VALUES * subscribers;
      actual = 0;
      read = Promise.withResolvers();
      for (let value = 0; value < VALUES; value++) sender.postMessage(VALUE);
    },
    read: () => read.promise,
    async close() {
      for (const channel of [sender, ...channels]) channel.close();
      // Deno ends its channels a turn later; one that is opened before that cannot send.
      await new Promise((resolve) => setTimeout(resolve));
    },
  };
};

/** All ways; the first one is the baseline. */
export const AUDIENCES: Record<string, Gather> = {
  EventTarget: gatherEventTarget,
  Broadcast: gatherBroadcast,
  BroadcastChannel: gatherBroadcastChannel,
};
