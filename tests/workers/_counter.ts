import { type Encodable, ExitError, GenServer, later, on, t, type Term } from "../../mod.ts";

/** A server for a worker: keeps a sum, and does what it is asked to. */
export default class Counter extends GenServer {
  #sum = 0;

  override init(from = 0): void {
    this.#sum = from;
  }

  override readonly calls = {
    get: () => this.#sum,
    add: on(t.integer, (n) => this.#sum += n),
    pid: () => this.pid,
    echo: on(t.term, (term) => term),
    late: on(t.term, (term) => later(Promise.resolve(term))),
    crash: () => {
      throw new Error("boom");
    },
    exit: on(t.term, (reason) => {
      throw new ExitError(reason as Term);
    }),
  };
  override readonly casts = {
    reset: () => {
      this.#sum = 0;
    },
    tell: on(t.pid, t.term, (to, message) => this.send(to, message as Encodable)),
  };
}
