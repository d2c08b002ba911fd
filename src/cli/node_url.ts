/** The address of a beacon node as it is typed on the command line. */

import { redactUrl } from "../beacon/http/redact_url.ts";
import { quote, UsageError } from "./usage_error.ts";

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
  const hasScheme = /^[a-z][a-z0-9+.-]*:\/\//i.test(text);
  if (!hasScheme && isBareWord(text)) {
    throw new UsageError(
      `unknown command or node URL ${
        quote(redactUrl(text))
      }: expected watch, demo or a URL ${EXAMPLE}`,
    );
  }
  const isReadable = hasScheme || WITHOUT_SCHEME.test(text);
  const url = isReadable
    ? URL.parse(hasScheme ? text : `http://${text}`)
    : null;
  if (url === null || /\s/.test(text)) {
    throw new UsageError(
      `node URL must be a URL ${EXAMPLE}, got ${quote(redactUrl(text))}`,
    );
  }
  if (url.protocol !== "http:" && url.protocol !== "https:") {
    throw new UsageError(
      `node URL must be http or https, got ${quote(redactUrl(text))}`,
    );
  }
  return url;
}

/** `localhost` is a host; any other word without port, dot or path is a mistyped command. */
function isBareWord(text: string): boolean {
  return text !== "localhost" && !/[.:/@]/.test(text);
}
