/** Takes payloads apart and breaks them member by member. */

/** The names that lead to a member: `["data", "source", "epoch"]`. */
export type Path = readonly string[];

/** Members that nodes leave out, by the end of their path. */
const OPTIONAL = [
  "execution_optimistic",
  "committee_bits",
  "chain_reorg.epoch",
  "execution",
  "execution_branch",
  "parent_block_number",
  "withdrawals",
  "parent_beacon_block_root",
  "kzg_commitments",
  "versioned_hashes",
  "execution_requests_root",
  "current_slot",
];

/** All members of a payload, those of objects and arrays inside included. */
export function* membersOf(payload: unknown, path: Path = []): Generator<Path> {
  if (typeof payload !== "object" || payload === null) return;
  for (const [name, value] of Object.entries(payload)) {
    yield [...path, name];
    // The execution header of a light client header is delivered unchecked.
    if (name !== "execution") yield* membersOf(value, [...path, name]);
  }
}

/** Whether nodes leave a member out. */
export function isOptional(topic: string, path: Path): boolean {
  const name = [topic, ...path].join(".");
  return OPTIONAL.some((end) => name.endsWith(`.${end}`) || name === end);
}

/** The value of a member. */
export function valueAt(payload: unknown, path: Path): unknown {
  return path.reduce(
    (value, name) => (value as Record<string, unknown>)[name],
    payload,
  );
}

/** A copy of a payload without a member. */
export function without(payload: unknown, path: Path): unknown {
  const copy = JSON.parse(JSON.stringify(payload));
  delete (valueAt(copy, path.slice(0, -1)) as Record<string, unknown>)[
    path.at(-1)!
  ];
  return copy;
}

/** A copy of a payload with another value for a member. */
export function replaced(
  payload: unknown,
  path: Path,
  value: unknown,
): unknown {
  const copy = JSON.parse(JSON.stringify(payload));
  (valueAt(copy, path.slice(0, -1)) as Record<string, unknown>)[path.at(-1)!] =
    value;
  return copy;
}

/** What a member must not be, given what a node sends and what of it is delivered. */
export function mistyped(
  path: Path,
  sent: unknown,
  delivered: unknown,
): unknown[] {
  const wrong: unknown[] = [7, null, 1e3, "", "ten"];
  if (Array.isArray(sent)) return [...wrong, true, {}, "[]"];
  if (typeof sent === "object") return [...wrong, true, []];
  wrong.push({}, []);
  if (typeof sent === "boolean") return [...wrong, "true", "1"];
  wrong.push(true);
  if (path.at(-1) === "version") {
    return [...wrong.filter((value) => value !== "ten"), "Gloas", "a b"];
  }
  if (path.at(-1) === "payload_status") return [...wrong, "FULL"];
  if (/^0x/.test(String(sent))) {
    const text = String(sent);
    wrong.push(
      text.slice(2),
      `${text}0`,
      text.slice(0, -1),
      ` ${text.slice(1)}`,
      `0X${text.slice(2)}`,
    );
    wrong.push(
      `0x${"g".repeat(text.length - 2)}`,
      `0x${"é".repeat(text.length - 2)}`,
      "0x",
    );
    if (!path.at(-1)!.endsWith("_bits")) {
      wrong.push(`${text}00`, text.slice(0, -2));
    }
    return wrong;
  }
  wrong.push(
    "-1",
    "+1",
    " 1",
    "1 ",
    "1e3",
    "1.0",
    "0x10",
    "1_0",
    "١",
    "18446744073709551616",
  );
  if (typeof delivered === "number") {
    wrong.push("18446744073709551615", "9007199254740992");
  }
  return wrong;
}
