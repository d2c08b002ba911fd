/**
 * `@valibot/valibot` from npm, where it is published from the same sources.
 *
 * @module
 */
export * from "npm:valibot@^1.2.0";
