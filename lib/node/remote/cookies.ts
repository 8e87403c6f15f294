/** The secrets that are shared with other nodes, as Erlang's `auth` keeps them: one for all, and others for some. */
export class Cookies {
  #common: (peer: string) => string;
  readonly #peers: Map<string, string> = new Map();

  constructor(common: (peer: string) => string) {
    this.#common = common;
  }

  /** @param local what stands in the place of the common one: that of a listener or a route. */
  of(peer: string, local?: string): string {
    return this.#peers.get(peer) ?? local ?? this.#common(peer);
  }

  /** From now on, for that peer. */
  set(peer: string, cookie: string): void {
    this.#peers.set(peer, cookie);
  }

  /** From now on, for all that have none of their own. */
  setCommon(cookie: string): void {
    this.#common = () => cookie;
  }
}
