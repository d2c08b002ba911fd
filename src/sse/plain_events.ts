/**
 * The form that beacon nodes send, `event: x⏎data: y⏎⏎`, with and without the spaces, read in place:
 * two searches and two slices an event, and no state. Everything else is the decoder's matter.
 */

import type { EventNames } from "./event_names.ts";
import type { ServerSentEvent } from "./server_sent_event.ts";

/**
 * Reads as many plain events as there are.
 *
 * @param text A chunk without CR.
 * @param start Where a new event begins in it.
 * @param mostUnits Events with more UTF-16 code units are left to the decoder, which counts bytes.
 * @param lastEventId What the events carry along.
 * @param events Where they are appended.
 * @returns Where it stopped: at the first line that is of another form, or not here yet.
 */
export function readPlainEvents(
  text: string,
  start: number,
  mostUnits: number,
  names: EventNames,
  lastEventId: string,
  events: ServerSentEvent[],
): number {
  let position = start;
  while (text.charCodeAt(position) === E) {
    const nameEnd = text.indexOf("\n", position);
    if (nameEnd === -1) break;
    const dataStart = nameEnd +
      (text.charCodeAt(nameEnd + 6) === SPACE ? 7 : 6);
    const dataEnd = text.indexOf("\n", dataStart);
    if (
      dataEnd === -1 || text.charCodeAt(dataEnd + 1) !== LINE_FEED ||
      dataEnd - position > mostUnits
    ) break;
    const type = names.ofHead(text, position, nameEnd, dataStart);
    if (type === undefined) break;
    events.push({ type, data: text.slice(dataStart, dataEnd), lastEventId });
    position = dataEnd + 2;
  }
  return position;
}

const E = 0x65;
const LINE_FEED = 0x0a;
const SPACE = 0x20;
