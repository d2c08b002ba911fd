/** The parts of the Beacon API that a fault can strike. */

/** A part of the Beacon API, or all of it. */
export type Endpoint =
  | "events"
  | "genesis"
  | "spec"
  | "headers"
  | "version"
  | "syncing"
  | "health"
  | "all";

/** Whether a path belongs to a part of the API. */
export function isAt(endpoint: Endpoint, path: string): boolean {
  return endpoint === "all" || PATHS[endpoint].test(path);
}

const PATHS: Record<Exclude<Endpoint, "all">, RegExp> = {
  events: /^\/eth\/v1\/events$/,
  genesis: /^\/eth\/v1\/beacon\/genesis$/,
  spec: /^\/eth\/v1\/config\/spec$/,
  headers: /^\/eth\/v1\/beacon\/headers(\/|$)/,
  version: /^\/eth\/v[12]\/node\/version$/,
  syncing: /^\/eth\/v1\/node\/syncing$/,
  health: /^\/eth\/v1\/node\/health$/,
};
