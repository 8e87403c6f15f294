// The memory that two threads share: numbers of 32 bits, then the bytes of an answer.

/** Where the question stands that a thread waits for, and whether it is answered. */
const STATE = 0;
/** How many bytes the answer has. */
const LENGTH = 1;
/** 1 where it is the answer, 0 where it is an error. */
const OK = 2;
/** The last check that the thread has answered, see {@linkcode SharedAnswer.checked}. */
const CHECKED = 3;
/** Bytes in front of the answer. */
const HEAD = 16;

// What a question's state is: its number four times, and one of these.
const WAITING = 0;
const WRITING = 1;
const DONE = 2;
const GIVEN_UP = 3;
/** Four times as many fit into the state. */
const QUESTIONS = 1 << 28;

/** An answer as it stands there. */
export interface Answered {
  readonly ok: boolean;
  readonly bytes: Uint8Array;
}

/**
 * Where a thread that stands still gets its answer. Questions have numbers: an answer that comes when its thread has given up is dropped, and
 * not taken for that to the next question.
 */
export class SharedAnswer {
  readonly #state: Int32Array;
  readonly #bytes: Uint8Array;
  #question = 0;

  constructor(shared: SharedArrayBuffer) {
    this.#state = new Int32Array(shared, 0, HEAD / 4);
    this.#bytes = new Uint8Array(shared, HEAD);
  }

  /** How many bytes an answer may have. */
  get room(): number {
    return this.#bytes.length;
  }

  /** Begins to wait for an answer. @returns the question's number, to be sent with it. */
  ask(): number {
    const question = this.#question = (this.#question + 1) % QUESTIONS;
    Atomics.store(this.#state, STATE, question * 4 + WAITING);
    return question;
  }

  /** Stands still until the last question is answered. @returns `null` where it is not within so many milliseconds. */
  wait(patience: number): Answered | null {
    const state = this.#state;
    const first = this.#question * 4;
    if (Atomics.wait(state, STATE, first + WAITING, patience) === "timed-out") {
      const was = Atomics.compareExchange(state, STATE, first + WAITING, first + GIVEN_UP);
      if (was === first + WAITING) return null;
    }
    // It may have come while the time ran out, and is being written.
    while (Atomics.load(state, STATE) === first + WRITING) {
      Atomics.wait(state, STATE, first + WRITING, 1);
    }
    return { ok: state[OK] === 1, bytes: this.#bytes.slice(0, state[LENGTH]) };
  }

  /** Answers a question. @returns whether anybody still waits for it. */
  answer(question: number, { ok, bytes }: Answered): boolean {
    const state = this.#state;
    const first = question * 4;
    const was = Atomics.compareExchange(state, STATE, first + WAITING, first + WRITING);
    if (was !== first + WAITING) return false;
    this.#bytes.set(bytes);
    state[LENGTH] = bytes.length;
    state[OK] = ok ? 1 : 0;
    Atomics.store(state, STATE, first + DONE);
    Atomics.notify(state, STATE);
    return true;
  }

  /** The last check that the thread has answered; 0 before it has begun. It is known here even when no message of the thread has been read. */
  get checked(): number {
    return Atomics.load(this.#state, CHECKED);
  }

  set checked(check: number) {
    Atomics.store(this.#state, CHECKED, check);
  }
}
