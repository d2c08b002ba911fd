/** The address of a beacon node as it is typed on the command line. */

import { redactUrl } from "../beacon/http/redact_url.ts";
import { shown } from "../values/shown.ts";
import { UsageError } from "./usage_error.ts";

/** A host, with userinfo, port and path or without. */
const WITHOUT_SCHEME =
  /^(?:[^@/?#]*@)?(?:\[[0-9a-f:.]+\]|[^\s:/?#@[\]]+)(?::\d{1,5})?(?:[/?].*)?$/i;
const EXAMPLE = "such as http://localhost:5052";

/**
 * Reads a node's URL; `localhost:5052` is short for `http://localhost:5052`.
 *
 * @throws {UsageError} If the text is no http(s) URL; its credentials are not in the message.
 */
export function parseNodeUrl(text: string): URL {
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
