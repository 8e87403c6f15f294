import { test } from "node:test";
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { EpmdClient, epmdPort } from "../../lib/dist/epmd_client.ts";
import { EpmdError } from "../../lib/dist/epmd_error.ts";
import type { RegistrationEvent } from "../../lib/dist/epmd_registration.ts";
import { type ConnectOptions, TransportError } from "../../lib/transport/contract.ts";
import { FakePlatform } from "../_support/fake_platform.ts";
import { FakeStream } from "../_support/fake_stream.ts";

/** A daemon that is the test: each connection is a stream in `streams`, or the error that is set. */
class FakeDaemon {
  readonly streams: FakeStream[] = [];
  readonly dialled: string[] = [];
  error: Error | null = null;
  hangs = false;

  connect({ host, port, signal }: ConnectOptions): Promise<FakeStream> {
    this.dialled.push(`${host}:${port}`);
    if (this.error !== null) return Promise.reject(this.error);
    if (this.hangs) {
      return new Promise((_, reject) => {
        signal?.addEventListener("abort", () => reject(new TransportError("gone", "ABORTED")));
      });
    }
    const stream = new FakeStream();
    this.streams.push(stream);
    return Promise.resolve(stream);
  }

  get last(): FakeStream {
    return this.streams[this.streams.length - 1];
  }
}

interface Setup {
  daemon: FakeDaemon;
  platform: FakePlatform;
  client: EpmdClient;
}

function setup(): Setup {
  const [daemon, platform] = [new FakeDaemon(), new FakePlatform()];
  return { daemon, platform, client: new EpmdClient({ transport: daemon, platform, port: 4000 }) };
}

/** Lets a promise go on until it waits for the daemon. */
async function answer({ daemon, platform }: Setup, ...bytes: number[]): Promise<FakeStream> {
  await platform.settle();
  const stream = daemon.last;
  for (const byte of bytes) stream.handler.data(Uint8Array.of(byte)); // one at a time
  return stream;
}

const REFUSED = new TransportError("Cannot connect: refused", "ECONNREFUSED");

test("a look-up asks at the node's host and closes the connection", async () => {
  const all = setup();
  const found = all.client.lookup("ab", { host: "far" });
  const stream = await answer(all, 119, 0, 0x12, 0x34, 77, 0, 0, 6, 0, 5, 0, 2, 97, 98, 0, 1, 9);
  assertEquals((await found)?.port, 0x1234);
  assertEquals((await found)?.extra, Uint8Array.of(9));
  assertEquals(stream.calls, ["start", "write 0,3,122,97,98", "destroy"]);
  assertEquals(all.daemon.dialled, ["far:4000"]);
  assertEquals(all.platform.pendingTimers, 0);
});

test("a look-up of a node that is not registered is null", async () => {
  const all = setup();
  const found = all.client.lookup("ab");
  await answer(all, 119, 1);
  assertEquals(await found, null);
});

test("names are complete with the end of the connection", async () => {
  const all = setup();
  const names = all.client.names();
  const text = new TextEncoder().encode("name ab at port 7\n");
  const stream = await answer(all, 0, 0, 0x11, 0x11, ...text);
  stream.handler.end();
  assertEquals(await names, [{ name: "ab", port: 7 }]);
});

test("a registration: ALIVE2_REQ to the byte, both responses, freed by closing", async () => {
  for (
    const [hidden, type, response, creation] of [
      [true, 72, [118, 0, 0, 1, 0, 2], 0x10002],
      [false, 77, [121, 0, 0, 3], 3],
    ] as const
  ) {
    const all = setup();
    const registering = all.client.register({
      name: "ab",
      port: 0x1234,
      hidden,
      extra: Uint8Array.of(9),
    });
    const stream = await answer(all, ...response);
    const registration = await registering;
    assertEquals([registration.creation, registration.registered], [creation, true]);
    const request = [0, 16, 120, 0x12, 0x34, type, 0, 0, 6, 0, 5, 0, 2, 97, 98, 0, 1, 9];
    assertEquals(stream.calls, ["start", `write ${request}`]);
    registration.close();
    registration.close();
    assertEquals(stream.calls.slice(2), ["destroy"]);
    assertEquals([registration.registered, all.platform.pendingTimers], [false, 0]);
  }
});

test("a name that is taken: the error says what to do", async () => {
  for (const response of [[118, 1, 0, 0, 0, 99], [121, 1, 0, 99]]) {
    const all = setup();
    const registering = all.client.register({ name: "ab", port: 1 });
    const stream = await answer(all, ...response);
    const error = await assertRejects(() => registering, EpmdError, "choose another name");
    assertEquals([error.reason, error.host, error.port], ["duplicate_name", "127.0.0.1", 4000]);
    assertEquals(stream.calls.slice(-1), ["destroy"]);
  }
});

test("no daemon: the error says what to do, and has the cause", async () => {
  const { client, daemon } = setup();
  daemon.error = REFUSED;
  const error = await assertRejects(() => client.lookup("ab"), EpmdError, "epmd -daemon");
  assertEquals([error.reason, error.cause], ["unreachable", REFUSED]);
});

test("a daemon that says nothing, or cannot be reached at all: a time limit", async () => {
  for (const hangs of [false, true]) {
    const all = setup();
    all.daemon.hangs = hangs;
    const error = assertRejects(() => all.client.names(), EpmdError, "10000 ms");
    await all.platform.elapse(9_999);
    assertEquals(all.platform.pendingTimers, 1);
    await all.platform.elapse(1);
    assertEquals((await error).reason, "timeout");
    if (!hangs) assertEquals(all.daemon.last.calls.slice(-1), ["destroy"]);
    assertEquals(all.platform.pendingTimers, 0);
  }
});

test("a daemon that hangs up before its answer is complete", async () => {
  const all = setup();
  const lookup = assertRejects(() => all.client.lookup("ab"), EpmdError);
  const stream = await answer(all, 119, 0, 1);
  stream.handler.end();
  stream.handler.close();
  assertEquals((await lookup).reason, "closed");

  const register = assertRejects(() => all.client.register({ name: "ab", port: 1 }), EpmdError);
  (await answer(all)).handler.close(new Error("reset"));
  assertEquals([(await register).reason, ((await register).cause as Error).message], [
    "closed",
    "reset",
  ]);
});

test("what is no daemon: a typed error, the connection is closed", async () => {
  const all = setup();
  for (
    const ask of [() => all.client.lookup("ab"), () => all.client.register({ name: "a", port: 1 })]
  ) {
    const error = assertRejects(ask, EpmdError, "no EPMD");
    const stream = await answer(all, 0x48, 0x54, 0x54, 0x50);
    assertEquals((await error).reason, "garbage");
    assertEquals(stream.calls.slice(-1), ["destroy"]);
  }
  const names = assertRejects(() => all.client.names(), EpmdError);
  const stream = await answer(all, 1);
  stream.handler.data(new Uint8Array(1024 * 1024));
  assertEquals((await names).reason, "garbage");
});

test("a signal gives up: before, while connecting, while waiting", async () => {
  const reason = new Error("enough");
  const first = setup();
  const aborted = { signal: AbortSignal.abort(reason) };
  await assertRejects(() => first.client.lookup("ab", aborted), Error, "enough");
  assertEquals(first.daemon.dialled, []);
  for (const hangs of [true, false]) {
    const all = setup();
    all.daemon.hangs = hangs;
    const controller = new AbortController();
    const { signal } = controller;
    const names = assertRejects(() => all.client.names({ signal }), Error, "enough");
    await all.platform.settle();
    controller.abort(reason);
    await names;
    assertEquals(all.platform.pendingTimers, 0);
  }
});

test("ERL_EPMD_PORT is the port, where it is one", () => {
  const platform = new FakePlatform();
  assertEquals(epmdPort(platform), 4369);
  platform.environment.set("ERL_EPMD_PORT", "");
  assertEquals(epmdPort(platform), 4369);
  platform.environment.set("ERL_EPMD_PORT", "5000");
  assertEquals(new EpmdClient({ transport: new FakeDaemon(), platform }).port, 5000);
  for (const wrong of ["x", "0", "65536", "1.5"]) {
    platform.environment.set("ERL_EPMD_PORT", wrong);
    assertThrows(() => epmdPort(platform), RangeError, `ERL_EPMD_PORT=${wrong}`);
  }
});

// Registering again

/** A registered node, and what it is told. */
async function registered(beforeRetry?: () => Promise<unknown>): Promise<
  Setup & { registration: Disposable & { registered: boolean; creation: number }; events: string[] }
> {
  const all = setup();
  const events: string[] = [];
  const onEvent = (event: RegistrationEvent): void => {
    events.push(
      event.type === "retry"
        ? `retry ${event.error instanceof EpmdError ? event.error.reason : event.error}`
        : event.type === "lost"
        ? `lost ${event.error?.message ?? ""}`
        : `registered ${event.creation}`,
    );
  };
  const registering = all.client.register({ name: "ab", port: 1, onEvent, beforeRetry });
  await answer(all, 118, 0, 0, 0, 0, 7);
  return { ...all, registration: await registering, events };
}

test("a daemon that goes away and comes back: registered again, with the first creation", async () => {
  const all = await registered();
  all.daemon.last.handler.end();
  all.daemon.last.handler.close();
  assertEquals(all.registration.registered, false);
  await all.platform.elapse(200);
  await answer(all, 118, 0, 0, 0, 0, 8);
  await all.platform.settle();
  assertEquals(all.events, ["lost ", "registered 8"]);
  assertEquals([all.registration.registered, all.registration.creation], [true, 7]);
  all.registration[Symbol.dispose]();
  assertEquals(all.platform.pendingTimers, 0);
});

test("attempts back off, with chance, up to five seconds, and start anew after a success", async () => {
  const all = await registered();
  all.daemon.error = REFUSED;
  all.daemon.last.handler.close(new Error("reset"));
  const waits: number[] = [];
  for (let attempt = 0; attempt < 9; attempt++) {
    const before = all.daemon.dialled.length;
    let waited = 0;
    while (all.daemon.dialled.length === before) {
      await all.platform.elapse(50);
      waited += 50;
    }
    waits.push(waited);
  }
  const longest = [200, 400, 800, 1600, 3200, 5000, 5000, 5000, 5000];
  waits.forEach((wait, i) => {
    assert(wait >= longest[i] / 2 && wait <= longest[i] + 50, `${waits}`);
  });
  assert(new Set(waits.slice(5)).size > 1, "no chance in it");
  assertEquals(all.events.slice(0, 2), ["lost reset", "retry unreachable"]);

  all.daemon.error = null;
  await all.platform.elapse(5000);
  await answer(all, 118, 0, 0, 0, 0, 8);
  await all.platform.settle();
  assertEquals(all.registration.registered, true);
  const before = all.daemon.dialled.length;
  all.daemon.last.handler.close();
  await all.platform.elapse(200);
  assertEquals(all.daemon.dialled.length, before + 1);
  all.registration[Symbol.dispose]();
});

test("a name that somebody took meanwhile is tried for again", async () => {
  const all = await registered();
  all.daemon.last.handler.close();
  await all.platform.elapse(200);
  await answer(all, 118, 1, 0, 0, 0, 99);
  await all.platform.elapse(400);
  await answer(all, 118, 0, 0, 0, 0, 9);
  await all.platform.settle();
  assertEquals(all.events, ["lost ", "retry duplicate_name", "registered 9"]);
  all.registration[Symbol.dispose]();
});

test("before each attempt the owner may start a daemon; if it cannot, that attempt has failed", async () => {
  let calls = 0;
  const all = await registered(() => {
    calls++;
    return calls === 1 ? Promise.reject(new Error("no port")) : Promise.resolve();
  });
  const before = all.daemon.dialled.length;
  all.daemon.last.handler.close();
  await all.platform.elapse(200);
  assertEquals([calls, all.daemon.dialled.length], [1, before]);
  await all.platform.elapse(400);
  assertEquals([calls, all.daemon.dialled.length], [2, before + 1]);
  await answer(all, 118, 0, 0, 0, 0, 9);
  await all.platform.settle();
  assertEquals(all.events, ["lost ", "retry Error: no port", "registered 9"]);
  all.registration[Symbol.dispose]();
});

test("a registration that is closed while it registers again leaves nothing behind", async () => {
  const waiting = await registered();
  waiting.daemon.last.handler.close();
  waiting.registration[Symbol.dispose]();
  assertEquals(waiting.platform.pendingTimers, 0);

  const asking = await registered();
  asking.daemon.last.handler.close();
  await asking.platform.elapse(200);
  const stream = asking.daemon.last;
  asking.registration[Symbol.dispose]();
  await asking.platform.settle();
  assertEquals(stream.calls.slice(-1), ["destroy"]);
  assertEquals([asking.platform.pendingTimers, asking.events], [0, ["lost "]]);
});

test("the program's life: ref and unref reach the connection, the next one too", async () => {
  const all = await registered();
  const registration = all.registration as unknown as { ref(): void; unref(): void };
  registration.unref();
  assertEquals(all.daemon.last.calls.slice(-1), ["unref"]);
  all.daemon.last.handler.close();
  await all.platform.elapse(200);
  await answer(all, 118, 0, 0, 0, 0, 8);
  await all.platform.settle();
  assertEquals(all.daemon.last.calls.slice(-1), ["unref"]);
  registration.ref();
  assertEquals(all.daemon.last.calls.slice(-1), ["ref"]);
  all.registration[Symbol.dispose]();
});
