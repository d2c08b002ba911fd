/** What makes a message this one and no other, so that redundant listeners store each event once. */

import type { BeaconEvent } from "../beacon/events/beacon_event.ts";
import { eventIdentity } from "../beacon/events/event_identity.ts";

/**
 * Gives ids: the identity of the event. A head that goes from A to B and back to A is reported three
 * times: the third time it is another message than the first.
 */
export class MessageIds {
  readonly #lastHead = new Map<string, string>();
  readonly #times = new Map<string, number>();

  /** The id of the next event. */
  of(event: BeaconEvent<string>): string {
    const id = eventIdentity(event);
    const { topic } = event;
    if (topic !== "head" && topic !== "head_v2") return id;
    const isRepeat = this.#lastHead.get(topic) === id;
    this.#lastHead.set(topic, id);
    const times = (this.#times.get(id) ?? 0) + (isRepeat ? 0 : 1);
    this.#times.delete(id);
    this.#times.set(id, Math.max(1, times));
    if (this.#times.size > REMEMBERED_HEADS) {
      this.#times.delete(this.#times.keys().next().value!);
    }
    return times > 1 ? `${id} #${times}` : id;
  }
}

const REMEMBERED_HEADS = 1024;
