import { test } from "node:test";
import { assertEquals } from "@std/assert";
import {
  atom,
  type Pid,
  startNode,
  type Term,
  tuple,
  Web,
  type WebOptions,
  WebSocketProcess,
} from "../../../mod.ts";
import { defaultPlatform } from "../../../lib/platform/default.ts";
import { testNothingIsLeft } from "../../_support/leaks.ts";
import { ended } from "../../node/_nodes.ts";

test("what a client sends faster than it is handled is limited by its bytes, too", async () => {
  const handled: number[] = [];
  const open: (() => void)[] = [];
  let pid: Pid | null = null;
  class Slow extends WebSocketProcess {
    override init(): void {
      pid = this.pid;
    }
    override async handleMessage(data: string | Uint8Array): Promise<void> {
      await new Promise<void>((resolve) => open.push(resolve));
      handled.push(data.length);
      this.push(String(data.length));
    }
  }
  class Api extends Web {
    override init(): WebOptions {
      return { port: 0 };
    }
    override readonly routes = {
      "GET /ws": (_request: Request, context: Parameters<Web["handleRequest"]>[1]) =>
        context.upgrade(Slow, [], { maxQueueBytes: 150_000 }),
    };
  }
  const platform = { ...await defaultPlatform(), log: () => {} };
  const node = await startNode("web_socket@localhost", {
    cookie: "secret",
    listen: false,
    epmd: false,
    platform,
  });
  try {
    const api = await node.start(Api, []);
    const client = new WebSocket(`${api.url.replace("http", "ws")}/ws`);
    const replies: string[] = [];
    let wake = (): void => {};
    client.onmessage = ({ data }) => {
      replies.push(data);
      wake();
    };
    await new Promise((resolve) => client.onopen = resolve);
    const text = "x".repeat(100_000);
    // A single one is let in whatever its size, and what is handled has room again.
    for (let i = 1; i <= 3; i++) {
      client.send(i === 2 ? text + text : text);
      while (open.length === 0) await new Promise((resolve) => setTimeout(resolve, 1));
      const replied = new Promise<void>((resolve) => wake = resolve);
      open.shift()!();
      await replied;
    }
    assertEquals(replies, ["100000", "200000", "100000"]);
    const end = ended(node, pid!);
    for (let i = 0; i < 4; i++) client.send(text);
    assertEquals(await end, tuple(atom("shutdown"), atom("too_many_messages")) as Term);
    assertEquals(handled.length, 3);
  } finally {
    await node.stop();
  }
});

testNothingIsLeft();
