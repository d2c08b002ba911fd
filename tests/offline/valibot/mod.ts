/**
 * `@valibot/valibot` from npm, where it is published from the same sources, for
 * places where JSR does not answer. Never published; see `tests/offline/switch.ts`.
 *
 * @module
 */
export * from "npm:valibot@^1.2.0";
