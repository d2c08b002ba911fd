/**
 * The live page: one document that holds its style and its program, and requests nothing but the
 * gateway's stream and tables.
 */

import * as app from "./app.ts";
import * as branchTree from "./branch_tree.ts";
import * as dom from "./dom.ts";
import * as epochGrid from "./epoch_grid.ts";
import * as eventLists from "./event_lists.ts";
import { PAGE_BODY } from "./body.ts";
import * as model from "./model.ts";
import * as nodeCards from "./node_cards.ts";
import * as slotLine from "./slot_line.ts";
import { PAGE_STYLE } from "./style.ts";

/**
 * The page's document.
 *
 * @param nonce A fresh random value, the same as in {@linkcode pageHeaders}.
 * @returns HTML.
 */
export function renderPage(nonce: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>beacon-sse</title>
<link rel="icon" href="data:,">
<style nonce="${nonce}">${PAGE_STYLE}</style>
</head>
<body>${PAGE_BODY}<script nonce="${nonce}">${pageProgram()}</script>
</body>
</html>
`;
}

/**
 * The headers of the page's response: nothing but what the document itself holds may run.
 *
 * @param nonce The value that {@linkcode renderPage} was given.
 */
export function pageHeaders(nonce: string): Record<string, string> {
  return {
    "content-type": "text/html; charset=utf-8",
    "cache-control": "no-store",
    "content-security-policy":
      `default-src 'none'; script-src 'nonce-${nonce}'; style-src 'nonce-${nonce}'; img-src data:; ` +
      "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
  };
}

/**
 * The program as text. Its modules consist of exported functions and classes only, which refer to each
 * other by name: so their own sources, one behind the other, are the program, and nothing is built.
 */
function pageProgram(): string {
  const modules = [
    dom,
    model,
    slotLine,
    epochGrid,
    nodeCards,
    branchTree,
    eventLists,
    app,
  ];
  const sources = modules.flatMap((module) =>
    Object.values(module) as (() => void)[]
  ).map(String);
  // Within a script element, this is the only text that could end it.
  return `"use strict";\n${sources.join("\n")}\n${app.runPage.name}();`
    .replaceAll("</", "<\\/");
}
