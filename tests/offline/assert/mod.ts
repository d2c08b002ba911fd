/**
 * Stand-in for the part of `@std/assert` that this project uses, for places
 * where JSR does not answer. What passes and what fails is the same; the text of
 * a failure is not, so no test may look at it. Never published; see
 * `tests/offline/switch.ts`.
 *
 * @module
 */
import strict from "node:assert/strict";
import { inspect } from "node:util";
import { equal } from "./equal.ts";

export { equal };

/** A class whose instances are `E`; `any`, or it would accept more than the real ones. */
// deno-lint-ignore no-explicit-any
type Class<E> = abstract new (...args: any[]) => E;

/** An array or something like it, but no string. */
export type ArrayLikeArg<T> = ArrayLike<T> & object;

/** What each assertion throws when it fails. */
export class AssertionError extends Error {
  /** Makes the error. */
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "AssertionError";
  }
}

/** Throws, always. */
export function fail(msg?: string): never {
  throw new AssertionError(msg ?? "Reached a place that must not be reached");
}

/** The value is truthy. */
export function assert(expr: unknown, msg?: string): asserts expr {
  if (!expr) fail(msg ?? "Expected a truthy value");
}

/** The value is falsy. */
export function assertFalse(
  expr: unknown,
  msg?: string,
): asserts expr is Falsy {
  if (expr) failed("falsy", expr, undefined, msg);
}

/** What {@linkcode assertFalse} leaves over. */
export type Falsy = false | 0 | 0n | "" | null | undefined;

/** The values are deeply equal. */
export function assertEquals<T>(actual: T, expected: T, msg?: string): void {
  if (!equal(actual, expected)) failed("equal", actual, expected, msg);
}

/** The values are not deeply equal. */
export function assertNotEquals<T>(actual: T, expected: T, msg?: string): void {
  if (equal(actual, expected)) failed("different from", actual, expected, msg);
}

/** The values are the same, as `Object.is` has it. */
export function assertStrictEquals<T>(
  actual: unknown,
  expected: T,
  msg?: string,
): asserts actual is T {
  if (!Object.is(actual, expected)) failed("same as", actual, expected, msg);
}

/** The values are not the same, as `Object.is` has it. */
export function assertNotStrictEquals<T>(
  actual: T,
  expected: T,
  msg?: string,
): void {
  if (Object.is(actual, expected)) failed("not", actual, expected, msg);
}

/** The value is neither `null` nor `undefined`. */
export function assertExists<T>(
  actual: T,
  msg?: string,
): asserts actual is NonNullable<T> {
  if (actual === null || actual === undefined) fail(msg ?? `Got ${actual}`);
}

/** The text contains the other. */
export function assertStringIncludes(
  actual: string,
  expected: string,
  msg?: string,
): void {
  if (!actual.includes(expected)) failed("including", actual, expected, msg);
}

/** The text matches the pattern. */
export function assertMatch(
  actual: string,
  expected: RegExp,
  msg?: string,
): void {
  if (!expected.test(actual)) failed("matching", actual, expected, msg);
}

/** The text does not match the pattern. */
export function assertNotMatch(
  actual: string,
  expected: RegExp,
  msg?: string,
): void {
  if (expected.test(actual)) failed("not matching", actual, expected, msg);
}

/** The value is an instance of the class. */
export function assertInstanceOf<T extends Class<unknown>>(
  actual: unknown,
  expectedType: T,
  msg?: string,
): asserts actual is InstanceType<T> {
  if (actual instanceof expectedType) return;
  failed("an instance of", actual, expectedType, msg);
}

/** The array contains each item of the other, deeply. */
export function assertArrayIncludes<T>(
  actual: ArrayLikeArg<T>,
  expected: ArrayLikeArg<T>,
  msg?: string,
): void {
  const items = Array.from(actual);
  for (const wanted of Array.from(expected)) {
    if (items.some((item) => equal(item, wanted))) continue;
    failed("including", items, wanted, msg);
  }
}

/** The number is as near as the tolerance (default: 1e-7 of the expected one) demands. */
export function assertAlmostEquals(
  actual: number,
  expected: number,
  tolerance?: number,
  msg?: string,
): void {
  if (Object.is(actual, expected)) return;
  const scale = Number.isFinite(expected) ? Math.abs(expected) : 1;
  if (Math.abs(expected - actual) <= (tolerance ?? scale * 1e-7)) return;
  failed("close to", actual, expected, msg);
}

/** `actual > expected`. */
export function assertGreater<T>(actual: T, expected: T, msg?: string): void {
  if (!(actual > expected)) failed("greater than", actual, expected, msg);
}

/** `actual >= expected`. */
export function assertGreaterOrEqual<T>(
  actual: T,
  expected: T,
  msg?: string,
): void {
  if (!(actual >= expected)) failed("at least", actual, expected, msg);
}

/** `actual < expected`. */
export function assertLess<T>(actual: T, expected: T, msg?: string): void {
  if (!(actual < expected)) failed("less than", actual, expected, msg);
}

/** `actual <= expected`. */
export function assertLessOrEqual<T>(
  actual: T,
  expected: T,
  msg?: string,
): void {
  if (!(actual <= expected)) failed("at most", actual, expected, msg);
}

/**
 * The object has what the expected one has, at each depth; an array may be
 * longer. Here, maps, sets and typed arrays must be equal as a whole.
 */
export function assertObjectMatch(
  // deno-lint-ignore no-explicit-any -- as in the real one, which takes interfaces
  actual: Record<PropertyKey, any>,
  expected: Record<PropertyKey, unknown>,
  msg?: string,
): void {
  if (!contains(actual, expected)) failed("matching", actual, expected, msg);
}

/** The value is an error of the class, with a message that contains the text or matches the pattern. */
export function assertIsError<E extends Error = Error>(
  error: unknown,
  ErrorClass?: Class<E>,
  msgMatches?: string | RegExp,
  msg?: string,
): asserts error is E {
  if (!(error instanceof (ErrorClass ?? Error))) {
    failed("an instance of", error, ErrorClass ?? Error, msg);
  }
  const { message } = error as Error;
  const matches = msgMatches instanceof RegExp
    ? msgMatches.test(message)
    : message.includes(msgMatches ?? "");
  if (!matches) failed("with a message like", error, msgMatches, msg);
}

/** The function throws; returns what it throws. */
export function assertThrows(fn: () => unknown, msg?: string): unknown;
/** The function throws an error of the class; returns it. */
export function assertThrows<E extends Error = Error>(
  fn: () => unknown,
  ErrorClass: Class<E>,
  msgIncludes?: string,
  msg?: string,
): E;
export function assertThrows<E extends Error = Error>(
  fn: () => unknown,
  classOrMsg?: Class<E> | string,
  ...rest: [msgIncludes?: string, msg?: string]
): unknown {
  let thrown: unknown;
  try {
    fn();
  } catch (error) {
    thrown = error;
    return checkThrown(thrown, classOrMsg, rest);
  }
  return fail(text(classOrMsg, rest) ?? "The function did not throw");
}

/** The promise rejects; returns its reason. A function that throws at once fails. */
export function assertRejects(
  fn: () => PromiseLike<unknown>,
  msg?: string,
): Promise<unknown>;
/** The promise rejects with an error of the class; returns it. */
export function assertRejects<E extends Error = Error>(
  fn: () => PromiseLike<unknown>,
  ErrorClass: Class<E>,
  msgIncludes?: string,
  msg?: string,
): Promise<E>;
export async function assertRejects<E extends Error = Error>(
  fn: () => PromiseLike<unknown>,
  classOrMsg?: Class<E> | string,
  ...rest: [msgIncludes?: string, msg?: string]
): Promise<unknown> {
  let promise: PromiseLike<unknown>;
  try {
    promise = fn();
  } catch (cause) {
    throw new AssertionError("The function threw, it did not reject", {
      cause,
    });
  }
  if (typeof promise?.then !== "function") {
    fail("The function did not return a promise");
  }
  try {
    await promise;
  } catch (error) {
    return checkThrown(error, classOrMsg, rest);
  }
  return fail(text(classOrMsg, rest) ?? "The promise did not reject");
}

function checkThrown<E extends Error>(
  error: unknown,
  classOrMsg: Class<E> | string | undefined,
  [msgIncludes, msg]: [msgIncludes?: string, msg?: string],
): unknown {
  if (typeof classOrMsg === "function") {
    assertIsError(error, classOrMsg, msgIncludes, msg);
  }
  return error;
}

function text(
  classOrMsg: unknown,
  [, msg]: [msgIncludes?: string, msg?: string],
): string | undefined {
  return typeof classOrMsg === "string" ? classOrMsg : msg;
}

/** Throws, with Node's difference of both values where it has one. */
function failed(
  relation: string,
  actual: unknown,
  expected: unknown,
  msg?: string,
): never {
  let difference = `Expected ${inspect(actual)} to be ${relation} ${
    inspect(expected)
  }`;
  if (relation === "equal") {
    try {
      strict.deepStrictEqual(actual, expected);
    } catch (error) {
      difference = (error as Error).message;
    }
  }
  throw new AssertionError(msg ? `${msg}: ${difference}` : difference);
}

/** Whether `actual`, cut down to what `expected` has, equals it. */
function contains(actual: unknown, expected: unknown): boolean {
  if (!isOpen(actual) || !isOpen(expected)) return equal(actual, expected);
  const isArray = Array.isArray(expected);
  if (isArray && !Array.isArray(actual)) return false;
  return Reflect.ownKeys(expected).every((key) =>
    isArray && key === "length" ||
    Object.hasOwn(actual, key) &&
      contains(Reflect.get(actual, key), Reflect.get(expected, key))
  );
}

/** Whether the value is an object to look into, not one to compare whole. */
function isOpen(value: unknown): value is object {
  return typeof value === "object" && value !== null &&
    ![Date, RegExp, Map, Set, ArrayBuffer].some((type) =>
      value instanceof type
    ) && !ArrayBuffer.isView(value);
}
