/**
 * Decompresses gzip (RFC 1952), also of several members one after another, which
 * `DecompressionStream` refuses. What is torn or damaged costs the rest of its member only.
 *
 * @param bytes A file of gzip; one that does not begin like gzip is passed on as it is.
 */
export async function* decompress(
  bytes: ReadableStream<Uint8Array>,
): AsyncGenerator<Uint8Array, void, void> {
  const source = bytes.getReader();
  let rest = new Uint8Array(0);
  let isOver = false;
  const fill = async () => {
    while (rest.length < HEADER_BYTES && !isOver) {
      const { done, value } = await source.read();
      if (done) isOver = true;
      else rest = joined(rest, value);
    }
  };
  /** The bytes until the next member begins. */
  const member = (isInside: boolean) =>
    new ReadableStream<Uint8Array<ArrayBuffer>>({
      async pull(controller) {
        await fill();
        const next = indexOfHeader(rest, isInside ? 0 : 1);
        // A header may begin in the last bytes and end in the next piece.
        const sure = isOver ? rest.length : rest.length - HEADER_BYTES + 1;
        const end = next === -1 ? Math.max(isInside ? 0 : 1, sure) : next;
        isInside = true;
        if (end > 0) controller.enqueue(rest.slice(0, end));
        rest = rest.slice(end);
        if (next !== -1 || (isOver && rest.length === 0)) controller.close();
      },
    }, { highWaterMark: 0 });
  try {
    await fill();
    if (rest[0] !== MAGIC[0] || rest[1] !== MAGIC[1]) {
      for (; rest.length > 0; await fill()) {
        yield rest;
        rest = new Uint8Array(0);
      }
      return;
    }
    do {
      try {
        yield* member(false).pipeThrough(new DecompressionStream("gzip"));
      } catch {
        // Its last line is torn, and must not be joined with the next one.
        yield LINE_FEED;
        for await (const _ of member(true));
      }
    } while (rest.length > 0 || !isOver);
  } finally {
    await source.cancel();
  }
}

const MAGIC = [0x1f, 0x8b] as const;
const HEADER_BYTES = 10;
const LINE_FEED = new Uint8Array([10]);

/** Where a member's header begins: magic, deflate, no reserved flag, a known level and system. */
function indexOfHeader(bytes: Uint8Array, from: number): number {
  for (let at = bytes.indexOf(MAGIC[0], from); at !== -1;) {
    if (at + HEADER_BYTES > bytes.length) return -1;
    const [, magic, method, flags, , , , , level, system] = bytes.subarray(at);
    if (
      magic === MAGIC[1] && method === 8 && flags! < 0x20 &&
      [0, 2, 4].includes(level!) && (system! <= 19 || system === 255)
    ) return at;
    at = bytes.indexOf(MAGIC[0], at + 1);
  }
  return -1;
}

function joined(first: Uint8Array, second: Uint8Array) {
  const both = new Uint8Array(first.length + second.length);
  both.set(first);
  both.set(second, first.length);
  return both;
}
