/** Our node, in this program, and a node of Erlang (demo.erl): monitors, links and exit signals between the two. */
import { after, test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import {
  atom,
  exit,
  type ExitReason,
  format,
  type Node,
  type Pid,
  tagged,
  type Term,
  tuple,
} from "../../mod.ts";
import { assertNothingLeft, openNow } from "../_support/leaks.ts";
import {
  type Inbox,
  inbox,
  NOBODY,
  OurSide,
  plain,
  reasonOf,
  startDemo,
  THEIRS,
} from "../_support/our_side.ts";
import { kindsOf } from "../_support/modes.ts";
import { needs } from "../_support/runtime.ts";
import { REASONS, told } from "./_exits.ts";

const skip = needs("erl");
const opened = openNow();
const sides = new OurSide(startDemo);

after(() => sides.close());

/** When this resolves, the process has taken what was sent to it before. */
async function sync(node: Node, pid: Pid): Promise<void> {
  const mine = await inbox(node);
  node.send(pid, tuple(atom("send"), mine.pid, atom("synced")));
  assertEquals(await mine.next(), atom("synced"));
}

/** A process of ours that is linked to one of theirs and exits when it gets a message. */
function linkedTo(node: Node, pid: Pid, reason: ExitReason): Promise<Pid> {
  return new Promise((resolve) => {
    node.spawn(async (self) => {
      self.link(pid);
      resolve(self.pid);
      await self.receive();
      exit(reason);
    });
  });
}

/** A process of theirs that traps exits and reports them. */
async function trapping(node: Node, reportTo: Inbox): Promise<Pid> {
  const pid = await plain(node);
  reportTo.self.send(pid, tuple(atom("trap"), reportTo.pid));
  assertEquals(await reportTo.next(), atom("trapping"));
  reportTo.self.send(pid, tuple(atom("report_to"), reportTo.pid));
  assertEquals(await reportTo.next(), atom("ok"));
  return pid;
}

for (const kind of kindsOf("Erlang")) {
  const check = sides.tests(kind, skip);

  check("a process of theirs ends: the reason is exact", async (node) => {
    for (const [text, reason] of [...REASONS, ["normal", atom("normal")] as const]) {
      const pid = await plain(node);
      const down = reasonOf(node, pid);
      told(node, pid, reason);
      assertEquals(await down, text);
    }
    assertEquals(await reasonOf(node, { name: "no_such_name", node: THEIRS }), "noproc");
    assertEquals(await reasonOf(node, { name: "some_name", node: NOBODY }), "noconnection");
  });

  check("a monitor as a message, by name", async (node, peer) => {
    const mine = await inbox(node);
    await peer.eval("register(our_side, spawn(fun demo:loop/0))");
    const { ref } = mine.self.monitor({ name: "our_side", node: THEIRS });
    mine.self.send({ name: "our_side", node: THEIRS }, tagged("exit", atom("boom")));
    const [down, sameRef, process, object, reason] = await mine.next() as Term[];
    assertEquals([down, process, reason], [atom("DOWN"), atom("process"), atom("boom")]);
    assert(ref.equals(sameRef));
    assertEquals(format(object), "{our_side,theirs@localhost}");
  });

  check("a monitor that is taken back", async (node) => {
    const pid = await plain(node);
    const fired: string[] = [];
    node.monitor(pid, () => fired.push("taken back"))[Symbol.dispose]();
    const down = reasonOf(node, pid);
    told(node, pid, atom("boom"));
    assertEquals(await down, "boom");
    assertEquals(fired, []);
  });

  check("20,000 monitors of ours on one process of theirs", async (node) => {
    const pid = await plain(node);
    let fired = 0;
    const all = new Promise<void>((resolve) => {
      for (let i = 0; i < 20_000; i++) {
        node.monitor(pid, ({ reason }) => {
          if (reason === atom("boom") && ++fired === 20_000) resolve();
        });
      }
    });
    told(node, pid, atom("boom"));
    await all;
  });

  check("a linked process of theirs ends", async (node) => {
    const mine = await inbox(node, { trapExit: true });
    for (
      const [text, reason] of [...REASONS, ["normal", atom("normal")], [
        "kill",
        atom("kill"),
      ]] as const
    ) {
      const pid = await plain(node);
      mine.self.link(pid);
      told(node, pid, reason);
      const [signal, from, why] = await mine.next() as Term[];
      assertEquals([signal, format(why)], [atom("EXIT"), text]);
      assert(pid.equals(from));
    }
    for (const [text, reason] of [...REASONS, ["kill", atom("kill")] as const]) {
      const pid = await plain(node);
      const linked = await linkedTo(node, pid, atom("unused"));
      const down = reasonOf(node, linked);
      told(node, pid, reason);
      assertEquals(await down, text);
    }
  });

  check("a linked process of theirs ends normally: ours lives", async (node) => {
    const pid = await plain(node);
    const mine = await inbox(node);
    mine.self.link(pid);
    const down = reasonOf(node, pid);
    told(node, pid, atom("normal"));
    assertEquals(await down, "normal");
    assert(node.isAlive(mine.pid));
  });

  check("a linked process of ours ends", async (node) => {
    const mine = await inbox(node);
    for (
      const [text, reason] of [...REASONS, ["normal", atom("normal")], [
        "kill",
        atom("kill"),
      ]] as const
    ) {
      const pid = await trapping(node, mine);
      const linked = await linkedTo(node, pid, reason);
      node.send(linked, atom("go"));
      const [, from, why] = await mine.next() as Term[];
      assertEquals(format(why), text);
      assert(linked.equals(from));
    }
    for (const [text, reason] of REASONS) {
      const pid = await plain(node);
      const down = reasonOf(node, pid);
      node.send(await linkedTo(node, pid, reason), atom("go"));
      assertEquals(await down, text);
    }
  });

  check("links to nobody", async (node) => {
    const mine = await inbox(node, { trapExit: true });
    const pid = await plain(node);
    const down = reasonOf(node, pid);
    told(node, pid, atom("normal"));
    await down;
    mine.self.link(pid);
    const [, , reason] = await mine.next() as Term[];
    assertEquals(reason, atom("noproc"));
  });

  check("unlinked, then either ends", async (node) => {
    const mine = await inbox(node, { trapExit: true });
    const pid = await plain(node);
    mine.self.link(pid);
    mine.self.unlink(pid);
    const down = reasonOf(node, pid);
    told(node, pid, atom("boom"));
    assertEquals(await down, "boom");
    const survivor = await plain(node);
    const ended = node.spawn((self) => {
      self.link(survivor);
      self.unlink(survivor);
      exit(atom("boom"));
    });
    await reasonOf(node, ended);
    await sync(node, survivor);
    for (let i = 0; i < 50; i++) {
      mine.self.link(survivor);
      mine.self.unlink(survivor);
    }
    mine.self.link(survivor);
    told(node, survivor, atom("done"));
    assertEquals(format((await mine.next() as Term[])[2]), "done");
  });

  check("exit signals of ours", async (node) => {
    const mine = await inbox(node);
    for (const [text, reason] of REASONS) {
      const pid = await plain(node);
      const down = reasonOf(node, pid);
      mine.self.exit(pid, reason);
      assertEquals(await down, text);
    }
    const pid = await plain(node);
    mine.self.exit(pid, atom("normal"));
    await sync(node, pid);
    const killed = reasonOf(node, pid);
    mine.self.exit(pid, atom("kill"));
    assertEquals(await killed, "killed");
    const traps = await trapping(node, mine);
    for (const [text, reason] of [...REASONS, ["normal", atom("normal")]] as const) {
      mine.self.exit(traps, reason);
      const [, from, why] = await mine.next() as Term[];
      assertEquals(format(why), text);
      assert(mine.pid.equals(from));
    }
  });
}

test("nothing is left open", async () => {
  await sides.close();
  await assertNothingLeft(opened);
});
