/** The command line: arguments in, one typed command out, or a {@linkcode UsageError}. */

import { NodeEndpoint } from "../beacon/http/endpoint.ts";
import {
  parseDurationFlag,
  parseHeader,
  parseName,
  parsePositiveInteger,
  parseServeAddress,
  parseTopics,
  type ServeAddress,
} from "./flag_values.ts";
import { parseNodeUrl } from "./node_url.ts";
import { quote, UsageError } from "./usage_error.ts";

/** A node of the command line. */
export interface NodeArgument {
  /** The node's URL, credentials included. */
  url: string;
  /** Its `--name`. */
  name?: string;
}

/** What `watch` and `demo` have in common. */
export interface FeedArguments {
  /** Topics; the listener's default where absent. */
  topics?: string[];
  /** Format of the lines; by the kind of stdout where absent. */
  format?: "pretty" | "json";
  /** Where to serve metrics and health. */
  serve?: ServeAddress;
  /** Name and value of each `--header`. */
  headers: [name: string, value: string][];
  /** Number of events after which to stop. */
  limit?: number;
  /** Time after which to stop, in milliseconds. */
  forMs?: number;
  /** Cap of one event, in bytes. */
  maxEventBytes?: number;
  /** Silence after which a node is contacted anew, in milliseconds. */
  idleTimeoutMs?: number;
  /** Whose rules to follow for late heads and repeated reorgs. */
  parity?: "charon";
  /** Whether log lines are left out. */
  quiet: boolean;
}

/** What the command line asks for. */
export type Command =
  | { kind: "help" }
  | { kind: "version" }
  | { kind: "watch"; nodes: NodeArgument[]; feed: FeedArguments }
  | { kind: "demo"; name?: string; feed: FeedArguments };

/** What the flags fill in. */
interface Flags extends FeedArguments {
  names: string[];
}

/** How each flag with a value reads it. */
const VALUE_FLAGS: Readonly<
  Record<string, (flags: Flags, value: string, flag: string) => void>
> = {
  "--topics": (flags, value) => {
    flags.topics = parseTopics(value);
  },
  "--format": (flags, value) => {
    if (value !== "pretty" && value !== "json") {
      throw new UsageError(
        `--format must be pretty or json, got ${quote(value)}`,
      );
    }
    flags.format = value;
  },
  "--serve": (flags, value) => {
    flags.serve = parseServeAddress(value);
  },
  "--header": (flags, value) => {
    flags.headers.push(parseHeader(value));
  },
  "--name": (flags, value) => {
    flags.names.push(parseName(value));
  },
  "--limit": (flags, value, flag) => {
    flags.limit = parsePositiveInteger(flag, value);
  },
  "--for": (flags, value, flag) => {
    flags.forMs = parseDurationFlag(flag, value);
  },
  "--max-event-bytes": (flags, value, flag) => {
    flags.maxEventBytes = parsePositiveInteger(flag, value);
  },
  "--idle-timeout": (flags, value, flag) => {
    flags.idleTimeoutMs = parseDurationFlag(flag, value);
  },
  "--parity": (flags, value) => {
    if (value !== "charon") {
      throw new UsageError(`--parity must be charon, got ${quote(value)}`);
    }
    flags.parity = value;
  },
};

/** The flags without a value, with their canonical names. */
const PLAIN_FLAGS: Readonly<
  Record<string, "--help" | "--version" | "--quiet">
> = {
  "--help": "--help",
  "-h": "--help",
  "--version": "--version",
  "--quiet": "--quiet",
};

/**
 * Reads the arguments of the command. A flag takes its value from behind `=` or from the next
 * argument; where a flag that is not repeatable is given twice, the last one holds.
 *
 * @param args The arguments, without the program's name.
 * @returns The command.
 * @throws {UsageError} If the arguments do not make a command.
 */
export function parseArgs(args: readonly string[]): Command {
  const flags: Flags = { headers: [], names: [], quiet: false };
  const positionals: string[] = [];
  for (let i = 0; i < args.length; i++) {
    const argument = args[i]!;
    if (argument === "--") {
      positionals.push(...args.slice(i + 1));
      break;
    }
    if (!argument.startsWith("-") || argument === "-") {
      positionals.push(argument);
      continue;
    }
    const equals = argument.indexOf("=");
    const flag = equals < 0 ? argument : argument.slice(0, equals);
    const inline = equals < 0 ? undefined : argument.slice(equals + 1);
    const plain = PLAIN_FLAGS[flag];
    if (plain !== undefined) {
      if (inline !== undefined) {
        throw new UsageError(`${flag} takes no value, got ${quote(inline)}`);
      }
      if (plain === "--help") return { kind: "help" };
      if (plain === "--version") return { kind: "version" };
      flags.quiet = true;
      continue;
    }
    const read = VALUE_FLAGS[flag];
    if (read === undefined) {
      throw new UsageError(
        `unknown flag ${quote(flag)}: see beacon-sse --help`,
      );
    }
    const value = inline ?? args[++i];
    if (
      value === undefined || (inline === undefined && value.startsWith("--"))
    ) {
      const got = value === undefined ? "nothing" : quote(value);
      throw new UsageError(`${flag} needs a value, got ${got}`);
    }
    read(flags, value, flag);
  }
  return toCommand(positionals, flags);
}

function toCommand(positionals: string[], { names, ...feed }: Flags): Command {
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
  const count = isDemo ? 1 : nodes.length;
  if (names.length > count) {
    const rule = `${count} ${
      count === 1 ? "node has" : "nodes have"
    } a name already`;
    throw new UsageError(`--name ${quote(names[count]!)} has no node: ${rule}`);
  }
  if (isDemo) {
    return {
      kind: "demo",
      feed,
      ...(names[0] !== undefined && { name: names[0] }),
    };
  }
  checkUnique(nodes.map((url, i) => names[i] ?? new NodeEndpoint(url).name));
  return {
    kind: "watch",
    nodes: nodes.map(({ href }, i) => {
      const name = names[i];
      return name === undefined ? { url: href } : { url: href, name };
    }),
    feed,
  };
}

function checkUnique(names: string[]): void {
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) {
    throw new UsageError(
      `--name must be given to tell nodes apart, got ${quote(twice)} twice`,
    );
  }
}
