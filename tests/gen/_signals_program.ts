// Run by signals.test.ts, with a garbage collector that can be called: whoever only looks at a signal now and then, as a loop does, must see that it has aborted.
import {
  atom,
  type JobContext,
  LeaderElection,
  type Pid,
  Saga,
  SagaWorker,
  startNode,
  type Transaction,
} from "../../mod.ts";
import { collectGarbage } from "../_support/garbage.ts";

const KILL = atom("kill");
const node = await startNode("signals@localhost", { network: false, signals: false });

/** Says whether what was ended shows it, `end` having been done. */
async function tell(what: string, signal: AbortSignal, end: () => unknown): Promise<void> {
  if (signal.aborted) throw new Error(`${what} has ended too soon`);
  await collectGarbage(1);
  await end();
  await collectGarbage(1);
  console.log(what, signal.aborted);
}

/** Resolves when that process is gone. */
function killed(pid: Pid): Promise<unknown> {
  const down = new Promise((resolve) => node.monitor(pid, resolve));
  node.exit(pid, KILL);
  return down;
}

async function elect(name: string): Promise<Pid> {
  const options = { members: [node.name], electionTimeout: 50, heartbeat: 10 };
  return (await node.start(LeaderElection, [options], { register: name })).pid;
}

/** What a leader gets, and how that is taken back: nothing else is held. */
function lead(pid: Pid): Promise<{ signal: AbortSignal; back: Disposable }> {
  return new Promise((resolve) => {
    const back = node.ref(LeaderElection, pid).lead((signal) => resolve({ signal, back }));
  });
}

const first = await elect("first");
await tell("killed leader", (await lead(first)).signal, () => killed(first));
const second = await elect("second");
await tell(
  "stopped leader",
  (await lead(second)).signal,
  () => node.ref(LeaderElection, second).stop(),
);
const third = await elect("third");
const { signal, back } = await lead(third);
await tell("lead taken back", signal, () => back[Symbol.dispose]());

/** Waits for ever, and has given its pid and its signal away before. */
class Work extends SagaWorker<(began: Began) => void, number> {
  override handleJob(begin: (began: Began) => void, job: JobContext): Promise<number> {
    begin({ pid: this.pid, signal: job.signal });
    return new Promise(() => {});
  }
}
interface Began {
  readonly pid: Pid;
  readonly signal: AbortSignal;
}
class Works extends Saga<(began: Began) => void, number> {
  override handleTransaction(
    tx: Transaction,
    begin: (began: Began) => void,
  ): Promise<number> {
    return Promise.resolve(tx.job(Work, begin));
  }
}
const works = await node.start(Works, []);
for (const what of ["killed job", "cancelled job"]) {
  const abort = new AbortController();
  let failed!: Promise<unknown>;
  const { pid, signal } = await new Promise<Began>((begin) => {
    failed = works.run(begin, { signal: abort.signal }).catch((error: unknown) => error);
  });
  await tell(what, signal, () => {
    if (what === "killed job") node.exit(pid, KILL);
    else abort.abort("not needed");
    return failed;
  });
}
await node.stop();
