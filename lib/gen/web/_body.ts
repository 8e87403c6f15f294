/** A body is larger than it may be. */
export class BodyTooLarge extends Error {
  override readonly name = "BodyTooLarge";
}

/**
 * The request with a body that fails beyond `max` bytes.
 *
 * @throws {BodyTooLarge} where the request says so itself.
 */
export function withLimit(request: Request, max: number): Request {
  const length = request.headers.get("content-length");
  if (length !== null) {
    if (Number(length) > max) throw new BodyTooLarge(tooLarge(max));
    return request; // no more than that comes
  }
  const { body } = request;
  if (body === null || max === Infinity) return request;
  let size = 0;
  const limited = body.pipeThrough(
    new TransformStream<Uint8Array, Uint8Array>({
      transform(chunk, controller) {
        size += chunk.length;
        if (size > max) controller.error(new BodyTooLarge(tooLarge(max)));
        else controller.enqueue(chunk);
      },
    }),
  );
  // `duplex` is missing in TypeScript's types.
  return new Request(request, { body: limited, duplex: "half" } as RequestInit);
}

function tooLarge(max: number): string {
  return `Cannot take the request's body: it has more than ${max} bytes (maxBody)`;
}
