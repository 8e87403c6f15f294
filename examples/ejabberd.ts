/**
 * Registers a user of an ejabberd server and lists those there are. The server is an Erlang node, whose own functions we call: no HTTP
 * module needs to be on.
 *
 *     deno run -A examples/ejabberd.ts ejabberd@localhost USER@HOST PASSWORD --cookie C [--epmd-port N]
 *
 * HOST is one of the server's virtual hosts. The cookie is in /var/lib/ejabberd/.erlang.cookie.
 */

import process from "node:process";
import { parseArgs } from "node:util";
import { type Node, startNode, t } from "../mod.ts";

/** `ejabberd_auth:try_register/3` answers `ok`, or why not: `{error, exists}`, `{error, not_allowed}` for a host that is not its own. */
const Registered = t.union(t.atom("ok"), t.tuple(t.atom("error"), t.atom()));
/** `ejabberd_auth:get_users/1`: pairs of user and host. */
const Users = t.list(t.tuple(t.text, t.text));

/** Registers a user. @returns `ok`, or ejabberd's word for what stands against it, as `exists`. */
export async function register(
  node: Node,
  server: string,
  user: string,
  host: string,
  password: string,
): Promise<string> {
  const args = [user, host, password];
  const answer = Registered.parse(await node.rpc(server, "ejabberd_auth", "try_register", args));
  return Array.isArray(answer) ? answer[1].name : answer.name;
}

/** The users of a virtual host, as `user@host`. */
export async function users(node: Node, server: string, host: string): Promise<string[]> {
  const answer = Users.parse(await node.rpc(server, "ejabberd_auth", "get_users", [host]));
  return answer.map(([user, host]) => `${user}@${host}`).sort();
}

async function main(): Promise<void> {
  const { values, positionals: [server, jid, password] } = parseArgs({
    allowPositionals: true,
    options: { cookie: { type: "string" }, "epmd-port": { type: "string" } },
  });
  const [user, host] = jid?.split("@") ?? [];
  if (host === undefined || password === undefined) {
    throw new Error("Cannot register: give the server, the user and the password, see the file");
  }
  const port = values["epmd-port"];
  await using node = await startNode(`users-${process.pid}@localhost`, {
    cookie: values.cookie,
    listen: false, // we only ask
    ...(port === undefined ? {} : { epmd: { port: Number(port) } }),
  });
  console.log(`${jid}: ${await register(node, server, user, host, password)}`);
  console.log((await users(node, server, host)).join("\n"));
}

if (import.meta.main ?? process.argv[1]?.endsWith("ejabberd.ts")) await main();
