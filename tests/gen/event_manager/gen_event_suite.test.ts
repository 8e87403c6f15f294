/**
 * The cases of OTP's gen_event_SUITE (OTP 25 to 29), under their names. What each shows is what the suite shows, in our words.
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
  type EventManagerRef,
  exit,
  ExitError,
  format,
  isTuple,
  NameError,
  type Node,
  NoProcessError,
  on,
  type Pid,
  ReplyError,
  type Self,
  startNode,
  sys,
  t,
  tagged,
  type Term,
  tuple,
} from "../../../mod.ts";
import { ended, type Lone, nodeTest, NORMAL, SHUTDOWN } from "../../node/_nodes.ts";
import { exitReason, failure, logs, pair, term } from "../_servers.ts";

/** What the handlers of a test write down. */
const log: string[] = [];
function taken(): string[] {
  return log.splice(0);
}

/** The handler of the suite, dummy_h. */
class Dummy extends EventHandler {
  seen = 0;
  override init(how: unknown = null): unknown {
    if (how === "make_error") return tagged("error", "my_error");
    if (how === "throw") exit(atom("my_error"));
    if (how === "swap") log.push(`${this.name} after ${format(this.swapped!)}`);
    return undefined;
  }
  get name(): string {
    return this.constructor.name;
  }
  override handleEvent(event: Term): unknown {
    this.seen++;
    switch (isTuple(event) ? event.tag : format(event)) {
      case "delete_event":
        return this.remove();
      case "swap_event":
        return this.swap(atom("swapped_out"), Dummy1, ["swap"]);
      case "swap_fails":
        return this.swap(atom("swapped_out"), Dummy1, ["throw"]);
      case "error_event":
        exit(atom("broken"));
    }
    log.push(`${this.name} event ${format(event)}`);
  }
  override readonly calls = {
    echo: on(t.term, (what) => what),
    sync: async () => await Promise.resolve("slowly"),
    delete_call: () => this.remove("deleted"),
    swap_call: () => this.swap(atom("swapped_out"), Dummy1, ["swap"], "swapped"),
    error_call: () => exit(atom("broken")),
    function: () => () => {},
  };
  override handleInfo(message: Term): unknown {
    if (message === atom("wait")) {
      return Promise.resolve().then(() => void log.push(`${this.name} waited`));
    }
    if (message === atom("delete_info")) return this.remove();
    if (message === atom("error_info")) throw new Error("broken");
    log.push(`${this.name} info ${format(message)}`);
  }
  override terminate(reason: Term): unknown {
    log.push(`${this.name} terminate ${format(reason)}`);
    return reason === atom("return_hej") || reason === atom("swapped_out") ? reason : undefined;
  }
  override replaceState(state: Term): void {
    this.seen = state as number;
  }
  override formatState(): unknown {
    return this.seen;
  }
}

/** dummy1_h. */
class Dummy1 extends Dummy {}

/** The manager with both by name. */
class Manager extends EventManager {
  override readonly handlers = { dummy_h: Dummy, dummy1_h: Dummy1 };
}

async function which(manager: EventManagerRef): Promise<string> {
  const all = await manager.whichHandlers();
  return all.map((one) => typeof one === "string" ? one : `${one.handler}/${format(one.id)}`).join(
    " ",
  );
}

/** Runs in a process, which traps exits, and gives what comes of it when the process has ended. */
async function inProcess<T>(node: Node, fn: (self: Self) => Promise<T>): Promise<T> {
  let result: Promise<T> | undefined;
  const pid = node.spawn(async (self) => {
    self.trapExit = true;
    result = fn(self);
    await result.catch(() => {});
  });
  await ended(node, pid);
  return await result!;
}

/** A test that begins with an empty log. */
function managerTest(title: string, body: (lone: Lone) => Promise<void>): void {
  nodeTest(title, (lone) => {
    taken();
    return body(lone);
  });
}

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

managerTest("call_format_status, call_format_status_anon", async ({ node }) => {
  for (const register of [undefined, "my_dummy_handler"]) {
    const manager = await node.start(Manager, [], { register });
    await manager.addHandler({ handler: Dummy, id: 5 }, []);
    const status = await sys.getStatus(node, manager);
    assertEquals(status.module, "gen_event");
    const misc = format(status.misc);
    assert(misc.includes("Status for event handler"), misc);
    assert(misc.includes('{items,{"Installed handlers",[{handler,dummy_h,5,0,false}]}}'), misc);
    await manager.stop();
  }
  taken();
});

nodeTest(
  "error_format_status: what a handler shows of itself is what the report shows",
  async (lone) => {
    class Secret extends Dummy {
      override formatState(): unknown {
        return "nothing to see";
      }
    }
    const manager = await lone.node.start(Manager, []);
    await manager.addHandler(Secret, []);
    await manager.syncNotify(atom("error_event"));
    const [report] = logs(lone);
    assert(report.includes("Event handler 'Secret'") && report.includes("nothing to see"), report);
    assert(report.includes("last event error_event"), report);
    await manager.stop();
    taken();
  },
);

managerTest("get_state", async ({ node }) => {
  const manager = await node.start(Manager, []);
  await manager.addHandler(Dummy, []);
  await manager.addHandler({ handler: Dummy, id: 5 }, []);
  const expected = "[{dummy_h,5,0},{dummy_h,false,0}]";
  assertEquals(format(await sys.getState(node, manager)), expected);
  await sys.suspend(node, manager);
  assertEquals(format(await sys.getState(node, manager)), expected);
  await sys.resume(node, manager);
  await manager.stop();
  taken();
});

nodeTest(
  "replace_state: of each handler, and where that fails it is as it was",
  async ({ node }) => {
    const manager = await node.start(Manager, []);
    await manager.addHandler(Dummy, []);
    await manager.addHandler({ handler: Dummy, id: 5 }, []);
    const replaced = await sys.replaceState(node, manager, (state) => {
      const [module, id, seen] = state as unknown as [Term, Term, number];
      if (id === 5) throw new Error("not this one");
      return tuple(module, id, seen + 1);
    });
    assertEquals(format(replaced), "[{dummy_h,5,0},{dummy_h,false,1}]");
    assertEquals(format(await sys.getState(node, manager)), "[{dummy_h,5,0},{dummy_h,false,1}]");
    await manager.stop();
    taken();
  },
);

nodeTest(
  "undef_init, undef_handle_call, undef_handle_info, undef_terminate: what may be left out",
  async ({ node }) => {
    class Bare extends EventHandler {
      override handleEvent(event: Term): void {
        log.push(format(event));
      }
    }
    const manager = await node.start(EventManager, []);
    await manager.addHandler(Bare, []);
    node.send(manager.pid, atom("info"));
    await manager.syncNotify(1);
    const refused = format(await exitReason(manager.request(Bare, atom("call_undef_fun"))));
    assert(refused.includes("takes no calls by name"), refused);
    assertEquals(format(await manager.deleteHandler(Bare)), "ok");
    assertEquals(taken(), ["1"]);
    await manager.stop();
  },
);

managerTest("undef_in_terminate: what fails there is what deleting gives", async ({ node }) => {
  class Failing extends Dummy {
    override terminate(): unknown {
      throw new ExitError(atom("undef"));
    }
  }
  const manager = await node.start(EventManager, []);
  await manager.addHandler(Failing, []);
  assertEquals(format(await manager.deleteHandler(Failing)), "{'EXIT',undef}");
  assertEquals(await manager.whichHandlers(), []);
  await manager.stop(NORMAL);
});
