/**
 * What a server can do besides answering: go on with work that nobody waits for, do something when it is idle, keep its mailbox to a size,
 * take urgent messages first, and be looked at. Ends by itself.
 *
 *     deno run -A examples/gen_server.ts
 *     bun examples/gen_server.ts
 *     node examples/gen_server.ts
 */
import {
  currentProcess,
  GenServer,
  later,
  MailboxFullError,
  NoProcessError,
  on,
  startNode,
  t,
  type Term,
} from "../mod.ts";

/** A library that knows nothing of its caller, and finds out in whose name it works. */
function log(text: string): void {
  console.log(`  [${currentProcess()?.env.get("role") ?? "outside"}] ${text}`);
}

class Catalogue extends GenServer {
  #words: string[] | null = null;
  #load!: PromiseWithResolvers<void>;

  override init(): void {
    this.#load = Promise.withResolvers();
    this.continueWith("load"); // start does not wait for it, but every message does
  }

  override async handleContinue(step: "load" | "sort"): Promise<void> {
    log(step);
    if (step === "load") {
      await this.sleep(10);
      this.#words = ["pear", "apple", "quince"];
      this.continueWith("sort"); // the next step, before any message
    } else {
      this.#words!.sort();
      this.idleTimeout = 50;
    }
  }

  /** Nothing has come for 50 ms. */
  override handleTimeout(): void {
    log("idle: what can be made again is dropped");
    this.#words = null;
    this.hibernate();
    this.#load.resolve();
  }

  override readonly calls = {
    words: () => this.#words,
    idle: () => later(this.#load.promise),
  };
}

class Printer extends GenServer {
  readonly printed: string[] = [];
  override readonly casts = {
    print: on(t.text, async (text) => {
      await this.sleep(5);
      this.printed.push(text);
    }),
  };
  override readonly calls = { printed: () => this.printed };
  override handleInfo(message: Term): void {
    log(`it takes no ${message}`);
  }
}

await using node = await startNode("demo@localhost", {
  network: false,
  currentProcess: true,
  env: { role: "server" },
});

console.log("a server that loads after its start, and again when it has been idle:");
const catalogue = await node.start(Catalogue, [], { env: { role: "catalogue" } });
log("started");
console.log("  words:", (await catalogue.call("words"))?.join(", "));
await catalogue.call("idle");
console.log("  words:", await catalogue.call("words"));

console.log("a mailbox for three messages, and who is told that it is full:");
const printer = await node.start(Printer, [], { register: "printer", mailbox: { max: 3 } });
for (const text of ["one", "two", "three"]) printer.cast("print", text);
try {
  await node.send("printer", "four", { important: true });
} catch (error) {
  if (!(error instanceof MailboxFullError)) throw error;
  console.log("  important:", error.message);
}
try {
  await node.send("nobody", "hello", { important: true });
} catch (error) {
  if (!(error instanceof NoProcessError)) throw error;
  console.log("  important:", error.message);
}
while (node.info("printer")!.mailbox.waiting > 0) await node.sleep(5);

console.log("urgent messages go before those that wait:");
for (const text of ["four", "five"]) printer.cast("print", text);
printer.with({ priority: "high" }).cast("print", "urgent");
while (node.info("printer")!.mailbox.waiting > 0) await node.sleep(5);
console.log("  printed:", (await printer.call("printed")).join(", "));

console.log("and what there is to know of it:");
const { class: kind, status, handled, mailbox } = node.info("printer")!;
console.log(`  ${kind} is ${status}, has handled ${handled} and dropped ${mailbox.dropped}`);
