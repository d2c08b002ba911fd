/** The envelope `{"version": <fork>, "data": …}` that topics have whose payload differs by fork. */

import * as v from "@valibot/valibot";
import { fork, isJsonObject } from "../schema.ts";

/** A payload together with the fork that gives it its shape. */
export interface ForkVersioned<T> {
  /** Fork of the payload, in lower case: `"electra"`, `"gloas"`, … */
  readonly version: string;
  /** The payload itself. */
  readonly data: T;
}

/** Schema of a payload inside its envelope. */
export function forkVersioned<T>(
  data: v.GenericSchema<unknown, T>,
): v.GenericSchema<unknown, ForkVersioned<T>> {
  return v.object({ version: fork, data });
}

/**
 * Schema of a payload that some nodes send without its envelope. Only gloas nodes ever did, before
 * https://github.com/ethereum/beacon-APIs/pull/587 reached them, so the fork is known.
 *
 * @param data Schema of the payload itself.
 * @param names Members that show a bare payload, where `version` is missing.
 */
export function forkVersionedOrBare<T>(
  data: v.GenericSchema<unknown, T>,
  names: readonly string[],
): v.GenericSchema<unknown, ForkVersioned<T>> {
  return v.pipe(
    v.unknown(),
    v.transform((value: unknown): unknown => {
      const bare = isJsonObject(value) && !("version" in value) &&
        names.some((name) => name in value);
      return bare ? { version: "gloas", data: value } : value;
    }),
    forkVersioned(data),
  );
}
