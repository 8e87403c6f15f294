import { parentPort } from "node:worker_threads";
import { atom, GenServer, later, on, t } from "../../mod.ts";

/** A server on a worker that sends what is no mail. */
export default class Garbler extends GenServer {
  override readonly calls = {
    me: () => this.pid,
    wait: on(t.integer, (ms) =>
      later(
        new Promise<null>((resolve) => setTimeout(() => resolve(null), ms)),
      )),
    garble: () => parentPort!.postMessage(new Uint8Array([104, 5])),
    hold: on(t.integer, async (ms) => {
      await new Promise((resolve) => setTimeout(resolve, ms));
    }),
    size: on(t.term, (term) => String(term).length),
    large: on(t.integer, (bits) => 1n << BigInt(bits)),
    make: on(t.text, (text) => atom(text)),
    call_often: on(t.pid, t.integer, async (pid, times) => {
      const calls = Array.from({ length: times }, () =>
        this.call(pid, "x").then(
          () => "ok",
          ({ name, message }: Error) => `${name}: ${message}`,
        ));
      return [...new Set(await Promise.all(calls))];
    }),
  };
}
