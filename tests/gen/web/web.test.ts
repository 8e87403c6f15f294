import { test } from "node:test";
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import {
  atom,
  on,
  type Pid,
  type RequestHandler,
  t,
  type Term,
  tuple,
  Web,
  type WebContext,
  type WebOptions,
} from "../../../mod.ts";
import { testNothingIsLeft } from "../../_support/leaks.ts";
import { deferred, get, logs, serving, withNode } from "./_support.ts";

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

testNothingIsLeft();
