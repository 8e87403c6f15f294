// The one importer of node:zlib.
import { deflateSync, inflateSync } from "node:zlib";

/** What deflated bytes hold, at most `size` bytes, and how many bytes they take; `undefined` where they hold more or are damaged. */
export function inflate(
  bytes: Uint8Array,
  size: number,
): { bytes: Uint8Array; consumed: number } | undefined {
  try {
    const { buffer, engine } = inflateSync(bytes, {
      maxOutputLength: size,
      info: true,
    }) as unknown as {
      buffer: Uint8Array;
      engine: { bytesWritten: number };
    };
    return { bytes: buffer, consumed: engine.bytesWritten };
  } catch {
    return undefined;
  }
}

/** The bytes, deflated. */
export function deflate(bytes: Uint8Array, level: number): Uint8Array {
  return deflateSync(bytes, { level });
}
