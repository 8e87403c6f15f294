import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { test } from "node:test";
import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { ExitError, type RequestHandler, selfSigned, type WebOptions } from "../../../mod.ts";
import { freePort } from "../../_support/erlang.ts";
import { testNothingIsLeft } from "../../_support/leaks.ts";
import { deferred, get, serving, withNode } from "./_support.ts";

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

testNothingIsLeft();
