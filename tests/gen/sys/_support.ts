import { GenServer, noReply, on, t, type Term, type TermMap } from "../../../mod.ts";

/** A server whose whole state is public, and can be replaced. */
export class Open extends GenServer {
  count = 0;
  readonly seen: Term[] = [];
  override readonly calls = {
    add: on(t.integer, (n) => this.count += n),
    get: () => this.count,
    seen: () => [...this.seen],
    later: on(t.integer, () => noReply),
  };
  override readonly casts = {
    add: on(t.integer, (n) => {
      this.count += n;
    }),
  };
  override handleInfo(message: Term): void {
    this.seen.push(message);
  }
  override replaceState(state: unknown): void {
    const count = (state as TermMap).field("count");
    if (typeof count !== "number") throw new TypeError("count must be a number");
    this.count = count;
  }
}
