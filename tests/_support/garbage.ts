/** Collects what nobody holds any more, in a program that was started with --expose-gc. @param pause milliseconds after each of three collections. */
export async function collectGarbage(pause: number): Promise<void> {
  const { gc, Bun } = globalThis as unknown as {
    gc?: () => void;
    Bun?: { gc(force: boolean): void };
  };
  if (gc === undefined && Bun === undefined) {
    throw new Error("Cannot collect garbage: start the runtime with --expose-gc");
  }
  for (let i = 0; i < 3; i++) {
    Bun?.gc(true);
    gc?.();
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
}
