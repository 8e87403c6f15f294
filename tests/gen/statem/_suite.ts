import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import {
  atom,
  type Behaviour,
  type Encodable,
  ExitError,
  type ExitReason,
  format,
  isTuple,
  later,
  type Node,
  on,
  type Pid,
  startNode,
  Statem,
  type StatemEvent,
  type StatemResult,
  t,
  type Term,
  type Transition,
} from "../../../mod.ts";
import { NORMAL } from "../../node/_nodes.ts";
import { failure, term } from "../_servers.ts";

type Line = "idle" | "wfor_conf" | "connected";

/** The machine of the suite: two parties connect. */
export class TablePhone extends Statem<Line> {
  kept: unknown = "data";
  #terminated: Term[] | null = null;
  override async init(how: Encodable = "", terminated: Term[] | null = null): Promise<Transition> {
    this.#terminated = terminated;
    if (how === "stop") return await Promise.resolve(this.stop(atom("stopped")) as never);
    if (how === "throw") throw new ExitError(atom("bailout"));
    if (how === "bad") return 4711 as never;
    if (isTuple(how)) this.kept = (how as unknown as Term[])[1];
    return this.next("idle");
  }
  override readonly common = {
    calls: {
      "alive?": () => "yes" as const,
      get: () => this.state,
      stop: on(
        t.term.default(NORMAL),
        (reason) => this.stop(reason as ExitReason).reply("stopped"),
      ),
      hej: () => "hej",
      delayed_answer: () =>
        later(new Promise<string>((resolve) => this.after(1_000, () => resolve("delayed")))),
      badreturn: () => this.keep().nextEvent("internal", "badreturn").reply(null),
      badaction: () => this.keep().replyTo("badaction" as never, 1),
      badtimeout: () => this.keep().timeout("bad", -4711, "ouch"),
    },
    internal: (what: unknown) => what as StatemResult,
    casts: { "alive?": on(t.pid, (pid) => this.send(pid, atom("yes"))) },
  };
  override readonly states = this.table({
    idle: {
      calls: { connect: () => this.next("wfor_conf").reply("accept") },
      casts: {
        next_event: () =>
          this.next("idle").nextEvent("cast", atom("a")).nextEvent("cast", atom("b")),
      },
    },
    wfor_conf: {
      calls: {
        confirm: () => this.next("connected").reply("yes"),
        abort: () => this.next("idle").reply("aborted"),
      },
    },
    connected: { calls: { disconnect: () => this.next("idle").reply("disconnected") } },
  });
  override terminate(reason: ExitReason): void {
    this.#terminated?.push(reason);
  }
}

/** The same by handleEvent. */
export class EventPhone extends Statem<Line> {
  kept: unknown = "data";
  #terminated: Term[] | null = null;
  override init(how: Encodable = "", terminated: Term[] | null = null): Transition {
    this.#terminated = terminated;
    if (how === "stop") return this.stop(atom("stopped")) as never;
    if (how === "throw") throw new ExitError(atom("bailout"));
    if (how === "bad") return 4711 as never;
    if (isTuple(how)) this.kept = (how as unknown as Term[])[1];
    return this.next("idle");
  }
  override handleEvent(event: StatemEvent, state: Line): StatemResult {
    if (event.type === "cast" && isTuple(event.content)) {
      this.send(event.content[1] as Pid, atom("yes"));
      return;
    }
    if (event.type === "internal") return event.content as StatemResult;
    if (event.type !== "call") return this.keep().postpone();
    const [name, arg] = isTuple(event.content) ? event.content : [event.content];
    switch (`${state} ${format(name as Term)}`) {
      case "idle connect":
        return this.next("wfor_conf").reply(atom("accept"));
      case "wfor_conf confirm":
        return this.next("connected").reply(atom("yes"));
      case "wfor_conf abort":
        return this.next("idle").reply(atom("aborted"));
      case "connected disconnect":
        return this.next("idle").reply(atom("disconnected"));
    }
    switch (format(name as Term)) {
      case "'alive?'":
        return this.keep().reply(atom("yes"));
      case "get":
        return this.keep().reply(atom(state));
      case "stop":
        return this.stop((arg ?? NORMAL) as ExitReason).reply(atom("stopped"));
      case "hej":
        return this.keep().reply(atom("hej"));
      case "delayed_answer":
        return this.keep().reply(
          later(new Promise((resolve) => this.after(1_000, () => resolve(atom("delayed"))))),
        );
      case "badreturn":
        return "badreturn" as never;
      case "badaction":
        return this.keep().replyTo("badaction" as never, 1);
      case "badtimeout":
        return this.keep().timeout("bad", -4711, "ouch");
    }
    throw new Error(`unknown call ${format(name as Term)}`);
  }
  override terminate(reason: ExitReason): void {
    this.#terminated?.push(reason);
  }
}

export type Phone = new () => Behaviour & {
  init(how?: Encodable, terminated?: Term[] | null): unknown;
};
type Target = Parameters<Node["call"]>[0];

/** Connects and disconnects. */
export async function funcTest(node: Node, target: Target): Promise<void> {
  const ask = async (name: string): Promise<string> => text(await node.call(target, atom(name)));
  assertEquals(await ask("alive?"), "yes");
  assertEquals(await ask("connect"), "accept");
  assertEquals(await ask("get"), "wfor_conf");
  assertEquals(await ask("confirm"), "yes");
  assertEquals(await ask("get"), "connected");
  assertEquals(await ask("disconnect"), "disconnected");
  assertEquals(await ask("connect"), "accept");
  assertEquals(await ask("abort"), "aborted");
  assertEquals(await ask("get"), "idle");
  const answered = new Promise<Term>((resolve) => {
    node.spawn(async (self) => {
      self.cast(target, term(atom("alive?"), self.pid));
      resolve(await self.receive());
    });
  });
  assertStrictEquals(await answered, atom("yes"));
}

export function text(reply: unknown): string {
  return typeof reply === "object" && reply !== null && "name" in reply
    ? String(reply.name)
    : String(reply);
}

export async function stopIt(node: Node, target: Target): Promise<void> {
  assertEquals(text(await node.call(target, atom("stop"))), "stopped");
  assert(await failure(node.call(target, atom("hej"))) instanceof ExitError);
}

/** Names of a registry. */
export class Via {
  readonly pids: Map<string, Pid> = new Map();
  whereisName(name: Encodable): Pid | undefined {
    return this.pids.get(format(name as Term));
  }
  registerName(name: Encodable, pid: Pid): boolean {
    if (this.whereisName(name) !== undefined) return false;
    this.pids.set(format(name as Term), pid);
    return true;
  }
  unregisterName(name: Encodable): void {
    this.pids.delete(format(name as Term));
  }
}

/** A node with names of the cluster. */
export async function withNode(body: (node: Node) => Promise<void>): Promise<void> {
  const node = await startNode("suite@localhost", { network: false });
  try {
    await body(node);
  } finally {
    await node.stop();
  }
}
