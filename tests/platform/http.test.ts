import type { Buffer } from "node:buffer";
import { once } from "node:events";
import { connect } from "node:net";
import { test } from "node:test";
import { assert, assertEquals, assertMatch } from "@std/assert";
import { defaultPlatform } from "../../lib/platform/default.ts";
import { freePort } from "../_support/erlang.ts";
import type { HttpClient, HttpServer, WebSocketEnd } from "../../lib/platform/http.ts";

type Handle = (request: Request, client: HttpClient) => Response | Promise<Response>;

/** Serves while a test runs. */
async function served(
  handle: Handle,
  body: (server: HttpServer, url: string) => Promise<unknown>,
  port = 0,
): Promise<void> {
  const platform = await defaultPlatform();
  const server = await platform.serveHttp({
    host: "127.0.0.1",
    port,
    handle: (request, client) => Promise.resolve(handle(request, client)),
  });
  try {
    await body(server, `http://127.0.0.1:${server.port}`);
  } finally {
    await server.destroy();
  }
}

test("a request with its method, path, headers and body, an answer with its status, headers and body", () =>
  served(async (request, { host }) => {
    const { pathname, searchParams } = new URL(request.url);
    const headers = new Headers({ "x-seen": request.headers.get("x-sent") ?? "", "x-host": host });
    headers.append("set-cookie", "a=1");
    headers.append("set-cookie", "b=2");
    const text = `${request.method} ${pathname} ${searchParams.get("q")} ${await request.text()}`;
    return new Response(text, { status: 201, headers });
  }, async (_server, url) => {
    const response = await fetch(`${url}/a/b?q=%C3%A9`, {
      method: "POST",
      body: "Zoë",
      headers: { "x-sent": "yes" },
    });
    assertEquals([response.status, await response.text()], [201, "POST /a/b é Zoë"]);
    assertEquals([response.headers.get("x-seen"), response.headers.get("x-host")], [
      "yes",
      "127.0.0.1",
    ]);
    assertEquals(response.headers.getSetCookie(), ["a=1", "b=2"]);
    const head = await fetch(url, { method: "HEAD" });
    assertEquals([head.status, await head.text()], [201, ""]);
  }));

test("bodies that stream, both ways, and large ones", () =>
  served(
    (request) =>
      new Response(request.body, {
        headers: { "x-size": request.headers.get("content-length") ?? "" },
      }),
    async (_server, url) => {
      const sent = new Uint8Array(5_000_000).map((_, i) => i % 251);
      const response = await fetch(url, { method: "PUT", body: sent });
      const got = new Uint8Array(await response.arrayBuffer());
      assertEquals(got.length, sent.length);
      assert(got.every((byte, i) => byte === sent[i]));
    },
  ));

test("many requests on one connection, where nobody has read the bodies", () =>
  served(() => new Response("ok"), async (_server, url) => {
    for (let i = 0; i < 20; i++) {
      const response = await fetch(url, { method: "POST", body: "x".repeat(i * 5_000) });
      assertEquals(await response.text(), "ok");
    }
  }));

test("a client that hangs up is told", async () => {
  let gone!: () => void;
  const told = new Promise<void>((resolve) => gone = resolve);
  let arrived!: () => void;
  const here = new Promise<void>((resolve) => arrived = resolve);
  await served((_request, client) => {
    client.gone.addEventListener("abort", () => gone());
    arrived();
    return told.then(() => new Response("too late"));
  }, async (_server, url) => {
    const abort = new AbortController();
    const answer = fetch(url, { signal: abort.signal }).catch((error) => error);
    await here;
    abort.abort();
    await answer;
    await told;
  });
});

test("a server that listens no more answers what is under way; its port is free when it is destroyed", async () => {
  let go!: () => void;
  const may = new Promise<void>((resolve) => go = resolve);
  let arrived!: () => void;
  const here = new Promise<void>((resolve) => arrived = resolve);
  await served(async () => {
    arrived();
    await may;
    return new Response("done");
  }, async (server, url) => {
    const answer = fetch(url).then((response) => response.text());
    await here;
    server.stopListening();
    go();
    assertEquals(await answer, "done");
    await server.destroy();
    const platform = await defaultPlatform();
    const again = await platform.serveHttp({
      host: "127.0.0.1",
      port: server.port,
      handle: () => Promise.resolve(new Response("new")),
    });
    assertEquals(await (await fetch(url)).text(), "new");
    await again.destroy();
  }, await freePort());
});

/** Serves WebSockets that send back what they get. */
function echoing(
  closes: (code: number, reason: string) => void = () => {},
  maxMessage = 1_000_000,
): Handle {
  return (request, client) => {
    if (request.headers.get("upgrade") === null) return new Response("none", { status: 426 });
    let socket!: WebSocketEnd;
    return client.upgrade(
      {
        open: (opened) => {
          socket = opened;
          socket.send("welcome");
        },
        message: (data) => {
          if (data === "bye") socket.close(4000, "as you say");
          else socket.send(data);
        },
        drain() {},
        close: closes,
      },
      undefined,
      maxMessage,
    );
  };
}

/** What a WebSocket gets until it closes. */
function listen(
  socket: WebSocket,
): { got: unknown[]; next: (count: number) => Promise<void>; closed: Promise<CloseEvent> } {
  socket.binaryType = "arraybuffer";
  const got: unknown[] = [];
  let wake = (): void => {};
  socket.onmessage = ({ data }) => {
    got.push(typeof data === "string" ? data : new Uint8Array(data));
    wake();
  };
  const next = (count: number): Promise<void> =>
    new Promise((resolve) => {
      wake = () => got.length >= count && resolve();
      wake();
    });
  return { got, next, closed: new Promise((resolve) => socket.onclose = resolve) };
}

test("a WebSocket: texts, bytes, a good-bye from either side", async () => {
  const closes: unknown[] = [];
  let told!: () => void;
  const both = new Promise<void>((resolve) => told = resolve);
  await served(
    echoing((code, reason) => {
      closes.push([code, reason]);
      if (closes.length === 2) told();
    }),
    async (_server, url) => {
      const socket = new WebSocket(url.replace("http", "ws"));
      const { got, next, closed } = listen(socket);
      await next(1);
      const large = new Uint8Array(70_000).map((_, i) => i % 256);
      for (const message of ["Zoë", "", new Uint8Array([0, 255]), large, "x".repeat(300)]) {
        socket.send(message);
      }
      await next(6);
      assertEquals(got, ["welcome", "Zoë", "", new Uint8Array([0, 255]), large, "x".repeat(300)]);
      socket.send("bye");
      const { code, reason } = await closed;
      assertEquals([code, reason], [4000, "as you say"]);
      const other = new WebSocket(url.replace("http", "ws"));
      const theirs = listen(other);
      await theirs.next(1);
      other.close(4001, "enough");
      await theirs.closed;
      await both;
      assertEquals(closes.map((close) => (close as unknown[])[0]).sort(), [4000, 4001]);
      assertEquals((await fetch(url)).status, 426);
    },
  );
});

test("a message beyond the limit closes the WebSocket with 1009", () =>
  served(echoing(() => {}, 1_000), async (_server, url) => {
    const socket = new WebSocket(url.replace("http", "ws"));
    const { next, closed } = listen(socket);
    await next(1);
    socket.send("x".repeat(1_001));
    assertEquals((await closed).code, 1009);
  }));

test("a message beyond the limit is told with 1009 also where the client goes without a word", async () => {
  let closed!: (code: number) => void;
  const told = new Promise<number>((resolve) => closed = resolve);
  await served(echoing((code) => closed(code), 10), async (server) => {
    const socket = connect(server.port, "127.0.0.1");
    socket.write(
      "GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
    );
    const frame = new Uint8Array(17).fill(0x61);
    frame.set([0x81, 0x80 | 11, 0, 0, 0, 0]);
    let got = "";
    for await (const bytes of socket) {
      if (got === "") socket.write(frame);
      got += (bytes as Buffer).toString("latin1");
      // The answer, the welcome, and a frame that closes: what was not read would make a reset of the end.
      if (got.includes("\r\n\r\n\x81\x07welcome\x88")) break;
    }
    socket.destroy();
    assertEquals(await told, 1009);
  });
});

test("a connection that is lost closes the WebSocket with 1006", async () => {
  let closed!: (code: number) => void;
  const told = new Promise<number>((resolve) => closed = resolve);
  await served(echoing((code) => closed(code)), async (server) => {
    const socket = connect(server.port, "127.0.0.1");
    socket.write(
      "GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
    );
    const [answer] = await once(socket, "data");
    assertMatch(String(answer), /^HTTP\/1\.1 101 /);
    assertMatch(
      String(answer).toLowerCase(),
      /sec-websocket-accept: s3pplmbitxaq9kygzzhzrbk\+xoo=/,
    );
    socket.destroy();
    assertEquals(await told, 1006);
  });
});

test("what is no request is answered with 400, and the server goes on", () =>
  served(() => new Response("ok"), async (server, url) => {
    const socket = connect(server.port, "127.0.0.1");
    socket.on("error", () => {});
    socket.write("nonsense\r\n\r\n");
    let text = "";
    socket.on("data", (bytes) => text += bytes);
    await once(socket, "close");
    assertMatch(text, /^(HTTP\/1\.1 400 |$)/);
    assertEquals(await (await fetch(url)).text(), "ok");
  }));

test("a protocol that the server does not speak is passed over, and the body is not lost", () =>
  served(async (request) => new Response(`[${await request.text()}]`), async (server, url) => {
    const socket = connect(server.port, "127.0.0.1");
    socket.on("error", () => {});
    // As curl --http2 and Java's HttpClient ask.
    socket.write(
      "POST / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n" +
        "HTTP2-Settings: AAMAAABkAAQAAP__\r\nContent-Length: 5\r\n\r\nfirst",
    );
    let text = "";
    for await (const bytes of socket) {
      text += bytes;
      if (/\[.*\]|^HTTP\/1.1 400 /.test(text)) break;
    }
    // Deno refuses it.
    assertMatch(text, /^HTTP\/1\.1 (200 [^]*\[first\]|400 )/);
    socket.destroy();
    assertEquals(await (await fetch(url, { method: "POST", body: "b" })).text(), "[b]");
  }));
