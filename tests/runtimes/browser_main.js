/** Runs the suite in a browser; the page's script reads the results from the global scope. */

import { runSuite } from "./suite.js";

globalThis.suiteResults = runSuite({
  conformance: globalThis.conformance ?? [],
  registry: false,
  memory: globalThis.performance.memory &&
    (() => performance.memory.usedJSHeapSize),
});
