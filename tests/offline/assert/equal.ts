/**
 * Deep equality as `@std/assert` has it. Node's `deepStrictEqual` is not that:
 * it tells 0 from -0 and `{}` from an object without a prototype.
 *
 * @module
 */

/** Whether two values are deeply equal. */
export function equal(a: unknown, b: unknown): boolean {
  return same(a, b, new Map());
}

/** `seen` holds the pairs above this one, so that cycles end. */
function same(a: unknown, b: unknown, seen: Map<object, object>): boolean {
  if (a === b || Object.is(a, b)) return true;
  if (!isObject(a) || !isObject(b) || kind(a) !== kind(b)) return false;
  if (a instanceof WeakMap || a instanceof WeakSet) {
    throw new TypeError("Cannot look into a weak collection");
  }
  if (a instanceof Date) return Object.is(+a, +(b as Date));
  if (seen.get(a) === b) return true;
  seen.set(a, b);
  if (a instanceof WeakRef) {
    return same(a.deref(), (b as WeakRef<WeakKey>).deref(), seen);
  }
  if (isText(a)) return String(a) === String(b);
  if (a instanceof ArrayBuffer || a instanceof SharedArrayBuffer) {
    return sameItems(new Uint8Array(a), new Uint8Array(b as ArrayBuffer));
  }
  if (ArrayBuffer.isView(a) && !(a instanceof DataView)) {
    return sameItems(a as Uint8Array, b as Uint8Array);
  }
  if (a instanceof Set) {
    return sameMembers([...a], [...b as Set<unknown>], seen);
  }
  if (a instanceof Map) {
    return sameMembers([...a], [...b as Map<unknown, unknown>], seen);
  }
  if (Object.keys(a).length !== Object.keys(b).length) return false;
  const keys = new Set([...visibleKeys(a), ...visibleKeys(b)]);
  for (const key of keys) {
    if (!(key in a && key in b)) return false;
    if (!same(Reflect.get(a, key), Reflect.get(b, key), seen)) return false;
  }
  return true;
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

/** What must agree before contents are compared; no prototype counts as `Object`'s. */
function kind(value: object): object {
  return Object.getPrototypeOf(value) ?? Object.prototype;
}

/** Whether the text of a value tells all of it. */
function isText(value: object): boolean {
  return value instanceof RegExp || value instanceof URL ||
    value instanceof URLSearchParams || value instanceof Intl.Locale;
}

function sameItems(a: ArrayLike<unknown>, b: ArrayLike<unknown>): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) {
    if (a[i] !== b[i] && !Object.is(a[i], b[i])) return false;
  }
  return true;
}

/** Each member of one has its own equal in the other, in any order. */
function sameMembers(
  a: unknown[],
  b: unknown[],
  seen: Map<object, object>,
): boolean {
  if (a.length !== b.length) return false;
  const left = [...b];
  return a.every((member) => {
    const index = left.findIndex((other) => same(member, other, new Map(seen)));
    if (index === -1) return false;
    left.splice(index, 1);
    return true;
  });
}

/**
 * The keys to compare: own enumerable ones, for an instance of a class whatever
 * else it and its prototypes have, so that getters count.
 */
function visibleKeys(value: object): PropertyKey[] {
  const proto = kind(value);
  if (proto === Object.prototype || proto === Array.prototype) {
    return Reflect.ownKeys({ ...value });
  }
  const keys: PropertyKey[] = [];
  let level: object | null = value;
  while (level && level !== Object.prototype && level !== Array.prototype) {
    keys.push(...Reflect.ownKeys(level));
    level = Object.getPrototypeOf(level);
  }
  return keys;
}
