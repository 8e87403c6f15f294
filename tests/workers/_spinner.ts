import { GenServer, on, t } from "../../mod.ts";

/** A server that computes without end when it is asked to. */
export default class Spinner extends GenServer {
  override init(spins = false): void {
    if (spins === true) this.#spin();
  }

  override readonly calls = {
    me: () => this.pid,
    spin: on(t.pid, (told) => {
      this.send(told, "spins");
      this.#spin();
      return null;
    }),
  };

  #spin(): void {
    this.node.whereis("nobody"); // which sends what was sent before
    for (;;);
  }
}
