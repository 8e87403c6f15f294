/**
 * Lists the queues of a RabbitMQ broker. It is an Erlang node as any other, so we call its own functions: no plug-in, no HTTP.
 *
 *     deno run -A examples/rabbitmq.ts rabbit@myhost --cookie C [--vhost /] [--epmd-port N]
 *
 * The cookie is in /var/lib/rabbitmq/.erlang.cookie. Our node is hidden: the broker does not take it for one of its cluster.
 */

import process from "node:process";
import { parseArgs } from "node:util";
import { atom, type Node, startNode, t } from "../mod.ts";

/** What `rabbit_amqqueue:info_all/2` tells of a queue: a keyword list, in which a name is `{resource, VHost, queue, Name}`. */
const queue = {
  name: t.tuple(t.atom("resource"), t.text, t.atom("queue"), t.text),
  durable: t.boolean,
  messages: t.integer,
  consumers: t.integer,
};
const Queues = t.list(t.keyword(queue));

/** A queue of a broker. */
export interface Queue {
  readonly name: string;
  readonly durable: boolean;
  readonly messages: number;
  readonly consumers: number;
}

/** The queues of a virtual host, in the order of their names. */
export async function listQueues(node: Node, broker: string, vhost: string): Promise<Queue[]> {
  const items = Object.keys(queue).map((item) => atom(item));
  const answer = Queues.parse(
    await node.rpc(broker, "rabbit_amqqueue", "info_all", [vhost, items]),
  );
  return answer
    .map(({ name: [, , , name], ...figures }) => ({ name, ...figures }))
    .sort((a, b) => a.name < b.name ? -1 : 1);
}

async function main(): Promise<void> {
  const { values, positionals: [broker] } = parseArgs({
    allowPositionals: true,
    options: {
      cookie: { type: "string" },
      vhost: { type: "string", default: "/" },
      "epmd-port": { type: "string" },
    },
  });
  if (broker === undefined) throw new Error("Cannot ask: give the broker, as rabbit@myhost");
  const port = values["epmd-port"];
  await using node = await startNode(`queues-${process.pid}@localhost`, {
    cookie: values.cookie,
    listen: false, // we only ask
    ...(port === undefined ? {} : { epmd: { port: Number(port) } }),
  });
  console.table(await listQueues(node, broker, values.vhost));
}

if (import.meta.main ?? process.argv[1]?.endsWith("rabbitmq.ts")) await main();
