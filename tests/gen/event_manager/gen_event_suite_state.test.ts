// Cases of OTP's gen_event_SUITE, see the table in gen_event_suite_handlers.test.ts: the state of handlers as others see it, and what they may leave out.
import { assert, assertEquals } from "@std/assert";
import {
  atom,
  EventHandler,
  EventManager,
  ExitError,
  format,
  sys,
  type Term,
  tuple,
} from "../../../mod.ts";
import { nodeTest, NORMAL } from "../../node/_nodes.ts";
import { exitReason, logs } from "../_servers.ts";
import { Dummy, log, Manager, managerTest, taken } from "./_suite.ts";

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
