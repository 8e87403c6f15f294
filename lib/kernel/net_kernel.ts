import { type Atom, atom } from "../etf/atom.ts";
import * as t from "../etf/schema/t.ts";
import { GenServer } from "../gen/server/gen_server.ts";
import { on } from "../gen/server/handlers.ts";

/**
 * The process `net_kernel`, as far as other nodes ask it: `net_adm:ping` monitors it and calls `{is_auth, Node}`. Any answer but
 * `yes` makes the caller disconnect; whoever can ask has shown the cookie.
 */
export class NetKernel extends GenServer {
  /** @ignore @internal Nobody elsewhere is to end it: without it no ping is answered. */
  readonly _essential = true;

  override readonly calls = {
    is_auth: on(t.term, (_node): Atom<"yes"> => atom("yes")),
  };
}
