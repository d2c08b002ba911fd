/**
 * Stand-in for the part of `@std/assert` that this project uses, over `node:assert/strict`. It
 * passes nothing that the real one fails; it is stricter where Node is (`0` is not `-0`). The texts
 * of failures differ: no test may look at them.
 *
 * @module
 */
import strict from "node:assert/strict";

// deno-lint-ignore no-explicit-any -- as in the real one
type Class<E> = abstract new (...args: any[]) => E;

/** Throws where the value is falsy. */
export function assert(expr: unknown, msg?: string): asserts expr {
  strict.ok(expr, msg ?? "expected a truthy value");
}

/** Throws where the value is truthy. */
export function assertFalse(
  expr: unknown,
  msg?: string,
): asserts expr is false | 0 | 0n | "" | null | undefined {
  strict.ok(!expr, msg ?? `expected a falsy value, got ${expr}`);
}

/** Throws where the values are not deeply equal. */
export function assertEquals<T>(actual: T, expected: T, msg?: string): void {
  strict.deepStrictEqual(actual, expected, msg);
}

/** Throws where the values are deeply equal. */
export function assertNotEquals<T>(actual: T, expected: T, msg?: string): void {
  strict.notDeepStrictEqual(actual, expected, msg);
}

/** Throws where the text does not contain the other. */
export function assertStringIncludes(actual: string, expected: string): void {
  check(actual.includes(expected), actual, "to include", expected);
}

/** Throws where the text does not match. */
export function assertMatch(actual: string, expected: RegExp): void {
  strict.match(actual, expected);
}

/** Throws where the value is no instance of the class. */
export function assertInstanceOf<T extends Class<unknown>>(
  actual: unknown,
  expectedType: T,
  msg?: string,
): asserts actual is InstanceType<T> {
  const is = actual instanceof expectedType;
  check(is, actual, "to be an instance of", expectedType.name, msg);
}

/** Throws where the numbers are further apart than the tolerance. */
export function assertAlmostEquals(
  actual: number,
  expected: number,
  tolerance: number = Math.abs(expected) * 1e-7,
): void {
  const near = Math.abs(expected - actual) <= tolerance;
  check(near, actual, "to be close to", expected);
}

type Comparison = <T>(actual: T, expected: T, msg?: string) => void;

/** Throws unless `actual > expected`. */
export const assertGreater: Comparison = (actual, expected, msg) =>
  check(actual > expected, actual, "to be greater than", expected, msg);

/** Throws unless `actual >= expected`. */
export const assertGreaterOrEqual: Comparison = (actual, expected, msg) =>
  check(actual >= expected, actual, "to be at least", expected, msg);

/** Throws unless `actual < expected`. */
export const assertLess: Comparison = (actual, expected, msg) =>
  check(actual < expected, actual, "to be less than", expected, msg);

/** Throws unless `actual <= expected`. */
export const assertLessOrEqual: Comparison = (actual, expected, msg) =>
  check(actual <= expected, actual, "to be at most", expected, msg);

/** Throws where the function does not, or not such an error; returns the error. */
export function assertThrows(fn: () => unknown): unknown;
export function assertThrows<E extends Error>(
  fn: () => unknown,
  ErrorClass: Class<E>,
  msgIncludes?: string,
): E;
export function assertThrows(
  fn: () => unknown,
  ErrorClass: Class<unknown> = Object,
  msgIncludes = "",
): unknown {
  try {
    fn();
  } catch (error) {
    assertInstanceOf(error, ErrorClass);
    assertStringIncludes((error as Error).message, msgIncludes);
    return error;
  }
  strict.fail("expected the function to throw");
}

/** Throws where the promise does not reject, or not so; returns the reason. */
export function assertRejects(fn: () => PromiseLike<unknown>): Promise<unknown>;
export function assertRejects<E extends Error>(
  fn: () => PromiseLike<unknown>,
  ErrorClass: Class<E>,
  msgIncludes?: string,
): Promise<E>;
export async function assertRejects(
  fn: () => PromiseLike<unknown>,
  ...expected: [Class<Error>?, string?]
): Promise<unknown> {
  const promise = fn();
  check(typeof promise?.then === "function", promise, "to be", "a promise");
  const rethrow = await promise.then(
    () => () => {},
    (reason) => () => {
      throw reason;
    },
  );
  return assertThrows(rethrow, ...expected as [Class<Error>, string?]);
}

function check(
  holds: boolean,
  actual: unknown,
  relation: string,
  expected: unknown,
  msg?: string,
): void {
  const message = `expected ${Deno.inspect(actual)} ${relation} ${expected}`;
  if (!holds) strict.fail(msg ?? message);
}
