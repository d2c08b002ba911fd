import type { NodeEndpoint } from "./endpoint.ts";

/**
 * A copy of an error and its causes that may be shown. The messages of a runtime name URLs, and those of
 * a parser quote what a node sent; both may hold the node's credentials.
 */
export function publicError(error: unknown, node: NodeEndpoint): Error {
  if (!(error instanceof Error)) {
    return new Error(publicText(String(error), node));
  }
  const options = error.cause === undefined
    ? {}
    : { cause: publicError(error.cause, node) };
  const copy = new Error(publicText(error.message, node), options);
  copy.name = error.name;
  return copy;
}

function publicText(text: string, node: NodeEndpoint): string {
  // A URL ends at white space.
  const plain = text.replace(/ for url \(\S*\)/g, "").replace(
    /\bhttps?:\/\/\S+/g,
    "the node",
  );
  return node.show(plain, 300);
}
