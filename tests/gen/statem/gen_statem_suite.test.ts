/**
 * The cases of OTP's gen_statem_SUITE (OTP 25 to 29), under their names. What each shows is what the suite shows, in our words; those of the groups `start`, `stop` and
 * `abnormal` run with a table of states and with `handleEvent`, as there with state functions and handle_event.
 *
 * | left out | why |
 * | --- | --- |
 * | abnormal1clean, abnormal1dirty | whether a late reply of a call can arrive: never, each call has an alias of its own |
 * | code_change, undef_code_change | modules of JavaScript are not exchanged in a running process |
 * | pop_too_many | no callback modules are pushed and popped: an instance has one class |
 * | enter_loop | a process of a function does not become a machine: it starts one |
 * | format_log_1, format_log_2, format_log_with_process_label, error_format_status, terminate_crash_format | how OTP's logger prints a report of gen_statem |
 *
 * Those of events, of entering a state and of time are in gen_statem_suite_events.test.ts.
 * What needs a real Erlang node, stop8 to stop10, reply_by_alias_with_payload and the three send_request_*, is in statem_erlang.test.ts.
 */
import { test } from "node:test";
import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import {
  atom,
  type Encodable,
  ExitError,
  type ExitReason,
  format,
  ignore,
  IgnoredError,
  isTuple,
  NameError,
  type Node,
  NoProcessError,
  type Pid,
  sys,
  type Term,
  tuple,
} from "../../../mod.ts";
import { nodeTest, NORMAL, SHUTDOWN } from "../../node/_nodes.ts";
import { exitReason, failure, pair, term } from "../_servers.ts";
import { callerOf, MapMachine } from "./_machines.ts";
import {
  EventPhone,
  funcTest,
  type Phone,
  stopIt,
  TablePhone,
  text,
  Via,
  withNode,
} from "./_suite.ts";

for (
  const [mode, Phone] of [["states", TablePhone], ["handleEvent", EventPhone]] as [string, Phone][]
) {
  const start = (
    node: Node,
    how: Encodable = "",
    options = {},
  ): Promise<{ pid: Pid; stop(reason?: ExitReason): Promise<void> }> =>
    node.start(Phone, [how], options) as never;

  nodeTest(`start1, start6: anonymous (${mode})`, async ({ node }) => {
    const { pid } = await start(node);
    await funcTest(node, pid);
    await stopIt(node, pid);
  });

  nodeTest(`start2: anonymous, ends with shutdown (${mode})`, async ({ node }) => {
    const { pid } = await start(node);
    await funcTest(node, pid);
    const gone = new Promise((resolve) => node.monitor(pid, ({ reason }) => resolve(reason)));
    assertEquals(text(await node.call(pid, term(atom("stop"), SHUTDOWN))), "stopped");
    assertStrictEquals(await gone, SHUTDOWN);
  });

  nodeTest(`start3: init takes too long (${mode})`, async ({ node, platform }) => {
    const slow = class extends (Phone as new () => TablePhone) {
      override async init(): Promise<never> {
        await this.sleep(1_000);
        return this.next("idle") as never;
      }
    };
    const late = exitReason(node.start(slow, [], { timeout: 5 }));
    await platform.elapse(6);
    assertStrictEquals(await late, atom("timeout"));
    await start(node, "", { timeout: 5 });
  });

  nodeTest(`start4: init does not want to run (${mode})`, async ({ node }) => {
    const nothing = class extends (Phone as new () => TablePhone) {
      override init(): never {
        return ignore as never;
      }
    };
    assert(await failure(node.start(nothing, [])) instanceof IgnoredError);
  });

  nodeTest(`start5a, start5b: init stops (${mode})`, async ({ node }) => {
    assertStrictEquals(await exitReason(start(node, "stop")), atom("stopped"));
    assertStrictEquals(
      await exitReason(start(node, "stop", { register: "my_stm" })),
      atom("stopped"),
    );
    assertEquals(node.whereis("my_stm"), undefined);
  });

  nodeTest(`start8, start9, start11: a local name (${mode})`, async ({ node }) => {
    const { pid } = await start(node, "", { register: "my_stm" });
    const taken = await failure(start(node, "", { register: "my_stm" }));
    assert(taken instanceof NameError && taken.pid?.equals(pid));
    await funcTest(node, pid);
    await funcTest(node, "my_stm");
    await stopIt(node, pid);
    await start(node, "", { register: "my_stm" });
    await stopIt(node, "my_stm");
    assertEquals(node.whereis("my_stm"), undefined);
  });

  test(`start7, start10, start11: a global name (${mode})`, () =>
    withNode(async (node) => {
      const register = { global: "my_stm" };
      const { pid } = await start(node, "", { register });
      const taken = await failure(start(node, "", { register }));
      assert(taken instanceof NameError && taken.pid?.equals(pid));
      await funcTest(node, pid);
      await funcTest(node, register);
      await stopIt(node, register);
      await start(node, "", { register });
      await stopIt(node, register);
    }));

  nodeTest(`start12: a name of a registry (${mode})`, async ({ node }) => {
    const register = { via: new Via(), name: "my_stm" };
    const { pid } = await start(node, "", { register });
    assert(await failure(start(node, "", { register })) instanceof NameError);
    await funcTest(node, pid);
    await funcTest(node, register);
    await stopIt(node, register);
    assertEquals(register.via.pids.size, 0);
  });

  nodeTest(`stop1, stop2, stop4, stop5: in order (${mode})`, async ({ node }) => {
    const log: Term[] = [];
    const one = await node.start(Phone, ["", log]) as {
      pid: Pid;
      stop(reason?: ExitReason): Promise<void>;
    };
    await one.stop();
    assert(await failure(one.stop()) instanceof NoProcessError);
    const other = await node.start(Phone, ["", log], { register: "to_stop" }) as typeof one;
    await other.stop(atom("other_reason"));
    assertEquals(log.map(text), ["normal", "other_reason"]);
    assertEquals(node.whereis("to_stop"), undefined);
    assert(await failure(node.call("to_stop", atom("hej"))) instanceof NoProcessError);
  });

  test(`stop6, stop7: by a global name and that of a registry (${mode})`, () =>
    withNode(async (node) => {
      for (const register of [{ global: "to_stop" }, { via: new Via(), name: "to_stop" }]) {
        const { pid } = await start(node, "", { register });
        await sys.terminate(node, register, NORMAL);
        await new Promise<void>((resolve) => void node.monitor(pid, () => resolve()));
        assert(await failure(sys.terminate(node, register, NORMAL)) instanceof NoProcessError);
      }
    }));

  nodeTest(`abnormal1: a call has a timeout (${mode})`, async ({ node, platform }) => {
    const { pid } = await start(node);
    const good = node.call(pid, atom("delayed_answer"), { timeout: 2_000 });
    await platform.elapse(1_100);
    assertEquals(text(await good), "delayed");
    const late = failure(node.call(pid, atom("delayed_answer"), { timeout: 10 }));
    await platform.elapse(50);
    assertEquals((await late as Error).name, "CallTimeoutError");
    await platform.elapse(2_000); // the reply comes to nobody
    assertEquals(text(await node.call(pid, atom("alive?"))), "yes");
  });

  nodeTest(
    `abnormal2, abnormal3, abnormal4: what no machine may do (${mode})`,
    async ({ node }) => {
      const reasons: string[] = [];
      for (const what of ["badreturn", "badaction", "badtimeout"]) {
        const { pid } = await start(node);
        const gone = new Promise<Term>((resolve) =>
          void node.monitor(pid, ({ reason }) => resolve(reason))
        );
        node.call(pid, atom(what)).catch(() => {});
        reasons.push(format(await gone));
      }
      assertEquals(reasons, [
        '{{bad_return_from_state_function,<<"badreturn">>},[]}',
        '{{bad_action_from_state_function,{reply,<<"badaction">>,1}},[]}',
        '{{bad_action_from_state_function,{{timeout,bad},-4711,<<"ouch">>}},[]}',
      ]);
    },
  );

  nodeTest(`shutdown (${mode})`, async ({ node }) => {
    const { pid } = await start(node);
    const reason = pair(SHUTDOWN, atom("reason"));
    const gone = new Promise<Term>((resolve) =>
      void node.monitor(pid, (down) => resolve(down.reason))
    );
    assertEquals(text(await node.call(pid, term(atom("stop"), reason))), "stopped");
    assertEquals(format(await gone), "{shutdown,reason}");
    assert(await failure(node.call(pid, atom("hej"))) instanceof NoProcessError);
  });

  nodeTest(`loop_start_fail (${mode})`, async ({ node }) => {
    assertEquals(format(await exitReason(start(node, "stop"))), "stopped");
    assertEquals(format(await exitReason(start(node, "throw"))), "bailout");
    assertEquals(format(await exitReason(start(node, "bad"))), "{{bad_return_from_init,4711},[]}");
  });

  nodeTest(`sys1 (${mode})`, async ({ node }) => {
    const { pid } = await start(node);
    const status = await sys.getStatus(node, pid);
    assertEquals([status.module, status.state], ["gen_statem", "running"]);
    await sys.suspend(node, pid);
    let answered = false;
    const call = node.call(pid, atom("hej")).then((reply) => {
      answered = true;
      return reply;
    });
    assertEquals((await sys.getStatus(node, pid)).state, "suspended");
    assertEquals(answered, false);
    await sys.resume(node, pid);
    assertEquals(text(await call), "hej");
  });

  nodeTest(`get_state (${mode})`, async ({ node }) => {
    for (const register of [undefined, "gstm"]) {
      const { pid } = await start(node, tuple(atom("data"), node.pid) as never, { register });
      const expected = `{idle,#{kept => ${format(node.pid)}}}`;
      assertEquals(format(await sys.getState(node, register ?? pid)), expected);
      await sys.suspend(node, pid);
      assertEquals(format(await sys.getState(node, pid)), expected);
      await sys.resume(node, pid);
    }
  });
}

nodeTest("stop3: a timeout that is none", async ({ node }) => {
  const machine = await node.start(MapMachine, [{ states: { start: {} } }]);
  const wrong = await failure(machine.stop(NORMAL, { timeout: "x" as never }));
  assert(wrong instanceof RangeError || wrong instanceof TypeError, String(wrong));
  await machine.stop();
});

nodeTest("hibernate: until the next message", async ({ node }) => {
  const { pid } = await node.start(MapMachine, [{
    init: (machine) => machine.next("start").hibernate(),
    states: {
      start: {
        on: (machine, event) =>
          event.content === 1 ? machine.keep().hibernate().reply(1) : machine.keep().reply(2),
      },
    },
  }]);
  const status = (): string | undefined => node.info(pid)?.status;
  assertEquals(status(), "hibernating");
  assertEquals(await node.call(pid, 2), 2);
  assertEquals(status(), "idle");
  assertEquals(await node.call(pid, 1), 1);
  assertEquals(status(), "hibernating");
  await sys.suspend(node, pid);
  await sys.resume(node, pid);
  assertEquals(await node.call(pid, 2), 2);
  assertEquals(status(), "idle");
});

nodeTest("call_format_status, format_all_status", async ({ node }) => {
  for (
    const register of [undefined, "gstm", {
      via: new Via(),
      name: tuple(atom("name"), "term") as never,
    }]
  ) {
    const { pid } = await node.start(MapMachine, [{
      states: {
        idle: {
          on: (machine, event) =>
            event.content === atom("timeout")
              ? machine.keep().timeout("t", 100_000, 5)
              : machine.keep().postpone(),
        },
      },
    }], { register });
    node.cast(pid, atom("wait"));
    node.cast(pid, atom("timeout"));
    const { misc } = await sys.getStatus(node, pid);
    const shownAs = format(misc);
    assert(shownAs.includes("Status for state machine"), shownAs);
    for (
      const part of [
        "{\"Modules\",['MapMachine']}",
        '{"Time-outs",{1,[{{timeout,t},5}]}}',
        '{"Postponed",[{cast,wait}]}',
        '{data,[{"State",{idle,nil}}]}',
      ]
    ) assert(shownAs.includes(part), `${part} in ${shownAs}`);
  }
});

nodeTest("replace_state", async ({ node }) => {
  const { pid } = await node.start(MapMachine, [{
    states: {
      idle: { on: (machine, event) => machine.keep().replyTo(callerOf(event), atom("idle")) },
      state0: { on: (machine, event) => machine.keep().replyTo(callerOf(event), atom("state0")) },
    },
  }]);
  const replace = async (fn: (state: Term, data: Term) => [unknown, unknown]): Promise<string> =>
    format(
      await sys.replaceState(node, pid, (both) => {
        const [state, data] = both as unknown as [Term, Term];
        return tuple(...fn(state, data));
      }),
    );
  assertEquals(await replace((state) => [state, atom("replaced")]), "{idle,replaced}");
  assertEquals(await replace(() => [atom("state0"), atom("again")]), "{state0,again}");
  assertStrictEquals(await node.call(pid, 1), atom("state0"));
  const failed = await failure(replace(() => {
    throw new ExitError(atom("fail"));
  }));
  assert(
    String(failed).includes("{callback_failed,{gen_statem,system_replace_state},{error,fail}}"),
    String(failed),
  );
  assertEquals(format(await sys.getState(node, pid)), "{state0,again}");
  await sys.suspend(node, pid);
  assertEquals(await replace((state) => [state, 5]), "{state0,5}");
  await sys.resume(node, pid);
  assertEquals(format(await sys.getState(node, pid)), "{state0,5}");
  // The name means nothing to sys, though it looks like an error.
  assertEquals(await replace((_, data) => [atom("error"), data]), "{error,5}");
});

nodeTest("undef_terminate1, undef_terminate2: a machine needs no terminate", async ({ node }) => {
  for (const reason of [NORMAL, atom("kaboom")]) {
    const machine = await node.start(MapMachine, [{ states: { start: {} } }]);
    await machine.stop(reason);
    assert(await failure(machine.stop()) instanceof NoProcessError);
  }
});

nodeTest("undef_in_terminate: what fails there is what the process ends with", async ({ node }) => {
  class Failing extends MapMachine {
    override terminate(): void {
      (undefined as unknown as () => void)();
    }
  }
  const machine = await node.start(Failing, [{ states: { start: {} } }]);
  const reason = await exitReason(machine.stop());
  assert(isTuple(reason) && format(reason).includes("TypeError"), format(reason));
});
