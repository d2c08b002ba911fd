/**
 * What can go wrong between us and a beacon node. Messages and fields never hold userinfo, keys in
 * paths or queries, nor header values.
 */

/** The node answered with a status other than the one asked for. */
export class BeaconHttpError extends Error {
  /** Name of the class. */
  override readonly name = "BeaconHttpError";
  /** Status of the answer, such as 503. */
  readonly status: number;
  /** URL that was asked, without userinfo and query, and of its path only plain words. */
  readonly url: string;
  /** The first characters of the answer's body, control characters escaped. */
  readonly body: string;
  /** What the answer's `Retry-After` asks for, in milliseconds. */
  readonly retryAfterMs: number | undefined;

  /**
   * Creates an instance.
   *
   * @param message What failed.
   * @param answer The parts of the answer that are kept.
   * @param options `cause`, where another error led to this one.
   */
  constructor(
    message: string,
    answer: {
      status: number;
      url: string;
      body: string;
      retryAfterMs?: number | undefined;
    },
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.status = answer.status;
    this.url = answer.url;
    this.body = answer.body;
    this.retryAfterMs = answer.retryAfterMs;
  }
}

/** The node answered, but not with what the Beacon API says: content type, JSON, size, end of stream. */
export class BeaconProtocolError extends Error {
  /** Name of the class. */
  override readonly name = "BeaconProtocolError";
}

/** The node did not answer, or fell silent. */
export class BeaconTimeoutError extends Error {
  /** Name of the class. */
  override readonly name = "BeaconTimeoutError";
  /** `"probe"`: no HTTP answer at all; `"idle"`: a stream without bytes, or without events. */
  readonly phase: "probe" | "idle";

  /**
   * Creates an instance.
   *
   * @param message What was waited for, and how long.
   * @param phase What was waited for.
   * @param options `cause`, where another error led to this one.
   */
  constructor(
    message: string,
    phase: "probe" | "idle",
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.phase = phase;
  }
}

/** The node could not be reached, or the connection broke: refused, DNS, TLS, reset. */
export class BeaconNetworkError extends Error {
  /** Name of the class. */
  override readonly name = "BeaconNetworkError";
}
