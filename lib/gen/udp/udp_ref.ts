import type { Pid } from "../../etf/identifiers.ts";
import type { SocketAddress } from "../../transport/contract.ts";
import type { Node } from "../../node/node.ts";
import { ServerRef } from "../server/server_ref.ts";
import type { Udp, UdpStats } from "./udp.ts";

/** A reference to a {@linkcode Udp} process of this node. */
export class UdpRef<S extends Udp = Udp> extends ServerRef<S> {
  readonly #udp: S;

  /** @ignore @internal */
  constructor(node: Node, pid: Pid, udp: S) {
    super(node, pid, node._core.main, {});
    this.#udp = udp;
  }

  /** Where it is bound, with the port that the system chose. */
  get address(): SocketAddress {
    return this.#udp.address;
  }

  /** What it has counted. */
  get stats(): UdpStats {
    return this.#udp.stats;
  }
}
