/** Checks faults where they enter, since a schedule may come from a file. */

import type { Fault } from "./fault.ts";

/** Throws unless a fault is one of these types and all its options are right. */
export function checkFault(
  fault: Fault,
  types: readonly Fault["type"][],
): void {
  const options = fault as unknown;
  if (typeof options !== "object" || options === null) {
    throw new TypeError(
      `Cannot cause a fault: it must be an object, got ${options}`,
    );
  }
  const { type, ...rest } = options as Record<string, unknown>;
  const rules = RULES[type as Fault["type"]] as
    | Record<string, Rule>
    | undefined;
  if (!rules || !types.includes(type as Fault["type"])) {
    throw new TypeError(
      `Cannot cause a fault: type must be one of ${
        types.join(", ")
      }, got ${type}`,
    );
  }
  for (const name of Object.keys(rest)) {
    if (Object.hasOwn(rules, name)) continue;
    throw new TypeError(`Cannot cause a fault: ${type} has no option ${name}`);
  }
  for (const [name, rule] of Object.entries(rules)) {
    const value = rest[name];
    if (value === undefined && !rule.isRequired) continue;
    check(`${name} of ${type}`, value, rule);
  }
}

/** What an option has to be. */
interface Rule {
  /** What `typeof` says of it. */
  kind: "number" | "string" | "boolean" | "object";
  /** The rule in words. */
  words: string;
  /** Whether a value of that kind keeps to it. */
  holds: (value: never) => boolean;
  /** Whether it has to be there. */
  isRequired?: boolean;
}

function check(
  name: string,
  value: unknown,
  { kind, words, holds }: Rule,
): void {
  const isOfKind = typeof value === kind && value !== null;
  if (isOfKind && holds(value as never)) return;
  const ErrorClass = isOfKind ? RangeError : TypeError;
  const text = typeof value === "string"
    ? JSON.stringify(value)
    : String(value);
  throw new ErrorClass(
    `Cannot cause a fault: ${name} must be ${words}, got ${text}`,
  );
}

function integer(min: number, max: number = Number.MAX_SAFE_INTEGER): Rule {
  return {
    kind: "number",
    words: `an integer from ${min} to ${max}`,
    holds: (value: number) =>
      Number.isSafeInteger(value) && value >= min && value <= max,
  };
}

/** An integer, or no bound at all. */
function count(min: number): Rule {
  return {
    kind: "number",
    words: `an integer from ${min} on, or Infinity`,
    holds: (value: number) =>
      (Number.isSafeInteger(value) && value >= min) || value === Infinity,
  };
}

function oneOf(...values: string[]): Rule {
  return {
    kind: "string",
    words: `one of ${values.join(", ")}`,
    holds: (value: string) => values.includes(value),
  };
}

function text(words: string, pattern: RegExp): Rule {
  return {
    kind: "string",
    words,
    holds: (value: string) => pattern.test(value),
  };
}

function required(rule: Rule): Rule {
  return { ...rule, isRequired: true };
}

const ANYTHING = text("a text", /^/);
const ONE_LINE = text("one line", /^[^\r\n]*$/);
const HEADER = text("a header's value", /^[\t\x20-\x7e]*$/);
const FLAG: Rule = {
  kind: "boolean",
  words: "true or false",
  holds: () => true,
};
const TEXTS: Rule = {
  kind: "object",
  words: "an array of texts, one at least",
  holds: (value: unknown) =>
    Array.isArray(value) && value.length > 0 &&
    value.every((item) => typeof item === "string"),
};
const HEADERS: Rule = {
  kind: "object",
  words: "names and values of headers",
  holds: (value: Record<string, string>) => {
    try {
      return !Array.isArray(value) && Boolean(new Headers(value));
    } catch {
      return false;
    }
  },
};
const ENDPOINT = oneOf(
  "events",
  "genesis",
  "spec",
  "headers",
  "version",
  "syncing",
  "health",
  "all",
);
const times = count(1);
const point = { times, afterBytes: integer(0), inMidLine: FLAG };

/** The options of each type. */
const RULES: { [T in Fault["type"]]: RulesOf<Extract<Fault, { type: T }>> } = {
  status: {
    status: required(integer(200, 599)),
    body: ANYTHING,
    bodyBytes: count(0),
    contentType: HEADER,
    retryAfter: HEADER,
    headers: HEADERS,
    endpoint: ENDPOINT,
    times,
  },
  hang: { endpoint: ENDPOINT, times },
  empty: { times },
  "content-type": { contentType: HEADER, times },
  "late-headers": { times },
  "other-chain": {
    root: text("0x and 64 hexadecimal digits", /^0x[0-9a-f]{64}$/i),
    times,
  },
  "refuse-topics": {
    topics: required(TEXTS),
    answer: oneOf("named", "unnamed", "empty"),
    times,
  },
  "joined-topics": { answer: oneOf("named", "unnamed", "hang"), times },
  "repeated-topics": { times },
  "wire-form": {
    lineEnd: oneOf("lf", "crlf", "cr"),
    space: FLAG,
    bom: FLAG,
    times,
  },
  silence: { comments: FLAG, times },
  drop: { events: required(integer(1)), times },
  malformed: { payloads: TEXTS, times },
  retry: { value: required(ONE_LINE), times },
  "endless-frame": { bytes: count(0), prefix: ONE_LINE, times },
  "giant-event": { indices: integer(1, 1_000_000), times },
  "future-slot": { slots: integer(1), times },
  "deep-reorg": { depth: ANYTHING, times },
  disconnect: { inMidLine: FLAG, times },
  "branch-switch": { depth: integer(1) },
  "clock-skew": { byMs: required(integer(-86_400_000, 86_400_000)) },
  refuse: {},
  slam: { times },
  reset: point,
  cut: point,
  "half-open": point,
  stall: { ...point, ms: count(0) },
  drip: { times, bytes: integer(1), intervalMs: integer(0, 86_400_000) },
};

/** A rule for each option but the type. */
type RulesOf<F extends Fault> = { [K in Exclude<keyof F, "type">]-?: Rule };
