/**
 * Stand-in for `@std/http/status`: the codes that this project names, with the texts of
 * `node:http`.
 *
 * @module
 */
import { STATUS_CODES } from "node:http";

/** Status codes by name. */
export const STATUS_CODE = {
  OK: 200,
  NoContent: 204,
  MovedPermanently: 301,
  Found: 302,
  SeeOther: 303,
  TemporaryRedirect: 307,
  PermanentRedirect: 308,
  BadRequest: 400,
  Unauthorized: 401,
  Forbidden: 403,
  NotFound: 404,
  MethodNotAllowed: 405,
  TooManyRequests: 429,
  InternalServerError: 500,
  BadGateway: 502,
  ServiceUnavailable: 503,
  GatewayTimeout: 504,
} as const;

/** A code of {@linkcode STATUS_CODE}. */
export type StatusCode = typeof STATUS_CODE[keyof typeof STATUS_CODE];

/** The text of each code. */
export const STATUS_TEXT = STATUS_CODES as Record<StatusCode, string>;
