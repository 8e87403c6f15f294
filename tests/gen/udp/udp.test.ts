import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { test } from "node:test";
import type { Binary } from "../../../lib/etf/binary.ts";
import { format } from "../../../lib/etf/format.ts";
import { atom } from "../../../lib/etf/atom.ts";
import { Udp, type UdpOptions } from "../../../lib/gen/udp/udp.ts";
import { on } from "../../../lib/gen/server/handlers.ts";
import * as sys from "../../../lib/gen/sys/sys.ts";
import * as t from "../../../lib/etf/schema/t.ts";
import type { SocketAddress } from "../../../lib/transport/contract.ts";
import { testNothingIsLeft } from "../../_support/leaks.ts";
import { freePort } from "../../_support/erlang.ts";
import { gate } from "../_servers.ts";
import { Log, socketNode, stillNode, until } from "../tcp/_support.ts";

/** Writes down what happens to it. */
class Logged extends Udp {
  log!: Log;
  override async init(log: Log, options?: UdpOptions): Promise<void> {
    this.log = log;
    await this.bind(options);
  }
  override handleDatagram(bytes: Binary, from: SocketAddress): unknown {
    this.log.add(`${bytes.text} from ${from.port}`);
    return undefined;
  }
  override handleUnsent(to: SocketAddress, error: Error): void {
    this.log.add(`unsent to ${to.host}: ${(error as Error & { code: string }).code}`);
  }
}

/** Sends what it is told to. */
class Told extends Logged {
  override readonly calls = {
    say: on(
      t.text,
      t.integer,
      (text, port) => this.sendDatagram(text, { host: "127.0.0.1", port }),
    ),
  };
}

test("datagrams come in their order, with where they came from", async () => {
  const { node } = socketNode();
  const log = new Log();
  class Echo extends Told {
    override handleDatagram(bytes: Binary, from: SocketAddress): void {
      this.sendDatagram(bytes, from);
    }
  }
  const echo = await node.start(Echo, [log]);
  const client = await node.start(Told, [log]);
  for (const text of ["one", "zwei", "троє"]) {
    assertEquals(await client.call("say", text, echo.address.port), true);
    await log.untilLine(`${text} from ${echo.address.port}`);
  }
  assertEquals(log.lines.length, 3);
  assertEquals(client.stats, { received: 3, dropped: 0, sent: 3, unsent: 0 });
  assertMatch(format(await sys.getState(node, echo.pid)), /received => 3/);
  await node.stop();
});

test("a slow handler makes datagrams wait, up to the bound, and what is beyond it is dropped and counted", async () => {
  const { node } = stillNode();
  const log = new Log();
  const open = gate();
  class Slow extends Told {
    override async handleDatagram(bytes: Binary, from: SocketAddress): Promise<void> {
      await open.promise;
      super.handleDatagram(bytes, from);
    }
  }
  const slow = await node.start(Slow, [log, { port: 5000, maxQueue: 10 }]);
  const small = await node.start(Slow, [log, { port: 5001, maxQueueBytes: 10 }]);
  const client = await node.start(Told, [log, { port: 6000 }]);
  for (let i = 0; i < 30; i++) await client.call("say", String(i), 5000);
  for (let i = 0; i < 5; i++) await client.call("say", "1234", 5001);
  await until(() => slow.stats.dropped === 19 && small.stats.dropped === 2);
  assertEquals(log.lines, []);
  open.open();
  await until(() => log.lines.length === 11 + 3);
  // One was with the handler, ten waited.
  assertEquals(slow.stats, { received: 11, dropped: 19, sent: 0, unsent: 0 });
  assertEquals(small.stats, { received: 3, dropped: 2, sent: 0, unsent: 0 });
  const of = log.lines.filter((line) => !line.startsWith("1234"));
  assertEquals(of, Array.from({ length: 11 }, (_, i) => `${i} from 6000`));
  await node.stop();
});

test("what cannot be sent is told of and counted", async () => {
  const { node } = socketNode();
  const log = new Log();
  class Large extends Logged {
    override readonly calls = {
      large: () => this.sendDatagram(new Uint8Array(70_000), { host: "127.0.0.1", port: 9 }),
      lost: () => this.sendDatagram("x", { host: "no.such.name.invalid", port: 9 }),
    };
  }
  const client = await node.start(Large, [log]);
  assertEquals(await client.call("large"), true);
  await log.untilLine("unsent to 127.0.0.1: EMSGSIZE");
  await client.call("lost");
  // By the name server's word, or for want of one.
  await log.until(([, line]) =>
    /^unsent to no.such.name.invalid: (ENOTFOUND|EAI_AGAIN)$/.test(line)
  );
  assertEquals(client.stats, { received: 0, dropped: 0, sent: 0, unsent: 2 });
  await node.stop();
});

test("the socket closes with its process, however it ends", async () => {
  const { node } = socketNode();
  const log = new Log();
  for (const how of ["stop", "kill", "crash"]) {
    class Crashing extends Told {
      override handleInfo(): void {
        throw new Error("as it was told");
      }
    }
    const port = await freePort();
    const udp = await node.start(Crashing, [log, { port }]);
    if (how === "stop") await udp.stop();
    if (how === "kill") node.exit(udp.pid, atom("kill"));
    if (how === "crash") udp.send("x");
    await until(() => !node.isAlive(udp.pid));
    const next = await node.start(Told, [log, { port }]);
    assertEquals(next.address.port, port);
    await next.stop();
  }
  await node.stop();
});

test("a flood of datagrams starves no call, and none that came is lost without being counted", async () => {
  const { node } = stillNode();
  let handled = 0;
  class Count extends Udp {
    override init(): Promise<unknown> {
      return this.bind({ port: 5000, maxQueue: 100_000 });
    }
    override readonly calls = { count: () => handled };
    override handleDatagram(): void {
      handled++;
    }
  }
  const count = await node.start(Count, []);
  const log = new Log();
  const client = await node.start(Told, [log, { port: 6000 }]);
  const sends = Array.from({ length: 5_000 }, () => client.call("say", "x", 5000));
  await Promise.all(sends);
  await until(() => handled > 0);
  const seen = await count.call("count");
  await until(() => count.stats.received + count.stats.dropped === 5_000);
  assert(seen <= handled);
  assertEquals(count.stats.dropped, 0);
  await node.stop();
});

test("options that cannot be meant, and a port that is taken, fail the start", async () => {
  const { node } = socketNode();
  const log = new Log();
  const udp = await node.start(Told, [log]);
  const start = (options: object): Promise<unknown> => node.start(Told, [log, options]);
  await assertRejects(() => start({ port: udp.address.port }), Error, "the port is in use");
  await assertRejects(() => start({ port: -1 }), Error, "port is -1");
  await assertRejects(() => start({ maxQueue: 0 }), Error, "maxQueue is 0");
  await assertRejects(() => start({ multicast: true }), Error, "no option multicast");
  class Unbound extends Udp {
    override init(): void {
      this.sendDatagram("x", { host: "127.0.0.1", port: 9 });
    }
  }
  await assertRejects(() => node.start(Unbound, []), Error, "call this.bind in init");
  await node.stop();
});

testNothingIsLeft();
