// Cases of OTP's gen_event_SUITE, see the table in gen_event_suite_handlers.test.ts: events, calls and other messages, and hibernation.
import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  atom,
  type Encodable,
  EventHandler,
  EventManager,
  format,
  ReplyError,
  type Term,
} from "../../../mod.ts";
import { exitReason, failure, logs, pair, term } from "../_servers.ts";
import { Dummy, Dummy1, inProcess, log, Manager, managerTest, taken, which } from "./_suite.ts";

managerTest("notify: to all handlers, which may go and be swapped", async (lone) => {
  const { node } = lone;
  const manager = await node.start(Manager, []);
  const tell = async (event: Encodable): Promise<string[]> => {
    manager.notify(event);
    await manager.whichHandlers();
    return taken();
  };
  await manager.addHandler(Dummy, []);
  await manager.addHandler({ handler: Dummy, id: 5 }, []);
  assertEquals(await tell(term(atom("event"), 1)), [
    "Dummy event {event,1}",
    "Dummy event {event,1}",
  ]);
  await manager.deleteHandler({ handler: Dummy, id: 5 });
  taken();
  assertEquals(await tell(atom("swap_event")), [
    "Dummy terminate swapped_out",
    "Dummy1 after swapped_out",
  ]);
  assertEquals(await tell(1), ["Dummy1 event 1"]);
  assertEquals(await tell(atom("delete_event")), ["Dummy1 terminate remove_handler"]);
  assertEquals(await which(manager), "");
  await manager.addHandler(Dummy, []);
  assertEquals(await tell(atom("error_event")), ["Dummy terminate {error,{'EXIT',broken}}"]);
  assertEquals(await which(manager), "");
  await manager.addHandler(Dummy, []);
  assertEquals(await tell(atom("swap_fails")), ["Dummy terminate swapped_out"]);
  assertEquals(await which(manager), "");
  assertEquals(logs(lone).length, 2);
  const messages = await inProcess(node, async (self) => {
    await manager.as(self).addSupHandler(Dummy, []);
    manager.notify(atom("error_event"));
    await manager.as(self).addSupHandler(Dummy1, []);
    manager.notify(atom("swap_event"));
    await manager.as(self).deleteHandler(Dummy1);
    return [await self.receive(), await self.receive(), await self.receive()].map((message) =>
      format(message).replace(/<[^>]*>/, "Pid")
    );
  });
  assertEquals(messages, [
    "{gen_event_EXIT,dummy_h,{'EXIT',broken}}",
    "{gen_event_EXIT,dummy1_h,{swapped,dummy1_h,Pid}}",
    "{gen_event_EXIT,dummy1_h,normal}",
  ]);
  await manager.stop();
  taken();
});

managerTest("sync_notify: comes back when all are done", async ({ node }) => {
  class Slow extends EventHandler {
    override async handleEvent(event: Term): Promise<void> {
      await Promise.resolve();
      await Promise.resolve();
      log.push(`slow ${format(event)}`);
    }
  }
  const manager = await node.start(Manager, []);
  await manager.addHandler(Dummy, []);
  await manager.addHandler(Slow, []);
  await manager.syncNotify(1);
  assertEquals(taken(), ["slow 1", "Dummy event 1"]);
  await manager.syncNotify(atom("error_event"));
  assertEquals(await which(manager), "Slow");
  await manager.stop();
  taken();
});

managerTest("call: of one handler, which may go, be swapped, and fail", async (lone) => {
  const { node } = lone;
  const manager = await node.start(Manager, []);
  await manager.addHandler(Dummy, []);
  await manager.addHandler({ handler: Dummy, id: 1 }, []);
  assertEquals(format(await manager.call(Dummy, "echo", atom("hejhopp"))), "hejhopp");
  assertEquals(await manager.call({ handler: Dummy, id: 1 }, "echo", 7), 7);
  assertEquals(`${await manager.call(Dummy, "sync")}`, "slowly");
  const missing = await assertRejects(() => manager.call(Dummy1, "sync"), ReplyError);
  assertEquals(format(missing.reason as Term), "bad_module");
  assertEquals(
    format(await exitReason(manager.call({ handler: Dummy, id: 1 }, "error_call"))),
    "broken",
  );
  assertEquals(await which(manager), "dummy_h");
  assertEquals(await manager.call(Dummy, "swap_call"), "swapped");
  assertEquals(await which(manager), "dummy1_h");
  assertEquals(await manager.call(Dummy1, "delete_call"), "deleted");
  assertEquals(await which(manager), "");
  assertEquals(taken(), [
    ...["Dummy terminate {error,{'EXIT',broken}}", "Dummy terminate swapped_out"],
    ...["Dummy1 after swapped_out", "Dummy1 terminate remove_handler"],
  ]);
  await manager.stop();
});

managerTest(
  "call: what a handler does not take refuses the caller only",
  async ({ node, platform }) => {
    const manager = await node.start(Manager, []);
    await manager.addHandler(Dummy, []);
    for (const request of [atom("unknown"), 5, term(atom("echo"))]) {
      const reason = await exitReason(manager.request(Dummy, request as Encodable));
      assertEquals((reason as unknown as Term[])[0], atom("bad_request"));
    }
    const handlers: string = await which(manager);
    assertEquals(handlers, "dummy_h");
    const called = failure(node.call(manager, 1)); // no call of gen_event
    await platform.elapse(5_100);
    assertEquals((await called as Error).name, "CallTimeoutError");
    await manager.stop();
    taken();
  },
);

managerTest("info", async (lone) => {
  const { node } = lone;
  const manager = await node.start(Manager, []);
  await manager.addHandler(Dummy, []);
  const tell = async (message: Encodable): Promise<string[]> => {
    node.send(manager.pid, message);
    await manager.whichHandlers();
    return taken();
  };
  assertEquals(await tell(pair(atom("info"), 1)), ["Dummy info {info,1}"]);
  assertEquals(await tell(atom("wait")), ["Dummy waited"]);
  node.cast(manager, 5);
  assertEquals(await tell(7), ["Dummy info {'$gen_cast',5}", "Dummy info 7"]);
  assertEquals(await tell(atom("delete_info")), ["Dummy terminate remove_handler"]);
  await manager.addHandler(Dummy, []);
  const failed = await tell(atom("error_info"));
  assert(failed[0].startsWith("Dummy terminate {error,{'EXIT',{{js_error,"), failed[0]);
  assertEquals(await which(manager), "");
  assertEquals(logs(lone).length, 1);
  await manager.stop();
});

managerTest("hibernate: where a handler says so, until the next message", async ({ node }) => {
  class Sleepy extends EventHandler {
    override handleEvent(event: Term): void {
      if (event === atom("hibernate")) this.hibernate();
    }
  }
  const manager = await node.start(EventManager, []);
  await manager.addHandler(Sleepy, []);
  const status = (): string | undefined => node.info(manager.pid)?.status;
  await manager.syncNotify(atom("hibernate"));
  assertEquals(status(), "hibernating");
  await manager.syncNotify(atom("wakeup"));
  assertEquals(status(), "idle");
  await manager.stop();
});

managerTest("auto_hibernate: when nothing has come for so long", async ({ node, platform }) => {
  const manager = await node.start(EventManager, [], { hibernateAfter: 100 });
  const status = (): string | undefined => node.info(manager.pid)?.status;
  await manager.addHandler(Dummy, []);
  await platform.elapse(99);
  assertEquals(status(), "idle");
  await platform.elapse(1);
  assertEquals(status(), "hibernating");
  await manager.syncNotify(atom("wakeup"));
  assertEquals(status(), "idle");
  await platform.elapse(100);
  assertEquals(status(), "hibernating");
  await manager.stop();
  taken();
});
