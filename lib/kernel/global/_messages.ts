import { atom } from "../../etf/atom.ts";
import type { Pid } from "../../etf/identifiers.ts";
import type { Encodable, Term } from "../../etf/term.ts";
import { TermMap } from "../../etf/term_map.ts";
import { tuple } from "../../etf/tuple.ts";
import {
  type ExternalName,
  externalTerm,
  GLOBAL,
  type KnownNode,
  knownTerm,
  type NamedPid,
  namesTerm,
  type Operation,
  operationsTerm,
  VERSION,
} from "./_protocol.ts";

const INIT_CONNECT = atom("init_connect");
const INIT_CONNECT_ACK = atom("init_connect_ack");
const CANCEL_CONNECT = atom("cancel_connect");
const LOCKER = atom("locker");
const NO_LONGER_A_PID = atom("no_longer_a_pid");
const EXCHANGE = atom("exchange");
const RESOLVED = atom("resolved");
const UNUSED = atom("unused");
const NEW_NODES = atom("new_nodes");
const IN_SYNC = atom("in_sync");
const LOST_CONNECTION = atom("lost_connection");
const REMOVE_CONNECTION = atom("remove_connection");
const LOCK = atom("lock");
const VSN = atom("vsn");

/** What a node has found in another one's names, and whom it knows. */
export interface Resolved {
  readonly operations: readonly Operation[];
  readonly known: readonly KnownNode[];
  readonly external: readonly ExternalName[];
}

/** What the rest of a part of the cluster is told when it has become one with another part. */
export interface NewNodes {
  readonly operations: readonly Operation[];
  readonly external: readonly ExternalName[];
  readonly nodes: readonly KnownNode[];
  /** The version that was spoken between the two that have met, and the lock that they had. */
  readonly version: number;
  readonly requester: Term;
}

/** Makes what one name server says to another; each element is where global.erl of OTP 25 matches it. */
export class Messages {
  readonly #own: Term;

  /** @param own this node's name. */
  constructor(own: string) {
    this.#own = atom(own);
  }

  initConnect(tag: number, known: readonly KnownNode[], locker: Pid): Encodable {
    const map = new TermMap(known.map(([node, version]) => [atom(node), version] as const));
    const by = tuple(LOCKER, NO_LONGER_A_PID, map, locker);
    return tuple(INIT_CONNECT, tuple(VERSION, tag), this.#own, by) as Encodable;
  }

  initConnectAck(hisTag: Term, myTag: number): Encodable {
    return tuple(INIT_CONNECT_ACK, this.#own, hisTag, myTag) as Encodable;
  }

  cancelConnect(hisTag: Term): Encodable {
    return tuple(CANCEL_CONNECT, this.#own, hisTag) as Encodable;
  }

  exchange(names: Iterable<NamedPid>, hisTag: Term): Encodable {
    return tuple(EXCHANGE, this.#own, namesTerm(names), [], hisTag) as Encodable;
  }

  /** @param version what the receiver speaks. */
  resolved({ operations, known, external }: Resolved, version: number, hisTag: Term): Encodable {
    return tuple(
      RESOLVED,
      this.#own,
      operationsTerm(operations),
      knownTerm(known, version),
      UNUSED,
      externalTerm(external),
      hisTag,
    ) as Encodable;
  }

  /** @param receives the version that the receiver speaks. */
  newNodes(
    { operations, external, nodes, version, requester }: NewNodes,
    receives: number,
  ): Encodable {
    return tuple(
      NEW_NODES,
      this.#own,
      operationsTerm(operations),
      externalTerm(external),
      knownTerm(nodes, receives),
      [tuple(VSN, version), tuple(LOCK, tuple(GLOBAL, requester))],
    ) as Encodable;
  }

  inSync(): Encodable {
    return tuple(IN_SYNC, this.#own, true) as Encodable;
  }

  /** Of this node's own loss, or of another's that is passed on. */
  lostConnection(
    from: string | null,
    creation: number | bigint,
    operation: number | bigint,
    to: string,
  ): Encodable {
    const by = from === null ? this.#own : atom(from);
    return tuple(LOST_CONNECTION, by, creation, operation, atom(to)) as Encodable;
  }

  removeConnection(): Encodable {
    return tuple(REMOVE_CONNECTION, this.#own) as Encodable;
  }
}
