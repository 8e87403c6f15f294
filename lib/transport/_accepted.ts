import type { Stream } from "./contract.ts";

/** Gives a stream to a listener's owner. What the owner throws ends the stream and is reported as uncaught; accepting goes on. */
export function accepted(accept: (stream: Stream) => void, stream: Stream): void {
  try {
    accept(stream);
  } catch (error) {
    stream.destroy();
    queueMicrotask(() => {
      throw error;
    });
  }
}
