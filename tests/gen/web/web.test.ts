import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { test } from "node:test";
import {
  assert,
  assertEquals,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import {
  atom,
  EventStream,
  ExitError,
  formatText,
  type Node,
  on,
  type Pid,
  type RequestHandler,
  selfSigned,
  startNode,
  t,
  type Term,
  tuple,
  Web,
  type WebContext,
  type WebOptions,
  type WebRef,
  WebSocketProcess,
} from "../../../mod.ts";
import { defaultPlatform } from "../../../lib/platform/default.ts";
import type { Platform } from "../../../lib/platform/contract.ts";
import { freePort } from "../../_support/erlang.ts";
import { testNothingIsLeft } from "../../_support/leaks.ts";

let count = 0;
const logs: string[] = [];

/** A node with nothing of a network but what the web server opens. */
async function withNode(body: (node: Node) => Promise<unknown>): Promise<void> {
  const platform: Platform = {
    ...await defaultPlatform(),
    log: (_level, message) => void logs.push(message),
  };
  logs.length = 0;
  const node = await startNode(`web${++count}@localhost`, {
    cookie: "secret",
    listen: false,
    epmd: false,
    platform,
  });
  try {
    await body(node);
  } finally {
    await node.stop();
  }
}

/** A server with these routes. */
function serving(
  routes: Record<string, RequestHandler>,
  options: WebOptions = {},
): new () => Web {
  return class extends Web {
    override readonly routes = routes;
    override init(): WebOptions {
      return { port: 0, ...options };
    }
  };
}

function get(api: WebRef<Web>, path: string, init?: RequestInit): Promise<Response> {
  return fetch(api.url + path, init);
}

/** Something that a test waits for and lets go. */
function deferred<T = void>(): { promise: Promise<T>; resolve: (value: T) => void } {
  let resolve!: (value: T) => void;
  const promise = new Promise<T>((given) => resolve = given);
  return { promise, resolve };
}

test("routes: methods, names, what is left of the path, and what there is not", () =>
  withNode(async (node) => {
    const say = (text: string): RequestHandler => (_request, { params }) =>
      new Response(`${text} ${JSON.stringify(params)}`);
    const api = await node.start(
      serving({
        "GET /": say("root"),
        "GET /users/me": say("me"),
        "GET /users/:id": say("user"),
        "DELETE /users/:id": say("delete"),
        "/files/*": say("files"),
      }),
      [],
    );
    const answers: [path: string, method: string, status: number, body: string][] = [
      ["/", "GET", 200, "root {}"],
      ["/users/me", "GET", 200, "me {}"],
      ["/users/7?x=1", "GET", 200, 'user {"id":"7"}'],
      ["/users/Zo%C3%AB", "GET", 200, 'user {"id":"Zoë"}'],
      ["/users/7", "DELETE", 200, 'delete {"id":"7"}'],
      ["/files/a/b.txt", "PUT", 200, 'files {"*":"a/b.txt"}'],
      ["/users/7", "POST", 405, "Method Not Allowed\n"],
      ["/users/", "GET", 404, "Not Found\n"],
      ["/nothing", "GET", 404, "Not Found\n"],
      ["/users/%ff", "GET", 400, "Bad Request\n"],
      ["/__proto__", "GET", 404, "Not Found\n"],
    ];
    for (const [path, method, status, body] of answers) {
      const response = await get(api, path, { method });
      assertEquals([path, response.status, await response.text()], [path, status, body]);
      if (status === 405) assertEquals(response.headers.get("allow"), "GET, HEAD, DELETE");
    }
    const head = await get(api, "/users/7", { method: "HEAD" });
    assertEquals([head.status, await head.text()], [200, ""]);
    assertEquals(logs, []);
  }));

test("what a handler throws: a Response is the answer, all else a 500 and a report; the server lives on", () =>
  withNode(async (node) => {
    const api = await node.start(
      serving({
        "/refused": () => {
          throw new Response("no", { status: 403 });
        },
        "/boom": () => {
          throw new Error("boom");
        },
        "/rejects": () => Promise.reject(new Error("later")),
        "/nothing": () => undefined as unknown as Response,
        "/exits": (_request, { self }) => {
          self.exit(self.pid, atom("kill"));
          return new Promise<Response>(() => {});
        },
      }),
      [],
    );
    assertEquals([(await get(api, "/refused")).status, logs.length], [403, 0]);
    for (const path of ["/boom", "/rejects", "/nothing", "/exits"]) {
      const response = await get(api, path);
      assertEquals([path, response.status, await response.text()], [
        path,
        500,
        "Internal Server Error\n",
      ]);
    }
    assertStringIncludes(logs.join("\n"), "boom");
    assertStringIncludes(logs.join("\n"), "/nothing: its handler returned no Response");
    assertEquals(api.stats().failed, 4);
    assert(node.isAlive(api.pid));
  }));

test("each request is a process of its own, which calls others", () =>
  withNode(async (node) => {
    const pids: Pid[] = [];
    class Api extends Web {
      #seen = 0;
      override readonly calls = { seen: on(t.text, (name) => `${name} ${++this.#seen}`) };
      override readonly routes = {
        "/": async (_request: Request, { self, url }: WebContext): Promise<Response> => {
          pids.push(self.pid);
          const name = url.searchParams.get("name") ?? "";
          return new Response(await self.call("api", tuple(atom("seen"), name), t.text));
        },
      };
      override init(): WebOptions {
        return { port: 0 };
      }
    }
    const api = await node.start(Api, [], { register: "api" });
    assertEquals(await (await get(api, "/?name=a")).text(), "a 1");
    assertEquals(await (await get(api, "/?name=b")).text(), "b 2");
    assertEquals([pids.length, pids[0].equals(pids[1])], [2, false]);
    assertEquals(pids.filter((pid) => node.isAlive(pid)), []);
    assertEquals(api.stats().requests, 2);
  }));

test("so many at once, so many wait, the others get 503", () =>
  withNode(async (node) => {
    const gate = deferred();
    const both = deferred();
    let running = 0;
    const api = await node.start(
      serving({
        "/": async () => {
          if (++running === 2) both.resolve();
          await gate.promise;
          return new Response("ok");
        },
      }, { concurrency: 2, queue: 1 }),
      [],
    );
    const answers = [get(api, "/"), get(api, "/")];
    await both.promise;
    const third = get(api, "/");
    while (api.stats().queued < 1) await node.sleep(1);
    const refused = await get(api, "/");
    assertEquals([refused.status, refused.headers.get("retry-after")], [503, "1"]);
    await refused.text();
    assertEquals([running, api.stats().running], [2, 2]);
    gate.resolve();
    for (const answer of [...answers, third]) assertEquals(await (await answer).text(), "ok");
    assertEquals([running, api.stats().refused], [3, 1]);
  }));

test("an answer that does not come in time is a 504; its process ends, and its signal aborts", () =>
  withNode(async (node) => {
    const aborted = deferred<Pid>();
    const api = await node.start(
      serving({
        "/slow": (_request, { self }) => {
          const { pid } = self;
          self.signal.addEventListener("abort", () => aborted.resolve(pid));
          return new Promise<Response>(() => {});
        },
      }, { timeout: 50 }),
      [],
    );
    const response = await get(api, "/slow");
    assertEquals([response.status, await response.text()], [504, "Gateway Timeout\n"]);
    assertEquals(node.isAlive(await aborted.promise), false);
    assertEquals([api.stats().timedOut, api.stats().running], [1, 0]);
  }));

test("a client that hangs up ends the process that works for it", () =>
  withNode(async (node) => {
    const began = deferred<Pid>();
    const api = await node.start(
      serving({
        "/": (_request, { self }) => {
          began.resolve(self.pid);
          return new Promise<Response>(() => {});
        },
      }),
      [],
    );
    const abort = new AbortController();
    const answer = get(api, "/", { signal: abort.signal }).catch(() => {});
    const pid = await began.promise;
    const ended = deferred<Term>();
    node.monitor(pid, ({ reason }) => ended.resolve(reason));
    abort.abort();
    assertEquals(await ended.promise, tuple(atom("shutdown"), atom("client_gone")));
    await answer;
    assertEquals([api.stats().timedOut, api.stats().failed], [0, 0]);
  }));

test("a body beyond the limit is a 413, said before it comes or not", () =>
  withNode(async (node) => {
    const api = await node.start(
      serving(
        { "POST /": async (request) => new Response(String((await request.text()).length)) },
        {
          maxBody: 1_000,
        },
      ),
      [],
    );
    const post = (body: BodyInit): Promise<Response> =>
      get(api, "/", { method: "POST", body, duplex: "half" } as RequestInit);
    const streamed = (size: number): ReadableStream =>
      new Blob(["x".repeat(size)]).stream().pipeThrough(new TransformStream());
    assertEquals(await (await post("x".repeat(1_000))).text(), "1000");
    assertEquals(await (await post(streamed(1_000))).text(), "1000");
    assertEquals((await post("x".repeat(1_001))).status, 413);
    // Its rest need not be taken: then the client cannot send it.
    const status = await post(streamed(100_000)).then(({ status }) => status, () => 413);
    assertEquals(status, 413);
    assertEquals(await (await post("ok")).text(), "2");
  }));

test("a server that stops answers what is under way, takes nothing new, and frees its port", () =>
  withNode(async (node) => {
    const began = deferred();
    const go = deferred();
    const routes: Record<string, RequestHandler> = {
      "/": async () => {
        began.resolve();
        await go.promise;
        return new Response("done");
      },
    };
    const api = await node.start(serving(routes, { port: await freePort() }), []);
    const answer = get(api, "/").then((response) => response.text());
    await began.promise;
    const stopped = api.stop();
    await assertRejects(() =>
      get(api, "/new").then((response) => {
        if (response.status === 503) throw new Error("refused");
      })
    );
    go.resolve();
    assertEquals(await answer, "done");
    await stopped;
    const again = await node.start(serving(routes, { port: api.port }), []);
    assertEquals(again.port, api.port);
  }));

test("what is under way beyond the time to drain is given up", () =>
  withNode(async (node) => {
    const began = deferred();
    const api = await node.start(
      serving({
        "/": () => {
          began.resolve();
          return new Promise<Response>(() => {});
        },
      }, { drain: 20 }),
      [],
    );
    const answer = get(api, "/").then(({ status }) => status, () => 503);
    await began.promise;
    await api.stop();
    assertEquals(await answer, 503);
  }));

test("an answer without end is given up when the time to drain is over", () =>
  withNode(async (node) => {
    const routes: Record<string, RequestHandler> = {
      "/": () =>
        new Response(
          new ReadableStream({
            start: (controller) => controller.enqueue(new Uint8Array(10)),
            pull: () => new Promise<void>(() => {}),
          }),
        ),
    };
    const api = await node.start(serving(routes, { port: await freePort(), drain: 20 }), []);
    const response = await get(api, "/");
    const read = response.arrayBuffer().then(() => {}, () => {});
    await api.stop();
    await read;
    const again = await node.start(serving(routes, { port: api.port, drain: 20 }), []);
    await again.stop();
  }));

test("a server that cannot listen, and options that do not exist, make the start fail", () =>
  withNode(async (node) => {
    const api = await node.start(serving({}), []);
    await assertRejects(() => node.start(serving({}, { port: api.port }), []), ExitError);
    const wrong = await assertRejects(
      () => node.start(serving({}, { prot: 1 } as WebOptions), []),
      ExitError,
    );
    assertStringIncludes(wrong.message, "port may be meant");
    const route = await assertRejects(
      () => node.start(serving({ "users": () => new Response() }), []),
      ExitError,
    );
    assertStringIncludes(route.message, "Cannot use the route");
    for (const path of ["/a/*/b", "/:", "/:a/:a"]) {
      await assertRejects(
        () => node.start(serving({ [path]: () => new Response() }), []),
        ExitError,
        "each name must be there and differ",
      );
    }
    const { cert } = selfSigned();
    const unusable: [tls: unknown, message: string][] = [
      [{ cert }, "TLS needs `cert` and `key`, give both"],
      [{ cert: "nothing.pem", key: "nothing.key" }, "the file of `cert` cannot be read"],
      [{ cert, key: cert, ca: cert }, "there is no such option, there are cert, key"],
    ];
    for (const [tls, message] of unusable) {
      const options = { tls } as WebOptions;
      await assertRejects(() => node.start(serving({}, options), []), ExitError, message);
    }
    await (await node.start(serving({}, { timeout: undefined, tls: undefined }), [])).stop();
  }));

test("a client that does not go on with its TLS handshake does not hold the node back when it stops", async () => {
  const clients: Socket[] = [];
  await withNode(async (node) => {
    const { cert, key } = selfSigned();
    const api = await node.start(serving({}, { tls: { cert, key }, drain: 20 }), []);
    const client = connect(api.port, api.host);
    clients.push(client);
    client.on("error", () => {});
    await once(client, "connect");
    client.write(new Uint8Array([22, 3, 1]));
  });
  for (const client of clients) client.destroy();
});

class Chat extends WebSocketProcess {
  #room = "";
  override init(room: string): void {
    this.#room = room;
  }
  override readonly calls = { room: () => this.#room };
  override handleOpen(): void {
    this.push(`welcome to ${this.#room}`);
  }
  override handleMessage(data: string | Uint8Array): void {
    if (data === "crash") throw new Error("crashed");
    if (data === "bye") return this.close(4000, "bye");
    this.push(typeof data === "string" ? data.toUpperCase() : data);
  }
  override handleInfo(message: Term): void {
    this.push(formatText("~tp", [message]));
  }
}

/** What comes from a socket, in order. */
async function* from(socket: WebSocket): AsyncGenerator<unknown> {
  socket.binaryType = "arraybuffer";
  const queue: unknown[] = [];
  let wake = (): void => {};
  socket.onmessage = ({ data }) => {
    queue.push(typeof data === "string" ? data : [...new Uint8Array(data)]);
    wake();
  };
  socket.onclose = ({ code, reason }) => {
    queue.push({ code, reason });
    wake();
  };
  for (;;) {
    while (queue.length === 0) await new Promise<void>((resolve) => wake = resolve);
    yield queue.shift();
  }
}

test("a WebSocket is a process: it takes messages of others, ends with its socket, and its socket with it", () =>
  withNode(async (node) => {
    const pids: Pid[] = [];
    class Room extends Chat {
      override handleOpen(): void {
        pids.push(this.pid);
        super.handleOpen();
      }
    }
    const api = await node.start(
      serving({
        "/chat/:room": (_request, context) => context.upgrade(Room, [context.params.room]),
      }),
      [],
    );
    const open = (): { socket: WebSocket; next: () => Promise<unknown> } => {
      const socket = new WebSocket(`${api.url.replace("http", "ws")}/chat/blue`);
      const events = from(socket);
      return { socket, next: async () => (await events.next()).value };
    };
    const ending = (pid: Pid): Promise<Term> => {
      const reason = deferred<Term>();
      node.monitor(pid, (down) => reason.resolve(down.reason));
      return reason.promise;
    };

    const first = open();
    assertEquals(await first.next(), "welcome to blue");
    first.socket.send("hello");
    assertEquals(await first.next(), "HELLO");
    first.socket.send(new Uint8Array([1, 2, 255]));
    assertEquals(await first.next(), [1, 2, 255]);
    node.send(pids[0], tuple(atom("news"), "Zoë"));
    assertEquals(await first.next(), '{news,<<"Zoë"/utf8>>}');
    assertEquals(await node.call(pids[0], atom("room"), t.text), "blue");
    const firstEnd = ending(pids[0]);
    first.socket.send("bye");
    assertEquals(await first.next(), { code: 4000, reason: "bye" });
    assertEquals(await firstEnd, tuple(atom("shutdown"), tuple(atom("websocket_closed"), 4000)));

    const second = open();
    await second.next();
    second.socket.send("crash");
    assertEquals((await second.next() as { code: number }).code, 1011);
    assertStringIncludes(logs.join(), "crashed");

    const third = open();
    await third.next();
    const thirdEnd = ending(pids[2]);
    third.socket.close();
    assertEquals(await thirdEnd, atom("normal"));

    const fourth = open();
    await fourth.next();
    assertEquals(api.stats().open, 1);
    await api.stop();
    assertEquals((await fourth.next() as { code: number }).code, 1001);
    assertEquals(node.isAlive(pids[3]), false);
  }));

test("a request that asks for no WebSocket gets 426; an init that throws is a 500", () =>
  withNode(async (node) => {
    class Broken extends Chat {
      override init(): void {
        throw new Error("broken");
      }
    }
    const api = await node.start(
      serving({
        "/chat": (_request, context) => context.upgrade(Chat, ["a"]),
        "/broken": (_request, context) => context.upgrade(Broken, []),
        "/wrong": (_request, context) => context.upgrade(Web as never, []),
        "/large": (_request, context) => context.upgrade(Chat, ["a"], { maxMessage: 2 ** 30 }),
        "/misspelt": (_request, context) =>
          context.events(Broken as never, [], { hartbeat: 1 } as never),
      }),
      [],
    );
    const plain = await get(api, "/chat");
    assertEquals([plain.status, plain.headers.get("upgrade")], [426, "websocket"]);
    assertEquals([(await get(api, "/broken")).status, (await get(api, "/wrong")).status], [
      500,
      500,
    ]);
    assertEquals([(await get(api, "/large")).status, (await get(api, "/misspelt")).status], [
      500,
      500,
    ]);
    assertStringIncludes(logs.join("\n"), "maxMessage is 1073741824, 0 to 67108864 is needed");
    assertStringIncludes(logs.join("\n"), "heartbeat may be meant");
    assertEquals(api.stats().open, 0);
  }));

test("an answer that cannot be sent is a 500 and a report; the program lives on", () =>
  withNode(async (node) => {
    const shared = new Response("once");
    const api = await node.start(
      serving({ "/shared": () => shared, "/error": () => Response.error() }),
      [],
    );
    assertEquals(await (await get(api, "/shared")).text(), "once");
    for (const path of ["/shared", "/error"]) {
      const response = await get(api, path);
      assertEquals([response.status, await response.text()], [500, "Internal Server Error\n"]);
    }
    assertEquals(api.stats().failed, 2);
    assertStringIncludes(logs.join("\n"), "its Response was used before, make one for each");
  }));

test("a WebSocket or an event stream that is not what the request is answered with ends, and the server goes on", () =>
  withNode(async (node) => {
    class Other extends EventStream {
      override init(): void {
        this.emit({ data: "kept" });
        this.after(0, () => this.stop());
      }
    }
    const ended: Pid[] = [];
    const told = deferred();
    function watch(process: Chat | Ticks): void {
      process.signal.addEventListener("abort", () => {
        ended.push(process.pid);
        if (ended.length === 4) told.resolve();
      });
    }
    class Talk extends Chat {
      override init(room: string): void {
        super.init(room);
        watch(this);
      }
    }
    class Ticks extends EventStream {
      override init(): void {
        watch(this);
      }
    }
    const api = await node.start(
      serving({
        "/chat": async (_request, context) => {
          await context.upgrade(Talk, ["a"]);
          throw new Response("no chat", { status: 403 });
        },
        "/plain": (_request, context) => context.upgrade(Chat, ["a"]),
        "/ticks": async (_request, context) => {
          await context.events(Ticks, []);
          return new Response("no ticks", { status: 403 });
        },
        "/other": (_request, context) =>
          context.events(Other, []).then(({ body, headers }) =>
            new Response(body, { status: 202, headers })
          ),
      }),
      [],
    );
    const late: RequestHandler = async (_request, context) => {
      if (context.params.what === "chat") await context.upgrade(Talk, ["a"]);
      else await context.events(Ticks, []);
      return new Promise<never>(() => {});
    };
    const impatient = await node.start(serving({ "/late/:what": late }, { timeout: 1_000 }), []);
    const key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==";
    const asks = `Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n${key}`;
    assertStringIncludes(await raw(api, `GET /chat HTTP/1.1\r\nHost: a\r\n${asks}`), " 403 ");
    const lateChat = await raw(impatient, `GET /late/chat HTTP/1.1\r\nHost: a\r\n${asks}`);
    assertStringIncludes(lateChat, " 504 ");
    assertEquals((await get(api, "/ticks")).status, 403);
    assertEquals((await get(impatient, "/late/ticks")).status, 504);
    await told.promise;
    const other = await get(api, "/other");
    assertEquals([other.status, await other.text()], [202, "data: kept\n\n"]);
    assertEquals([api.stats().open, impatient.stats().open], [0, 0]);
    const old = asks.replace("13", "12");
    const answer = await raw(api, `GET /plain HTTP/1.1\r\nHost: a\r\n${old}`);
    assertMatch(answer, / 426 [^]*sec-websocket-version: 13/i);
  }));

/** The head of what the server answers, written by hand. */
async function raw(api: WebRef<Web>, request: string): Promise<string> {
  const socket = connect(api.port, api.host);
  socket.write(`${request}\r\n\r\n`);
  let text = "";
  for await (const bytes of socket) {
    text += bytes;
    if (text.includes("\r\n\r\n")) break;
  }
  socket.destroy();
  return text;
}

test("a client that sends more than is handled is closed, and the others go on", () =>
  withNode(async (node) => {
    const ended = deferred<Term>();
    class Slow extends WebSocketProcess {
      override handleOpen(): void {
        node.monitor(this.pid, ({ reason }) => ended.resolve(reason));
      }
      override handleMessage(): Promise<void> {
        return new Promise(() => {});
      }
    }
    const api = await node.start(
      serving({ "/": (_request, context) => context.upgrade(Slow, [], { maxQueue: 10 }) }),
      [],
    );
    const socket = new WebSocket(api.url.replace("http", "ws"));
    const closed = deferred();
    socket.onclose = () => closed.resolve();
    socket.onopen = () => {
      for (let i = 0; i < 100; i++) socket.send("x");
    };
    assertEquals(await ended.promise, tuple(atom("shutdown"), atom("too_many_messages")));
    await closed.promise;
    assertEquals((await get(api, "/")).status, 426);
  }));

test("so many WebSockets and event streams are open, whoever wants one more gets 503", () =>
  withNode(async (node) => {
    const api = await node.start(
      serving({ "/": (_request, context) => context.events(Ticker, [1]) }, { maxOpen: 2 }),
      [],
    );
    const bodies = [await get(api, "/"), await get(api, "/")].map(({ body }) => body!.getReader());
    const refused = await get(api, "/");
    assertEquals([refused.status, await refused.text()], [503, "Service Unavailable\n"]);
    assertEquals([api.stats().open, api.stats().refused], [2, 1]);
    for (const reader of bodies) await reader.cancel();
  }));

test("a client that reads nothing is closed when too much waits for it", () =>
  withNode(async (node) => {
    const ended = deferred<Term>();
    class Flood extends WebSocketProcess {
      override handleOpen(): void {
        this.node.monitor(this.pid, ({ reason }) => ended.resolve(reason));
        this.every(1, () => this.push(new Uint8Array(1_000_000)));
      }
      override handleMessage(): void {}
    }
    const api = await node.start(
      serving({
        "/": (_request, context) => context.upgrade(Flood, [], { maxBuffered: 8_000_000 }),
      }),
      [],
    );
    const socket = connect(api.port, "127.0.0.1");
    socket.on("error", () => {});
    socket.write(
      "GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
    );
    await once(socket, "connect");
    assertEquals(await ended.promise, tuple(atom("shutdown"), atom("client_too_slow")));
    socket.destroy();
  }));

class Ticker extends EventStream {
  override init(count: number): void {
    for (let i = 1; i <= count; i++) this.emit({ data: { i }, event: "tick", id: String(i) });
  }
  override handleInfo(message: Term): void {
    if (message === atom("stop")) this.stop();
    else this.emit({ data: String(message) });
  }
}

test("an event that would break the stream is refused", () =>
  withNode(async (node) => {
    const refused: string[] = [];
    class Breaking extends EventStream {
      override init(): void {
        for (const event of [{ retry: "5\ndata: x" as never }, { retry: -1 }, { id: "a\nb" }]) {
          try {
            this.emit({ data: 1, ...event });
          } catch (error) {
            refused.push((error as Error).message);
          }
        }
        this.after(0, () => this.stop());
      }
    }
    const api = await node.start(
      serving({ "/": (_, context) => context.events(Breaking, []) }),
      [],
    );
    assertEquals(await (await get(api, "/")).text(), "");
    assertEquals(refused.map((message) => message.split(":")[1]), [
      " its retry must be milliseconds, a whole number",
      " its retry must be milliseconds, a whole number",
      " its id has a line break, one line is needed",
    ]);
  }));

test("server-sent events come from a process, and end with it", () =>
  withNode(async (node) => {
    const pids: Pid[] = [];
    class Counted extends Ticker {
      override init(count: number): void {
        pids.push(this.pid);
        super.init(count);
      }
    }
    const api = await node.start(
      serving({ "/events": (_request, context) => context.events(Counted, [2]) }),
      [],
    );
    const response = await get(api, "/events");
    assertEquals(response.headers.get("content-type"), "text/event-stream");
    node.send(pids[0], "two\nlines");
    node.send(pids[0], atom("stop"));
    assertEquals(
      await response.text(),
      'event: tick\nid: 1\ndata: {"i":1}\n\nevent: tick\nid: 2\ndata: {"i":2}\n\ndata: two\ndata: lines\n\n',
    );

    const abort = new AbortController();
    const other = await get(api, "/events", { signal: abort.signal });
    const ended = deferred<Term>();
    node.monitor(pids[1], ({ reason }) => ended.resolve(reason));
    await other.body!.getReader().read();
    abort.abort();
    // What was sent to a client that is gone tells that it is.
    const feeding = setInterval(() => node.send(pids[1], "more"), 5);
    assertEquals(await ended.promise, tuple(atom("shutdown"), atom("client_gone")));
    clearInterval(feeding);
  }));

testNothingIsLeft();
