import { CONTROL } from "../../lib/dist/control.ts";
import { encode } from "../../lib/etf/encoder.ts";
import { ImproperList } from "../../lib/etf/list.ts";
import { atom, type Encodable, type Pid, type Term, tuple } from "../../mod.ts";
import type { Maker } from "../_support/hostile_frames.ts";
import { behaviourMessages } from "./behaviours.ts";

const node = (peer: Maker): Term => atom(peer.name);

function term(...elements: readonly Encodable[]): Term {
  return tuple(...elements as Term[]) as Term;
}

/** What nodes tell each other's kernel processes: to whom, and what. */
// deno-fmt-ignore
const MESSAGES: readonly (readonly [name: string, message: (peer: Maker, from: Term) => Term])[] = [
  ["net_kernel", (peer, from) => term(atom("$gen_call"), from, term(atom("is_auth"), node(peer)))],
  ["rex", (peer) => term(peer.pid(), atom("features_request"))],
  ["rex", (peer, from) => term(atom("$gen_call"), from, term(atom("call"), atom("demo"), atom("sum"), [1, 2], peer.pid()))],
  ["rex", (_, from) => term(atom("$gen_call"), from, term(atom("block_call"), atom("demo"), atom("sum"), [1, 2], atom("user")))],
  ["rex", (peer) => term(atom("$gen_cast"), term(atom("cast"), atom("demo"), atom("sum"), [1, 2], peer.pid()))],
  ["rex", (peer) => term(peer.pid(), term(atom("call"), atom("demo"), atom("sum"), [1, 2], peer.pid()))],
  ["rex", (peer) => term(peer.pid(), term(atom("sbcast"), atom("echo"), 7))],
  ["global_name_server", (peer) => term(atom("$gen_cast"), term(atom("init_connect"), term(8, 1234), node(peer), term(atom("locker"), atom("no_longer_a_pid"), [node(peer)], peer.pid())))],
  ["global_name_server", (peer) => term(atom("$gen_cast"), term(atom("exchange"), node(peer), [term(atom("n"), peer.pid(), atom("m"))], [], 1234))],
  ["global_name_server", (peer) => term(atom("$gen_cast"), term(atom("in_sync"), node(peer), true))],
  ["global_name_server", (peer) => term(atom("$gen_cast"), term(atom("new_nodes"), node(peer), [], [], [node(peer)], [], 1234))],
  ["global_name_server", (_, from) => term(atom("$gen_call"), from, term(atom("set_lock"), term(atom("lock"), from))) ],
  ["global_name_server", (_, from) => term(atom("$gen_call"), from, atom("get_known"))],
  ["global_name_server", (peer, from) => term(atom("$gen_call"), from, term(atom("register"), atom("n"), peer.pid(), atom("m")))],
  ["global_name_server", (peer) => term(atom("lost_connection"), node(peer), 77, 1, atom("third@localhost"))],
  ["global_name_server", (peer) => term(atom("cancel_connect"), node(peer), 1234)],
  ["pg", (peer) => term(atom("discover"), peer.pid())],
  ["logger", (peer) => term(atom("log"), atom("error"), encodeText("~p"), [1], new Map<Term, Encodable>([[atom("pid"), peer.pid()]]) as unknown as Term)],
  ["logger_proxy", (peer) => term(atom("log"), atom("error"), encodeText("~p"), [1], new Map<Term, Encodable>([[atom("pid"), peer.pid()]]) as unknown as Term)],
  ["user", (peer) => term(atom("io_request"), peer.pid(), peer.ref(), term(atom("put_chars"), atom("unicode"), encodeText("hello")))],
  ["user", (peer) => term(atom("io_request"), peer.pid(), peer.ref(), term(atom("put_chars"), atom("unicode"), atom("io_lib"), atom("format"), [encodeText("~p~n"), [1]]))],
  ["user", (peer) => term(atom("io_request"), peer.pid(), peer.ref(), term(atom("requests"), [atom("getopts"), term(atom("get_geometry"), atom("columns"))]))],
  ["echo", (_, from) => term(atom("$gen_call"), from, term(atom("echo"), [1, 2.5]))],
  ["echo", (_, from) => term(atom("system"), from, atom("get_state"))],
  ["echo", (_, from) => term(atom("system"), from, atom("get_status"))],
  ["echo", (_, from) => term(atom("system"), from, atom("suspend"))],
  ["echo", (_, from) => term(atom("system"), from, term(atom("debug"), term(atom("trace"), true)))],
  ["rex", (_, from) => term(atom("system"), from, atom("suspend"))],
  ["rex", (_, from) => term(atom("system"), from, term(atom("terminate"), atom("normal")))],
  ["echo", (peer) => term(atom("EXIT"), peer.pid(), atom("boom"))],
];

/** A charlist of ASCII. */
function encodeText(text: string): Term {
  return Array.from(text, (char) => char.charCodeAt(0));
}

/** Frames with such messages, and with requests to spawn what can be spawned. */
export function kernelFrames(peer: Maker, ours: Pid, header: boolean): Uint8Array[] {
  const frame = (control: Encodable, payload: Encodable): Uint8Array => {
    const [one, two] = [encode(control), encode(payload)];
    if (!header) return peer.frame(Uint8Array.of(112), one, two);
    return peer.frame(Uint8Array.of(131, 68, 0), one.subarray(1), two.subarray(1));
  };
  const frames = MESSAGES.map(([name, message]) => {
    const from = term(peer.pid(), new ImproperList([atom("alias")], peer.ref()) as Term);
    return frame(term(CONTROL.REG_SEND, peer.pid(), atom(""), atom(name)), message(peer, from));
  });
  for (const [name, message] of behaviourMessages(peer)) {
    frames.push(frame(term(CONTROL.REG_SEND, peer.pid(), atom(""), atom(name)), message));
  }
  const options = [atom("monitor"), atom("link"), term(atom("priority"), atom("high"))];
  // deno-fmt-ignore
  for (const [module, name, args] of [["demo", "sum", [1, 2]], ["demo", "loop", []], ["erpc", "execute_call", [7, atom("demo"), atom("sum"), [1, 2]]], ["erpc", "execute_cast", [atom("demo"), atom("sum"), [1, 2]]]] as const) {
    const mfa = term(atom(module), atom(name), args.length);
    frames.push(frame(term(CONTROL.SPAWN_REQUEST, peer.ref(), peer.pid(), peer.pid(), mfa, options), [...args] as Term[]));
  }
  frames.push(frame(term(CONTROL.SEND_SENDER, peer.pid(), ours), term(atom("hello"), peer.pid())));
  return frames;
}
