/** Who writes the log. */
interface Sink {
  now(): number;
  warn(text: string): void;
  error(text: string): void;
}

/** Milliseconds until the same is said again. */
const FOLD = 60_000;
/** So many texts are known. */
const MOST = 100;

/** Says the same once a minute at most, and how often it was so since. */
export class Folded {
  readonly #sink: Sink;
  readonly #said: Map<string, { at: number; more: number }> = new Map();

  constructor(sink: Sink) {
    this.#sink = sink;
  }

  warn(text: string): void {
    const whole = this.#fold(text);
    if (whole !== null) this.#sink.warn(whole);
  }

  error(text: string): void {
    const whole = this.#fold(text);
    if (whole !== null) this.#sink.error(whole);
  }

  #fold(text: string): string | null {
    const now = this.#sink.now();
    const said = this.#said.get(text);
    if (said !== undefined && now < said.at + FOLD) {
      said.more++;
      return null;
    }
    this.#said.delete(text);
    if (this.#said.size >= MOST) {
      for (const oldest of this.#said.keys()) {
        this.#said.delete(oldest);
        break;
      }
    }
    this.#said.set(text, { at: now, more: 0 });
    return said === undefined || said.more === 0
      ? text
      : `${text} (${said.more} times more before)`;
  }
}
