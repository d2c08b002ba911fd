/** Compressed event streams, each chunk for itself, in the `gzip` (RFC 1952) and the `deflate` (RFC 1950) form. */

/**
 * Wraps each chunk into a stored block of DEFLATE (RFC 1951, 3.2.4), which ends
 * at a byte, so that the reader can undo it at once. `CompressionStream` cannot
 * be made to: it keeps bytes back until it has a block.
 */
export function compressed(
  body: ReadableStream<Uint8Array<ArrayBuffer>>,
  encoding: "gzip" | "deflate",
): ReadableStream<Uint8Array<ArrayBuffer>> {
  const isGzip = encoding === "gzip";
  let sum = isGzip ? 0xffffffff : 1;
  let length = 0;
  const wrap = new TransformStream<
    Uint8Array<ArrayBuffer>,
    Uint8Array<ArrayBuffer>
  >({
    start: (controller) =>
      controller.enqueue(new Uint8Array(isGzip ? GZIP_START : ZLIB_START)),
    transform(chunk, controller) {
      for (let from = 0; from < chunk.length; from += LONGEST_BLOCK) {
        const part = chunk.subarray(from, from + LONGEST_BLOCK);
        sum = isGzip ? crc32(sum, part) : adler32(sum, part);
        length += part.length;
        controller.enqueue(storedBlock(0, part));
      }
    },
    flush(controller) {
      controller.enqueue(storedBlock(1, new Uint8Array(0)));
      const end = new DataView(new ArrayBuffer(isGzip ? 8 : 4));
      end.setUint32(0, isGzip ? ~sum : sum, isGzip);
      if (isGzip) end.setUint32(4, length, true);
      controller.enqueue(new Uint8Array(end.buffer));
    },
  });
  return body.pipeThrough(wrap);
}

const GZIP_START = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
const ZLIB_START = [0x78, 0x01];
const LONGEST_BLOCK = 65_535;

function storedBlock(
  isLast: number,
  bytes: Uint8Array<ArrayBuffer>,
): Uint8Array<ArrayBuffer> {
  const { length } = bytes;
  const block = new Uint8Array(length + 5);
  const view = new DataView(block.buffer);
  view.setUint8(0, isLast);
  view.setUint16(1, length, true);
  view.setUint16(3, ~length, true);
  block.set(bytes, 5);
  return block;
}

function crc32(sum: number, bytes: Uint8Array<ArrayBuffer>): number {
  for (const byte of bytes) {
    sum ^= byte;
    for (let bit = 0; bit < 8; bit++) {
      sum = (sum >>> 1) ^ (sum & 1 ? 0xedb88320 : 0);
    }
  }
  return sum;
}

function adler32(sum: number, bytes: Uint8Array<ArrayBuffer>): number {
  let [low, high] = [sum & 0xffff, sum >>> 16];
  for (const byte of bytes) {
    low = (low + byte) % 65_521;
    high = (high + low) % 65_521;
  }
  return (high << 16 | low) >>> 0;
}
