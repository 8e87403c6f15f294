import { once } from "node:events";
import { connect } from "node:net";
import { test } from "node:test";
import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import {
  atom,
  EventStream,
  type Pid,
  type RequestHandler,
  t,
  type Term,
  tuple,
  Web,
  WebSocketProcess,
} from "../../../mod.ts";
import { testNothingIsLeft } from "../../_support/leaks.ts";
import { Chat, deferred, from, get, logs, raw, serving, Ticker, withNode } from "./_support.ts";

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

testNothingIsLeft();
