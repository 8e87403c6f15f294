import { test } from "node:test";
import { assert, assertEquals, assertRejects } from "@std/assert";
import { EpmdClient } from "../../lib/dist/epmd_client.ts";
import { EpmdError } from "../../lib/dist/epmd_error.ts";
import { ensureEpmd, LocalEpmd } from "../../lib/dist/epmd_local.ts";
import { EpmdServer } from "../../lib/dist/epmd_server.ts";
import { defaultPlatform } from "../../lib/platform/default.ts";
import { defaultTransport } from "../../lib/transport/default.ts";
import { freePort } from "../_support/erlang.ts";
import { testNothingIsLeft } from "../_support/leaks.ts";

const [transport, platform] = [await defaultTransport(), await defaultPlatform()];

test("the daemon that runs is used, else one is embedded", async () => {
  const options = { transport, platform, port: await freePort() };
  const server = await ensureEpmd(options);
  assert(server instanceof EpmdServer);
  assertEquals(server.port, options.port);
  assertEquals(await ensureEpmd(options), null);
  await server.close();
});

test("of many that start at once exactly one embeds it, the others use it", async () => {
  const options = { transport, platform, port: await freePort() };
  const servers = await Promise.all(Array.from({ length: 20 }, () => ensureEpmd(options)));
  const embedded = servers.filter((server) => server !== null);
  assertEquals(embedded.length, 1);
  await embedded[0].close();
});

test("a port that something else has is an error, not a second daemon", async () => {
  const listener = await transport.listen({ port: 0 }, (stream) => {
    stream.start({ data: () => {}, drain: () => {}, end: () => {}, close: () => {} });
    stream.write(new TextEncoder().encode("SSH"));
    stream.end();
  });
  const { port } = listener.address;
  const error = await assertRejects(() => ensureEpmd({ transport, platform, port }), EpmdError);
  assertEquals(error.reason, "garbage");
  await listener.close();
});

test("a daemon that goes away between the two questions is replaced by one of ours", async () => {
  const listener = await transport.listen({ port: 0 }, (stream) => {
    stream.start({
      data: () => {
        stream.write(Uint8Array.of(0, 0, 0, 0)); // where it is: no names
        stream.end();
        void listener.close();
      },
      ...{ drain: () => {}, end: () => {}, close: () => {} },
    });
  });
  const { port } = listener.address;
  await using local = await LocalEpmd.register({ transport, platform, port }, {
    ...{ name: "a", port: 1 },
  });
  assert(local.server !== null && local.registered);
});

test("a name that is taken is an error, and nothing stays behind", async () => {
  const options = { transport, platform, port: await freePort() };
  await using first = await LocalEpmd.register(options, { name: "a", port: 1 });
  assert(first.server !== null && first.creation > 3);
  const error = await assertRejects(
    () => LocalEpmd.register(options, { name: "a", port: 2 }),
    EpmdError,
  );
  assertEquals(error.reason, "duplicate_name");
});

test("the daemon's program ends: one of the others takes its role, all register again", async () => {
  const options = { transport, platform, port: await freePort() };
  const again: Promise<string>[] = [];
  const locals: LocalEpmd[] = [];
  for (const name of ["a", "b", "c", "d"]) {
    const done = Promise.withResolvers<string>();
    again.push(done.promise);
    const onEvent = ({ type }: { type: string }): void => {
      if (type === "registered") done.resolve(name);
    };
    locals.push(await LocalEpmd.register(options, { name, port: 1, onEvent }));
  }
  assertEquals(locals.map(({ server }) => server !== null), [true, false, false, false]);
  const creations = locals.map(({ creation }) => creation);
  await locals[0].close();
  await Promise.all(again.slice(1));
  const client = new EpmdClient(options);
  assertEquals((await client.names()).map(({ name }) => name).sort(), ["b", "c", "d"]);
  assertEquals(locals.slice(1).filter(({ server }) => server !== null).length, 1);
  assertEquals(locals.map(({ creation }) => creation), creations);
  assertEquals(locals.map(({ registered }) => registered), [false, true, true, true]);
  for (const local of locals) await local.close();
  await assertRejects(() => client.names(), EpmdError, "does not run");
});

test("a daemon that a client kills is embedded again, where it was", async () => {
  const options = { transport, platform, port: await freePort(), relaxed: true };
  const registered = Promise.withResolvers<void>();
  await using local = await LocalEpmd.register(options, {
    name: "a",
    port: 1,
    onEvent: ({ type }) => {
      if (type === "registered") registered.resolve();
    },
  });
  const first = local.server;
  const killer = await transport.connect({ host: "127.0.0.1", port: options.port });
  const text: number[] = [];
  const answered = new Promise<void>((resolve) =>
    killer.start({
      data: (bytes) => void text.push(...bytes),
      drain: () => {},
      end: () => killer.destroy(),
      close: () => resolve(),
    })
  );
  killer.write(Uint8Array.of(0, 1, 107));
  await first!.stopped;
  await answered;
  assertEquals(new TextDecoder().decode(Uint8Array.from(text)), "OK");
  await registered.promise;
  assert(local.server !== null && local.server !== first);
});

test("a registration that is closed at once leaves no daemon behind", async () => {
  const options = { transport, platform, port: await freePort() };
  const local = await LocalEpmd.register(options, { name: "a", port: 1 });
  await local.close();
  await local.close();
  const server = await EpmdServer.start(options); // the port is free
  await server.close();
  const aborted = { ...options, signal: AbortSignal.abort(new Error("enough")) };
  await assertRejects(() => LocalEpmd.register(aborted, { name: "a", port: 1 }), Error, "enough");
});

testNothingIsLeft();
