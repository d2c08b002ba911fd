/** Runs the suite in workerd: a request starts it, the response has its results. */

import { runSuite } from "./suite.js";

export default {
  async fetch(request) {
    const conformance = request.method === "POST" ? await request.json() : [];
    return Response.json(await runSuite({ conformance, registry: false }));
  },
};
