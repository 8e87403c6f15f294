/**
 * The cases of OTP's gen_event_SUITE (OTP 25 to 29), under their names. What each shows is what the suite shows, in our words. Here:
 * managers start, handlers come, go and are swapped. In gen_event_suite_messages.test.ts: what managers and handlers are told and asked. In
 * gen_event_suite_state.test.ts: what handlers show of their state, and what they may leave out.
 *
 * | left out | why |
 * | --- | --- |
 * | start_opt | options of Erlang's spawn |
 * | undef_handle_event | the compiler demands the method |
 * | undef_code_change | modules of JavaScript are not exchanged in a running process |
 * | format_log_1, format_log_2 | how OTP's logger prints a report of gen_event |
 *
 * What needs a real Erlang node, the three send_request_* among it, is in event_manager_erlang.test.ts.
 */
import { test } from "node:test";
import { assert, assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import {
  atom,
  type Encodable,
  EventHandler,
  EventManager,
  exit,
  format,
  NameError,
  NoProcessError,
  type Pid,
  ReplyError,
  startNode,
  type Term,
} from "../../../mod.ts";
import { SHUTDOWN } from "../../node/_nodes.ts";
import { exitReason, failure } from "../_servers.ts";
import { Dummy, Dummy1, inProcess, log, Manager, managerTest, taken, which } from "./_suite.ts";

test("start: with names of each kind", async () => {
  const node = await startNode("suite@localhost", { network: false });
  try {
    const names = new Map<string, Pid>();
    const via = {
      whereisName: (name: Encodable) => names.get(String(name)),
      registerName: (name: Encodable, pid: Pid) =>
        !names.has(String(name)) && !!names.set(String(name), pid),
      unregisterName: (name: Encodable) => names.delete(String(name)),
    };
    for (
      const register of [undefined, "my_dummy_name", { global: "my_dummy_name" }, {
        via,
        name: "my_dummy_name",
      }]
    ) {
      const manager = await node.start(EventManager, [], { register });
      assertEquals(await manager.whichHandlers(), []);
      if (register !== undefined) {
        assert(await failure(node.start(EventManager, [], { register })) instanceof NameError);
      }
      await manager.stop();
      assert(await failure(manager.whichHandlers()) instanceof NoProcessError);
    }
    const manager = await node.start(EventManager, []);
    const gone = new Promise<Term>((resolve) =>
      void manager.monitor(({ reason }) => resolve(reason))
    );
    await manager.stop(SHUTDOWN);
    assertStrictEquals(await gone, SHUTDOWN);
  } finally {
    await node.stop();
  }
});

managerTest("add_handler", async ({ node }) => {
  const manager = await node.start(Manager, []);
  const refused = await assertRejects(() => manager.addHandler(Dummy, ["make_error"]), ReplyError);
  assertEquals(format(refused.reason as Term), '<<"my_error">>');
  assertEquals(format(await exitReason(manager.addHandler(Dummy, ["throw"]))), "my_error");
  assertEquals(await which(manager), "");
  await manager.addHandler(Dummy, []);
  assertEquals(await which(manager), "dummy_h");
  await assertRejects(
    () => manager.addHandler({ handler: Dummy, id: 5 }, ["make_error"]),
    ReplyError,
  );
  await manager.addHandler({ handler: Dummy, id: manager.pid }, []);
  assertEquals(await which(manager), `dummy_h/${format(manager.pid)} dummy_h`);
  await assertRejects(
    () => manager.addHandler("duuuuuuuuumy", []),
    TypeError,
    "the table of handlers has dummy_h, dummy1_h",
  );
  await manager.stop();
});

managerTest("add_sup_handler: it goes with its process, which is told", async ({ node }) => {
  const manager = await node.start(Manager, []);
  await assertRejects(() => manager.addSupHandler(Dummy, []), TypeError, "use ref.as(this)");
  await inProcess(node, async (self) => {
    await assertRejects(() => manager.as(self).addSupHandler(Dummy, ["make_error"]), ReplyError);
    await manager.as(self).addSupHandler(Dummy, []);
    assertEquals(await which(manager), "dummy_h");
  });
  await manager.syncNotify(atom("next"));
  assertEquals(await which(manager), "");
  assertEquals(taken(), ["Dummy terminate {stop,normal}"]);
  const messages = await inProcess(node, async (self) => {
    await manager.as(self).addSupHandler(Dummy, []);
    await manager.as(self).addSupHandler({ handler: Dummy, id: 7 }, []);
    self.exit(manager.pid, atom("sup_died")); // as its end would be
    await manager.syncNotify(atom("next"));
    const died = [await self.receive(), await self.receive()];
    await manager.as(self).addSupHandler(Dummy, []);
    await manager.as(self).addSupHandler({ handler: Dummy, id: 7 }, []);
    await manager.stop();
    return [...died, await self.receive(), await self.receive(), await self.receive()].map((
      message,
    ) => format(message));
  });
  assertEquals(messages, [
    "{gen_event_EXIT,{dummy_h,7},shutdown}",
    "{gen_event_EXIT,dummy_h,shutdown}",
    "{gen_event_EXIT,{dummy_h,7},shutdown}",
    "{gen_event_EXIT,dummy_h,shutdown}",
    `{'EXIT',${format(manager.pid)},normal}`,
  ]);
  assertEquals(taken(), [
    ...["Dummy terminate {stop,sup_died}", "Dummy terminate {stop,sup_died}"],
    ...["Dummy terminate stop", "Dummy terminate stop"],
  ]);
});

managerTest(
  "a manager's class may begin with handlers, which have timers of their own",
  async ({ node, platform }) => {
    class Beating extends EventHandler {
      override init(ms: number): void {
        this.after(ms, () => {
          log.push("beat");
          this.after(ms, () => exit(atom("tired")));
        });
      }
      override handleEvent(): void {}
    }
    class Beats extends EventManager {
      override async init(ms: number): Promise<void> {
        await this.add(Beating, [ms]);
        await this.add({ handler: Beating, id: 2 }, [1_000]);
      }
    }
    const manager = await node.start(Beats, [10]);
    await platform.elapse(11);
    assertEquals(await which(manager), "Beating/2 Beating");
    await platform.elapse(11);
    assertEquals(await which(manager), "Beating/2"); // what throws is removed, the manager lives
    await manager.deleteHandler({ handler: Beating, id: 2 });
    await platform.elapse(2_000);
    assertEquals(taken(), ["beat"]);
    await manager.stop();
  },
);

managerTest("delete_handler", async ({ node }) => {
  const manager = await node.start(Manager, []);
  await manager.addHandler(Dummy, []);
  const missing = await assertRejects(() => manager.deleteHandler("duuuuuuuuumy"), ReplyError);
  assertEquals(format(missing.reason as Term), "module_not_found");
  assertEquals(format(await manager.deleteHandler(Dummy, atom("return_hej"))), "return_hej");
  assertEquals(await which(manager), "");
  await manager.addHandler(Dummy, []);
  assertEquals(format(await manager.deleteHandler(Dummy)), "ok");
  await manager.addHandler({ handler: Dummy, id: 1 }, []);
  await manager.addHandler({ handler: Dummy, id: 2 }, []);
  await assertRejects(() => manager.deleteHandler(Dummy), ReplyError);
  await assertRejects(() => manager.deleteHandler({ handler: Dummy, id: 3 }), ReplyError);
  assertEquals(
    format(await manager.deleteHandler({ handler: Dummy, id: 1 }, atom("return_hej"))),
    "return_hej",
  );
  assertEquals(await which(manager), "dummy_h/2");
  taken();
  await manager.stop();
  assertEquals(taken(), ["Dummy terminate stop"]);
});

managerTest("swap_handler: the new one gets what the old one has left", async ({ node }) => {
  const manager = await node.start(Manager, []);
  await manager.addHandler(Dummy, []);
  await manager.swapHandler(Dummy, atom("swapped_out"), Dummy1, ["swap"]);
  assertEquals(taken(), ["Dummy terminate swapped_out", "Dummy1 after swapped_out"]);
  assertEquals(await which(manager), "dummy1_h");
  // Where there was none, as in OTP, the new one is told, and may refuse.
  await manager.swapHandler({ handler: Dummy, id: 9 }, atom("x"), { handler: Dummy, id: 4 }, [
    "swap",
  ]);
  assertEquals(taken(), ["Dummy after error"]);
  await assertRejects(
    () => manager.swapHandler("faulty_h", atom("x"), Dummy1, ["make_error"]),
    ReplyError,
  );
  assertEquals(await which(manager), "dummy_h/4 dummy1_h");
  await manager.stop();
  taken();
});

managerTest("swap_sup_handler: whose it is", async ({ node }) => {
  const manager = await node.start(Manager, []);
  const messages = await inProcess(node, async (self) => {
    const mine = manager.as(self);
    await mine.addSupHandler(Dummy, []);
    await mine.swapHandler(Dummy, atom("swapped_out"), Dummy1, []); // inherits the supervision
    await mine.deleteHandler(Dummy1);
    await mine.addHandler({ handler: Dummy, id: 3 }, []);
    await mine.swapSupHandler({ handler: Dummy, id: 3 }, [], { handler: Dummy1, id: 4 }, []);
    await mine.deleteHandler({ handler: Dummy1, id: 4 });
    return [await self.receive(), await self.receive(), await self.receive()].map((message) =>
      format(message)
    );
  });
  assertEquals(messages.map((message) => message.replace(/<[^>]*>/, "Pid")), [
    "{gen_event_EXIT,dummy_h,{swapped,dummy1_h,Pid}}",
    "{gen_event_EXIT,dummy1_h,normal}",
    "{gen_event_EXIT,{dummy1_h,4},normal}",
  ]);
  await manager.stop();
  taken();
});
