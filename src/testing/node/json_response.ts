/** JSON answers as the Beacon API has them. */

import type { StatusCode } from "@std/http/status";

/** An answer with a JSON body. */
export function jsonResponse(
  body: unknown,
  status: StatusCode = 200,
): Response {
  return Response.json(body, { status });
}

/** An error answer: `{"code":404,"message":"…"}`. */
export function errorResponse(code: StatusCode, message: string): Response {
  return jsonResponse({ code, message }, code);
}
