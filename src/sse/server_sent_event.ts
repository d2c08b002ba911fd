/** One dispatched event of an event stream, as the WHATWG HTML standard (9.2.6) interprets it. */
export interface ServerSentEvent {
  /** Value of the `event` field; `"message"` where the stream gave none. */
  type: string;
  /** The values of the `data` fields, joined by line feeds. */
  data: string;
  /** The last event ID in force at this event, `""` where none was ever set. */
  lastEventId: string;
}
