/**
 * Phoenix.PubSub across two nodes, no Elixir needed: a room of a chat that processes, a callback and a loop follow, one broadcast by a process that does not
 * hear itself, one to a single node. A node of Elixir with `{Phoenix.PubSub, name: Chat.PubSub}` would be one more member: at the end stands how.
 *
 *     deno run -A examples/pub_sub.ts        bun examples/pub_sub.ts        node examples/pub_sub.ts
 */

import { PubSub, type PubSubRef, type Self, startNode, t, tagged, topic } from "../mod.ts";

/** The topic, and what is said there: {:said, name, text} in Elixir. Whatever else comes is told as invalid, and cannot be broadcast from here. */
const room = topic("room:1", t.tagged("said", t.text, t.text));

const cookie = "only for this example";
await using shop = await startNode("shop@localhost", { cookie });
await using home = await startNode("home@localhost", { cookie });

// The same name on all nodes, and the same pool size, as with {Phoenix.PubSub, name: Chat.PubSub, pool_size: 2}.
const pool = { poolSize: 2 };
const chat = await shop.start(PubSub, ["Chat.PubSub", pool]);
const chatAtHome = await home.start(PubSub, ["Chat.PubSub", pool]);

// A process gets what is broadcast as messages, among its others.
function member(name: string, pubSub: PubSubRef): (self: Self) => Promise<void> {
  return async (self) => {
    pubSub.subscribe(self, room);
    pubSub.broadcastFrom(self, room, tagged("said", name, "hello, I am new here"));
    for (;;) {
      const [, who, text] = await self.receive(room.schema);
      console.log(`  [${name}] ${who}: ${text}`);
    }
  };
}

// Code that is no process: a callback for each message, or a loop.
using _log = chat.on(room, ([, who]) => console.log(`  [log of shop] ${who} has said something`));
const messages = chatAtHome.messages(room);

console.log("connecting the nodes: from then on they know each other's pool");
await shop.connect("home@localhost");
await poolIsKnown(chat);
shop.spawn(member("ann", chat));
home.spawn(member("bob", chatAtHome));

let heard = 0;
for await (const item of messages) {
  if (item.type !== "message") continue;
  const [, who, text] = item.message;
  console.log(`  [loop at home] ${who}: ${text}`);
  heard++;
  if (heard === 2) {
    console.log("everybody hears this");
    chat.broadcast(room, tagged("said", "the shop", "we close in a minute"));
  }
  if (heard === 3) {
    console.log("only home@localhost hears this");
    chat.directBroadcast("home@localhost", room, tagged("said", "the shop", "good night, home"));
  }
  if (heard === 4) break;
}
console.log(`${heard} messages at home, ${chatAtHome.subscribers(room)} subscriber left`);

// From Elixir, on a node with the same cookie that is connected with these (Node.connect(:shop@localhost)):
//
//     Phoenix.PubSub.subscribe(Chat.PubSub, "room:1")
//     Phoenix.PubSub.broadcast(Chat.PubSub, "room:1", {:said, "eve", "hello from Elixir"})
//     receive do {:said, who, text} -> IO.puts("#{who}: #{text}") end

/** Broadcasts are for who is there; in a program that runs for long nobody waits for this. */
async function poolIsKnown(pubSub: PubSubRef): Promise<void> {
  const probe = chatAtHome.messages("probe");
  const found = probe.next();
  let known = false;
  found.then(() => known = true);
  while (!known) {
    pubSub.broadcast("probe", 1);
    await shop.sleep(5);
  }
  await probe.return!();
}
