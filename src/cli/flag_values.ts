/** How the values of the command line are read, each with an error that names its flag. */

import { OWN_LABELS } from "../listener/metrics/registry.ts";
import { isTopicName } from "../beacon/events/topic.ts";
import { redactUrl } from "../beacon/http/redact_url.ts";
import { shown } from "../values/shown.ts";
import { quote, refuse, UsageError } from "./usage_error.ts";

/** Where `--serve` listens. */
export interface ServeAddress {
  /** Host name or address, an IPv6 address without brackets. */
  hostname: string;
  /** Port; 0 takes a free one. */
  port: number;
}

export function parseTopics(value: string): string[] {
  const topics = value.split(",").map((topic) => topic.trim());
  const bad = topics.find((topic) => !isTopicName(topic));
  if (bad !== undefined) {
    const rule = "must be names such as head,chain_reorg";
    throw new UsageError(
      `--topics ${rule}, got ${quote(bad)} in ${quote(value)}`,
    );
  }
  return topics;
}

/** Reads `--serve`: `HOST:PORT`, an IPv6 address in brackets. */
export function parseServeAddress(value: string): ServeAddress {
  const match = /^(?:\[([0-9a-f:.]+)\]|([^\s:/@?#[\]]+)):(\d{1,5})$/i.exec(
    value,
  );
  const port = Number(match?.[3]);
  const isAddress = match?.[1] === undefined ||
    URL.canParse(`http://[${match[1]}]`);
  if (match === null || !isAddress || port > 65535) {
    refuse("--serve", "HOST:PORT such as 127.0.0.1:9464", value);
  }
  return { hostname: match[1] ?? match[2]!, port };
}

/** Reads `--header`. Its value is a secret more often than not: no message repeats it. */
export function parseHeader(text: string): [name: string, value: string] {
  const colon = text.indexOf(":");
  if (colon < 0) {
    const word = /^[a-z-]+(?=\s|$)/i.exec(text)?.[0];
    const got = word === undefined
      ? `${text.length} characters without a colon`
      : quote(word.length < text.length ? `${word} …` : word);
    throw new UsageError(`--header must be "Name: value", got ${got}`);
  }
  const name = text.slice(0, colon).trim();
  const value = text.slice(colon + 1).trim();
  if (!/^[!#$%&'*+.^_`|~0-9a-z-]+$/i.test(name)) {
    refuse("--header", '"Name: value" with a valid name', name);
  }
  if (!/^[\t\x20-\x7e\x80-\xff]*$/.test(value)) {
    throw new UsageError(
      `--header ${quote(name)} has a value with characters no header can hold`,
    );
  }
  return [name, value];
}

export function parseMetricLabel(text: string): Record<string, string> {
  const [, name, value] = /^([a-z_]\w*)=(.*)$/is.exec(text) ?? [];
  if (name === undefined || value === undefined) {
    throw new UsageError(
      `--metric-label must be NAME=VALUE such as cluster_name=a, got ${
        quote(text)
      }`,
    );
  }
  if (OWN_LABELS.includes(name) || name.startsWith("__")) {
    throw new UsageError(
      `--metric-label must have a name that is free, got ${quote(name)}`,
    );
  }
  return { [name]: value };
}

export function parseName(value: string): string {
  if (value.trim() === "" || /[\p{Cc}\p{Zl}\p{Zp}]/u.test(value)) {
    refuse("--name", "text on one line", value);
  }
  return value;
}

export function parseChoice<const T extends string>(
  flag: string,
  value: string,
  choices: readonly T[],
): T {
  const choice = choices.find((choice) => choice === value);
  if (choice === undefined) {
    refuse(flag, choices.join(" or "), value);
  }
  return choice;
}

export function parsePositiveInteger(flag: string, value: string): number {
  const number = /^\d+$/.test(value) ? Number(value) : NaN;
  if (!Number.isSafeInteger(number) || number < 1) {
    refuse(flag, "a positive integer", value);
  }
  return number;
}

/** The longest duration that a timer can wait, in milliseconds (a little under 25 days). */
const MAX_DURATION_MS = 2 ** 31 - 1;

const NUMBER = String.raw`(\d+(?:\.\d+)?)`;
const DURATION = new RegExp(
  `^(?:${NUMBER}h)?(?:${NUMBER}m)?(?:${NUMBER}s)?(?:${NUMBER}ms)?$`,
);
const UNITS_MS = [3_600_000, 60_000, 1000, 1];

/** Reads a duration such as `1m30s`, each unit at most once and the larger first, into milliseconds. */
export function parseDuration(flag: string, value: string): number {
  const numbers = DURATION.exec(value)?.slice(1) ?? [];
  const milliseconds = Math.round(
    numbers.reduce((sum, text, i) => sum + Number(text ?? 0) * UNITS_MS[i]!, 0),
  );
  if (milliseconds < 1 || milliseconds > MAX_DURATION_MS) {
    refuse(flag, "a duration such as 500ms, 30s or 1m30s, 596h at most", value);
  }
  return milliseconds;
}

/** A host, with userinfo, port and path or without. */
const WITHOUT_SCHEME =
  /^(?:[^@/?#]*@)?(?:\[[0-9a-f:.]+\]|[^\s:/?#@[\]]+)(?::\d{1,5})?(?:[/?].*)?$/i;
const EXAMPLE = "such as http://localhost:5052";

/**
 * Reads a node's URL; `localhost:5052` is short for `http://localhost:5052`, and spaces around it count
 * for nothing.
 *
 * @throws {UsageError} If the text is no http(s) URL; its credentials are not in the message.
 */
export function parseNodeUrl(value: string): URL {
  const text = value.trim();
  const got = shown(redactUrl(text), 80);
  const hasScheme = /^[a-z][a-z0-9+.-]*:\/\//i.test(text);
  // `localhost` is a host; any other word without port, dot or path is a mistyped command.
  if (!hasScheme && text !== "localhost" && !/[.:/@]/.test(text)) {
    throw new UsageError(
      `unknown command or node URL ${got}: expected watch, demo or a URL ${EXAMPLE}`,
    );
  }
  const isReadable = hasScheme || WITHOUT_SCHEME.test(text);
  const url = isReadable
    ? URL.parse(hasScheme ? text : `http://${text}`)
    : null;
  if (url === null || /\s/.test(text)) {
    throw new UsageError(`node URL must be a URL ${EXAMPLE}, got ${got}`);
  }
  if (url.protocol !== "http:" && url.protocol !== "https:") {
    throw new UsageError(`node URL must be http or https, got ${got}`);
  }
  return url;
}

/** Reads `--speed`. */
export function parseSpeed(flag: string, value: string): number | "max" {
  if (value === "max") return value;
  const speed = /^\d+(\.\d+)?$/.test(value) ? Number(value) : NaN;
  if (!(speed > 0 && speed <= 1e6)) {
    refuse(flag, "max or a number above 0, 1000000 at most", value);
  }
  return speed;
}

/** Reads `--nats`. No message repeats the value, which may hold a password. */
export function parseNatsUrl(value: string): string {
  if (!/^(nats|tls|ws|wss):\/\//.test(value) || !URL.canParse(value)) {
    throw new UsageError(
      "--nats must be a URL such as nats://localhost:4222 or ws://localhost:8080",
    );
  }
  return value;
}

/** Reads `--nats-network`: a part of a subject. */
export function parseNetwork(flag: string, value: string): string {
  if (!/^[\w-]{1,64}$/.test(value)) {
    refuse(flag, "letters, digits, - and _", value);
  }
  return value;
}
