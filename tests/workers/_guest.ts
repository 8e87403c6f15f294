import process from "node:process";
import {
  type Atom,
  atom,
  type Encodable,
  type Encodable as E,
  ExitError,
  GenServer,
  later,
  on,
  type Pid,
  type Ref,
  t,
  type Term,
  tuple,
} from "../../mod.ts";

/** For threads that may be held up. */
const LONG = { timeout: 60_000 };

/** A server on a worker that does what it is asked to in its own name. */
export default class Guest extends GenServer {
  #told: Term[] = [];
  #asked: Ref | null = null;

  override init(trap = false): void {
    this.trapExit = trap === true;
  }

  override readonly calls = {
    echo: on(t.term, (term) => term),
    late: on(t.term, (term) => later(Promise.resolve(term))),
    never: () => later(new Promise<null>(() => {})),
    told: () => this.#told,
    me: () => this.pid,
    crash: () => {
      throw new Error("boom");
    },
    exit: on(t.term, (reason) => {
      throw new ExitError(reason);
    }),
    link: on(t.pid, (pid) => {
      this.link(pid);
      return this.info.links as Pid[];
    }),
    unlink: on(t.pid, (pid) => {
      this.unlink(pid);
      return this.info.links as Pid[];
    }),
    watch: on(t.term, (target) => this.monitor(target as Pid).ref),
    handled: on(t.term, (target) => {
      this.monitor(
        target as Pid,
        ({ reason }) => this.#told.push(tuple(atom("handled"), reason) as Term),
      );
    }),
    call: on(
      t.term,
      t.term,
      (target, request) => this.call(target as Pid, request as Encodable, LONG),
    ),
    try: on(t.term, t.term, async (target, request) => {
      try {
        return await this.call(target as Pid, request as Encodable, LONG);
      } catch (error) {
        return told(error);
      }
    }),
    whereis: on(t.text, (name) => this.node.whereis(name) ?? null),
    register: on(t.text, (name) => {
      try {
        this.register(name);
        return atom("ok");
      } catch (error) {
        return told(error);
      }
    }),
    unregister: on(t.text, (name) => this.node.unregister(name)),
    spawn: on(t.boolean, async (linked) => {
      const pid = this.node.spawn(
        async (self) => {
          for await (const message of self) this.send(this.pid, tuple(atom("child"), message) as E);
        },
        linked ? { link: this.pid } : {},
      );
      return await Promise.resolve(pid);
    }),
    start: () => this.node.start(Guest, []).then(({ pid }) => pid),
    start_as: on(t.text, (register) =>
      this.node.start(Guest, [], { register }).then(
        ({ pid }) => pid,
        (error) => told(error),
      )),
    spawn_as: on(t.text, (register) => {
      try {
        return this.node.spawn((self) => self.receive(), { register });
      } catch (error) {
        return told(error);
      }
    }),
    rpc_cast: on(t.text, (node) => this.node.rpcCast(node, "m", "f")),
    monitor_node: on(t.text, t.boolean, (node, on) => this.monitorNode(node, on)),
    monitor_nodes: on(t.boolean, (on) => this.monitorNodes(on)),
    ask_here: on(t.text, async (what) => {
      try {
        if (what === "events") return String(this.node.events());
        if (what === "stats") return String(this.node.stats());
        if (what === "applications") return String(this.node.applications);
        if (what === "sockets") return String(this.node._transport);
        return String(await this.node.reloadCertificates());
      } catch (error) {
        return told(error);
      }
    }),
    place: () => this.node.start(new URL(import.meta.url), []).then(() => null),
    rpc: on(
      t.text,
      t.text,
      t.text,
      t.term,
      (node, module, name, args) => this.node.rpc(node, module, name, args as Encodable[], LONG),
    ),
    nodes: () => this.node.nodes(),
    alias: () => this.#asked = this.alias(),
    many: on(t.integer, (count) => {
      const pids: Pid[] = [];
      for (let i = 0; i < count; i++) pids.push(this.node.spawn(() => {}));
      return new Set(pids.map(({ key }) => key)).size;
    }),
    env: on(t.text, (name) => this.env.get(name) as Term ?? null),
    parent: () => this.info.parent,
    name: () => this.info.name,
    log: on(t.text, (text) => {
      this.logger.warning(text, { size: 3 });
    }),
    throw_outside: () => {
      setTimeout(() => {
        throw new Error("nobody catches this");
      }, 0);
    },
    process_exit: () => {
      setTimeout(() => process.exit(3), 0);
    },
    stop_node: () => this.node.stop().then(() => null, (error: Error) => error.message),
  };

  override readonly casts = {
    forward: on(t.pid, t.term, (to, message) => this.send(to, message)),
    count_to: on(t.pid, t.integer, (to, count) => {
      for (let i = 0; i < count; i++) this.send(to, i);
    }),
    exit: on(t.pid, t.term, (pid, reason) => this.exit(pid, reason as Atom)),
  };

  override handleInfo(message: Term): void {
    this.#told.push(message);
  }

  override terminate(reason: Term): void {
    const to = this.node.whereis("mourner");
    if (to !== undefined) this.send(to, tuple(atom("terminated"), reason));
  }
}

/** An error, as a term. */
function told(error: unknown): Term {
  return tuple(atom((error as Error).name), (error as Error).message) as Term;
}
