/**
 * Keeps fields of an error out of what `console.log` lists behind its stack: Bun does not print terms there as terms, but all that
 * they consist of. The message tells them as text.
 */
export function unlisted<E extends Error>(error: E, ...fields: (keyof E & string)[]): void {
  for (const field of fields) Object.defineProperty(error, field, { enumerable: false });
}
