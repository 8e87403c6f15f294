import { ServerRef } from "../server/server_ref.ts";
import type { Pid } from "../../etf/identifiers.ts";
import type { Node } from "../../node/node.ts";
import type { Web } from "./web.ts";

/** What a {@linkcode Web} has done and does. */
export interface WebStats {
  /** Requests that are worked on now. */
  readonly running: number;
  /** Requests that wait. */
  readonly queued: number;
  /** WebSockets and event streams that are open. */
  readonly open: number;
  /** Requests in all. */
  readonly requests: number;
  /** Those that got 503, as too much waited or the server was stopping. */
  readonly refused: number;
  /** Those that got 504. */
  readonly timedOut: number;
  /** Those that got 500. */
  readonly failed: number;
}

/** A reference to a {@linkcode Web}. */
export class WebRef<W extends Web> extends ServerRef<W> {
  /** The address that it listens on. */
  readonly host: string;
  /** The port that it listens on. */
  readonly port: number;
  /** Where it is reached, as "http://127.0.0.1:8080". */
  readonly url: string;
  readonly #stats: () => WebStats;

  /** @ignore @internal */
  constructor(
    node: Node,
    pid: Pid,
    address: { readonly host: string; readonly port: number; readonly url: string },
    stats: () => WebStats,
  ) {
    super(node, pid, node._core.main, {});
    this.host = address.host;
    this.port = address.port;
    this.url = address.url;
    this.#stats = stats;
  }

  /** Its counts. */
  stats(): WebStats {
    return this.#stats();
  }
}
