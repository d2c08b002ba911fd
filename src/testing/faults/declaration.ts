/** How a fault is declared: from one declaration follow its check and its random draw. */

import * as v from "@valibot/valibot";
import { shown } from "../../values/shown.ts";

/** A source of random choices. */
export interface RandomDraw {
  /** An integer from one to another, both included. */
  integer(min: number, max: number): number;
  /** One of several values. */
  one<T>(values: readonly T[]): T;
  /** One of two. */
  isTrue(): boolean;
}

/** What all faults have. */
export interface FaultBase<T extends string> {
  /** Names the fault. */
  type: T;
}

/** An option of a fault. */
export interface Option<T> {
  /** Checks it. Its message is the rule in words. */
  schema: v.GenericSchema<T>;
  /** Draws it, small enough that a test can afford thousands; without it, it is never drawn. */
  draw?: (random: RandomDraw) => T;
  /** Whether it has to be given. */
  isRequired?: boolean;
}

/** An option for each member of a fault but its type. */
export type Options<F> = {
  [K in Exclude<keyof F, "type">]-?: Option<Exclude<F[K], undefined>>;
};

/** A declared fault. */
export interface Declaration<F extends FaultBase<string>> {
  /** Throws unless a fault of this type has the options that it may have. */
  check(fault: object): void;
  /** A fault of this type: all options that are required, and some of the others. */
  draw(random: RandomDraw): F;
}

/** Declares a fault by its options. */
export function declare<F extends FaultBase<string>>(
  type: F["type"],
  options: Options<F>,
): Declaration<F> {
  const declared = Object.entries<Option<unknown>>(options);
  const schema = v.strictObject({
    type: v.literal(type),
    ...Object.fromEntries(
      declared.map((
        [name, { schema, isRequired }],
      ) => [name, isRequired ? schema : v.optional(schema)]),
    ),
  });
  return {
    check(fault) {
      const [issue] = v.safeParse(schema, fault).issues ?? [];
      if (!issue) return;
      const name = String(issue.path?.[0].key);
      if (!Object.hasOwn(options, name)) {
        throw new TypeError(
          `Cannot cause a fault: ${type} has no option ${name}`,
        );
      }
      const { schema: { message } } = options[name as keyof Options<F>] as {
        schema: { message?: string };
      };
      const ErrorClass = issue.kind === "schema" ? TypeError : RangeError;
      const value = (fault as Record<string, unknown>)[name];
      throw new ErrorClass(
        `Cannot cause a fault: ${name} of ${type} must be ${
          message ?? issue.message
        }, got ${shown(value)}`,
      );
    },
    draw(random) {
      const drawn: Record<string, unknown> = { type };
      for (const [name, { draw, isRequired }] of declared) {
        if (draw && (isRequired || random.isTrue())) drawn[name] = draw(random);
      }
      return drawn as F;
    },
  };
}

/** Declares a fault that strikes so many times; a schedule never draws how many, as it heals its faults. */
export function counted<F extends FaultBase<string> & { times?: number }>(
  type: F["type"],
  options: Omit<Options<F>, "times">,
): Declaration<F> {
  return declare<F>(type, { ...options, times: count(1) } as Options<F>);
}

/** Makes an option one that has to be given. */
export function required<T>(option: Option<T>): Option<T> {
  return { ...option, isRequired: true };
}

/** An integer within bounds; drawn within narrower ones. */
export function integer(
  min: number,
  max: number,
  draw?: readonly [min: number, max: number],
): Option<number> {
  const words = `an integer from ${min} to ${max}`;
  return numeric(
    words,
    (value) => Number.isSafeInteger(value) && value >= min && value <= max,
    draw,
  );
}

/** An integer without an upper bound, or no bound at all. */
export function count(
  min: number,
  draw?: readonly [min: number, max: number],
): Option<number> {
  return numeric(
    `an integer from ${min} on, or Infinity`,
    (value) =>
      (Number.isSafeInteger(value) && value >= min) || value === Infinity,
    draw,
  );
}

function numeric(
  words: string,
  holds: (value: number) => boolean,
  draw?: readonly [min: number, max: number],
): Option<number> {
  return {
    // NaN is a number, which valibot does not take for one.
    schema: v.pipe(
      v.custom<number>((value) => typeof value === "number", words),
      v.check(holds, words),
    ),
    ...draw && { draw: (random) => random.integer(...draw) },
  };
}

/** One of several texts. */
export function oneOf<const T extends string>(
  values: readonly T[],
  drawn: readonly T[] = values,
): Option<T> {
  const words = `one of ${values.join(", ")}`;
  return {
    schema: v.pipe(
      v.string(words),
      v.check((value) => (values as readonly string[]).includes(value), words),
    ) as unknown as v.GenericSchema<T>,
    draw: (random) => random.one(drawn),
  };
}

/** A text of a form; drawn from some. */
export function text(
  words: string,
  pattern: RegExp,
  drawn: readonly string[] = [],
): Option<string> {
  return {
    schema: v.pipe(
      v.string(words),
      v.check((value) => pattern.test(value), words),
    ),
    ...drawn.length > 0 && { draw: (random) => random.one(drawn) },
  };
}

/** Any value of some, not drawn uniformly where some stand in the list twice. */
export function someOf(
  option: Option<number>,
  drawn: readonly number[],
): Option<number> {
  return { ...option, draw: (random) => random.one(drawn) };
}

/** Several texts. */
export function texts(
  drawn: readonly (readonly string[])[] = [],
): Option<readonly string[]> {
  const words = "an array of texts, one at least";
  return {
    schema: v.pipe(
      v.custom<readonly string[]>(
        (value) => typeof value === "object" && value !== null,
        words,
      ),
      v.check(
        (value) =>
          Array.isArray(value) && value.length > 0 &&
          value.every((item) => typeof item === "string"),
        words,
      ),
    ),
    ...drawn.length > 0 && { draw: (random) => random.one(drawn) },
  };
}

/** True or false. */
export const FLAG: Option<boolean> = {
  schema: v.boolean("true or false"),
  draw: (random) => random.isTrue(),
};
/** A text without a line end. */
export const ONE_LINE = (drawn: readonly string[] = []): Option<string> =>
  text("one line", /^[^\r\n]*$/, drawn);
