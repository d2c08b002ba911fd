/** The command line: arguments in, one typed command out, or a {@linkcode UsageError}. */

import { parseArgs as parseTokens } from "node:util";
import { NodeEndpoint } from "../beacon/http/endpoint.ts";
import {
  parseChoice,
  parseDuration,
  parseHeader,
  parseMetricLabel,
  parseName,
  parseNatsUrl,
  parseNetwork,
  parseNodeUrl,
  parsePositiveInteger,
  parseServeAddress,
  parseSpeed,
  parseTopics,
  type ServeAddress,
} from "./flag_values.ts";
import { quote, UsageError } from "./usage_error.ts";

/** A node of the command line, credentials included. */
export interface NodeArgument {
  url: string;
  name?: string;
}

/** What the flags of `watch` and `demo` are; times are in milliseconds. */
export interface FeedArguments {
  topics?: string[];
  format?: "pretty" | "json";
  serve?: ServeAddress;
  /** File that holds the token for what is served. */
  tokenFile?: string;
  /** Whether requests of all methods and paths are passed to a node. */
  passAll?: boolean;
  labels?: Record<string, string>;
  headers: [name: string, value: string][];
  limit?: number;
  forMs?: number;
  maxEventBytes?: number;
  idleTimeoutMs?: number;
  parity?: "charon";
  /** File to record to, and when another one is begun. */
  record?: string;
  /** In bytes before compression. */
  rotateBytes?: number;
  rotateMs?: number;
  /** NATS server to publish to, and the chain's name in subjects. */
  nats?: string;
  natsNetwork?: string;
  quiet: boolean;
}

export type Command =
  | { kind: "help" }
  | { kind: "version" }
  | { kind: "watch"; nodes: NodeArgument[]; feed: FeedArguments }
  | { kind: "demo"; names: string[]; feed: FeedArguments }
  | {
    kind: "replay";
    path: string;
    speed: number | "max";
    feed: FeedArguments;
  };

/** What the flags fill in. */
interface Flags extends FeedArguments {
  names: string[];
  speed?: number | "max";
}

/** How a flag with a value reads it. */
type Reader = (flags: Flags, value: string, flag: string) => void;

/** Flags whose values add up. */
const LIST_FLAGS: Readonly<Record<string, Reader>> = {
  topics(flags, value) {
    flags.topics = [...new Set([...flags.topics ?? [], ...parseTopics(value)])];
  },
  header: (flags, value) => void flags.headers.push(parseHeader(value)),
  name: (flags, value) => void flags.names.push(parseName(value)),
  "metric-label"(flags, value) {
    flags.labels = { ...flags.labels, ...parseMetricLabel(value) };
  },
};

/** Flags whose value may be given once. */
const VALUE_FLAGS: Readonly<Record<string, Reader>> = {
  format: sets(
    "format",
    (flag, value) => parseChoice(flag, value, ["pretty", "json"]),
  ),
  serve: sets("serve", (_flag, value) => parseServeAddress(value)),
  "token-file": sets("tokenFile", (_flag, value) => value),
  limit: sets("limit", parsePositiveInteger),
  for: sets("forMs", parseDuration),
  "max-event-bytes": sets("maxEventBytes", parsePositiveInteger),
  "idle-timeout": sets("idleTimeoutMs", parseDuration),
  parity: sets("parity", (flag, value) => parseChoice(flag, value, ["charon"])),
  record: sets("record", (_flag, value) => value),
  "rotate-bytes": sets("rotateBytes", parsePositiveInteger),
  "rotate-every": sets("rotateMs", parseDuration),
  speed: sets("speed", parseSpeed),
  nats: sets("nats", (_flag, value) => parseNatsUrl(value)),
  "nats-network": sets("natsNetwork", parseNetwork),
};

/** Reads a value into a member. */
function sets<K extends keyof Flags>(
  name: K,
  read: (flag: string, value: string) => Flags[K],
): Reader {
  return (flags, value, flag) => void (flags[name] = read(flag, value));
}

const OPTIONS = {
  help: { type: "boolean", short: "h" },
  version: { type: "boolean" },
  quiet: { type: "boolean" },
  "pass-all": { type: "boolean" },
  ...Object.fromEntries(
    Object.keys({ ...LIST_FLAGS, ...VALUE_FLAGS })
      .map((name) => [name, { type: "string" as const }]),
  ),
} as const;

/**
 * Reads the arguments of the command. A flag takes its value from behind `=` or from the next
 * argument. Lists that are given twice add up; another flag that is given twice is bad usage.
 *
 * @throws {UsageError} If the arguments do not make a command.
 */
export function parseArgs(args: readonly string[]): Command {
  // Not strict: the errors of `node:util` would show values, which may be secrets.
  const { tokens, positionals } = parseTokens({
    args: [...args],
    options: OPTIONS,
    strict: false,
    tokens: true,
  });
  const flags: Flags = { headers: [], names: [], quiet: false };
  const seen = new Set<string>();
  for (const token of tokens) {
    if (token.kind !== "option") continue;
    const { name, rawName, value, inlineValue } = token;
    const known = Object.hasOwn(OPTIONS, name) &&
      (rawName.startsWith("--") || rawName === "-h");
    if (!known) {
      throw new UsageError(
        `unknown flag ${quote(rawName)}: see beacon-sse --help`,
      );
    }
    const read = LIST_FLAGS[name] ?? VALUE_FLAGS[name];
    if (read === undefined) {
      if (value !== undefined) {
        throw new UsageError(`${rawName} takes no value, got ${quote(value)}`);
      }
      if (name === "help" || name === "version") return { kind: name };
      if (seen.has(name)) throw new UsageError(`${rawName} may be given once`);
      seen.add(name);
      if (name === "pass-all") flags.passAll = true;
      else flags.quiet = true;
      continue;
    }
    if (value === undefined || (!inlineValue && value.startsWith("--"))) {
      const got = value === undefined ? "nothing" : quote(value);
      throw new UsageError(`${rawName} needs a value, got ${got}`);
    }
    if (seen.has(name) && !(name in LIST_FLAGS)) {
      throw new UsageError(
        `${rawName} may be given once, got ${quote(value)} too`,
      );
    }
    seen.add(name);
    read(flags, value, rawName);
  }
  return toCommand(positionals, flags);
}

function toCommand(
  positionals: string[],
  { names, speed, ...feed }: Flags,
): Command {
  if (positionals[0] === "replay") {
    const [, path, ...rest] = positionals;
    if (path === undefined || rest.length > 0) {
      throw new UsageError(
        `replay takes one file, got ${
          rest.length + Number(path !== undefined)
        }`,
      );
    }
    return { kind: "replay", path, speed: speed ?? 1, feed };
  }
  if (speed !== undefined) throw new UsageError("--speed is for replay only");
  const isDemo = positionals[0] === "demo";
  const isNamed = isDemo || positionals[0] === "watch";
  const urls = isNamed ? positionals.slice(1) : positionals;
  if (isDemo && urls.length > 0) {
    throw new UsageError(`demo takes no node URL, got ${quote(urls[0]!)}`);
  }
  const nodes = urls.map(parseNodeUrl);
  if (!isDemo && nodes.length === 0) {
    throw new UsageError(
      "no node URL given: expected one such as http://localhost:5052",
    );
  }
  const count = isDemo ? DEMO_NODES : nodes.length;
  if (names.length > count) {
    const named = count === 1 ? "1 node has" : `${count} nodes have`;
    throw new UsageError(
      `--name ${quote(names[count]!)} has no node: ${named} a name already`,
    );
  }
  if (isDemo) return { kind: "demo", feed, names };
  checkUnique(nodes.map((url, i) => names[i] ?? new NodeEndpoint(url).name));
  return {
    kind: "watch",
    nodes: nodes.map(({ href }, i) => ({
      url: href,
      ...(names[i] !== undefined && { name: names[i] }),
    })),
    feed,
  };
}

/** The demo's nodes. */
const DEMO_NODES = 3;

function checkUnique(names: string[]): void {
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) {
    throw new UsageError(
      `--name must be different for each node, got ${quote(twice)} twice`,
    );
  }
}
