/**
 * A chat over WebSockets: each client is a process. Rooms, who is there, and somebody whose connection is lost.
 *
 *     deno run -A examples/web_socket_chat.ts        bun examples/web_socket_chat.ts        node examples/web_socket_chat.ts
 *
 * Lets three clients talk and ends. With `--serve 8080` it stays: open http://127.0.0.1:8080/ in two windows.
 */

import process from "node:process";
import {
  GenServer,
  on,
  type Pid,
  startNode,
  t,
  Web,
  type WebContext,
  type WebOptions,
  WebSocketProcess,
} from "../mod.ts";

/** Who is in which room. It monitors the clients, so nobody has to say good-bye. */
class Rooms extends GenServer {
  readonly #rooms: Map<string, Map<string, Pid>> = new Map();
  override readonly calls = {
    join: on(t.text, t.text, t.pid, (room, name, pid) => {
      const members = this.#rooms.get(room) ?? new Map<string, Pid>();
      this.#rooms.set(room, members);
      if (members.has(name)) return false;
      members.set(name, pid);
      this.monitor(pid, () => {
        members.delete(name);
        this.#tell(room, `* ${name} has left`);
      });
      this.#tell(room, `* ${name} is here (${[...members.keys()].join(", ")})`);
      return true;
    }),
  };
  override readonly casts = {
    say: on(t.text, t.text, (room, text) => this.#tell(room, text)),
  };
  #tell(room: string, text: string): void {
    for (const pid of this.#rooms.get(room)?.values() ?? []) this.send(pid, text);
  }
}

const node = await startNode("chat@localhost", { cookie: "only for this example" });
const rooms = await node.start(Rooms, [], { register: "rooms" });

/** One client: what it sends goes to its room, what its room says goes to it. */
class Client extends WebSocketProcess {
  #room = "";
  #name = "";
  override init(room: string, name: string): void {
    this.#room = room;
    this.#name = name;
  }
  override async handleOpen(): Promise<void> {
    const joined = await rooms.as(this).call("join", this.#room, this.#name, this.pid);
    if (!joined) this.close(4000, "that name is taken");
  }
  override handleMessage(data: string | Uint8Array): void {
    if (typeof data === "string") rooms.as(this).cast("say", this.#room, `${this.#name}: ${data}`);
  }
  override handleInfo(message: unknown): void {
    this.push(String(message));
  }
}

const PAGE = `<!doctype html><title>Chat</title><pre id="log"></pre><input id="text" autofocus>
<script>
  const socket = new WebSocket("ws://" + location.host + "/chat/lobby?name=" + prompt("Your name?"));
  socket.onmessage = ({ data }) => log.textContent += data + "\\n";
  socket.onclose = ({ code, reason }) => log.textContent += "closed: " + code + " " + reason + "\\n";
  text.onchange = () => { socket.send(text.value); text.value = ""; };
</script>`;

class Chat extends Web {
  override init(port: number): WebOptions {
    return { port };
  }
  override readonly routes = {
    "GET /": (): Response => new Response(PAGE, { headers: { "content-type": "text/html" } }),
    "GET /chat/:room": (_request: Request, context: WebContext): Promise<Response> => {
      const name = context.url.searchParams.get("name");
      if (!name) throw new Response("A name is needed\n", { status: 400 });
      return context.upgrade(Client, [context.params.room, name], { maxMessage: 10_000 });
    },
  };
}

const serve = process.argv.indexOf("--serve");
const chat = await node.start(Chat, [serve < 0 ? 0 : Number(process.argv[serve + 1] ?? 8080)]);
console.log(`${chat.url} is up`);

if (serve >= 0) {
  await node.stopped;
} else {
  /** A client that prints what it gets, and can wait for it. */
  const enter = (
    name: string,
  ): { say(text: string): void; until(text: string): Promise<void>; leave(): void } => {
    const socket = new WebSocket(`${chat.url.replace("http", "ws")}/chat/lobby?name=${name}`);
    let got = "";
    let wake = (): void => {};
    const add = (text: string): void => {
      console.log(`  [${name}] ${text}`);
      got += `${text}\n`;
      wake();
    };
    socket.onmessage = ({ data }) => add(data);
    socket.onclose = ({ code, reason }) => add(`closed: ${code} ${reason}`);
    return {
      say: (text) => socket.send(text),
      until: async (text) => {
        while (!got.includes(text)) await new Promise<void>((resolve) => wake = resolve);
      },
      leave: () => socket.close(),
    };
  };

  const ann = enter("ann");
  await ann.until("ann is here");
  const bob = enter("bob");
  await ann.until("bob is here");
  ann.say("Hello, Bob!");
  await bob.until("Hello, Bob!");
  const other = enter("bob");
  await other.until("that name is taken");
  bob.leave();
  await ann.until("bob has left");
  console.log("The program stops in order: clients are told that it goes away.");
  await node.stop();
  await ann.until("closed: 1001");
}
