/**
 * Two nodes in two processes, no Erlang needed: a typed call, a cast, and a monitor that fires.
 *
 *     deno task start        bun run start        npm start
 */

import { spawn } from "node:child_process";
import { once } from "node:events";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { api, exit, format, GenServer, on, startNode, t, tagged, unwrap } from "../mod.ts";

/** What the printer answers, as one value for both sides. */
const Printer = api({
  calls: { print: [t.text, t.result(t.integer, t.text)], printed: [t.integer] },
  casts: { jam: [t.text] },
});

class PrinterServer extends GenServer {
  #pages = 0;
  override readonly calls = {
    print: on(t.text, (text) => {
      if (text === "") return tagged("error", "nothing to print");
      console.log(`  [printer] ${text}`);
      return tagged("ok", ++this.#pages);
    }),
    printed: () => this.#pages,
  };
  override readonly casts = {
    jam: on(t.text, (where) => exit(tagged("paper_jam", where))),
  };
}

const cookie = "only for this example";

if (process.argv[2] === "printer") {
  const node = await startNode("printer@localhost", { cookie });
  await node.start(PrinterServer, [], { register: "printer" });
  console.log(`  [printer] ${node.name} is up`);
  process.stdin.resume().on("end", () => node.stop());
} else {
  await using node = await startNode("office@localhost", { cookie });
  console.log(`${node.name} is up; starting printer@localhost in a process of its own`);
  const child = startPrinter();
  await once(child.stdout!, "data");

  const printer = node.ref(Printer, { name: "printer", node: "printer@localhost" });
  console.log("call print:", unwrap(await printer.call("print", "Hello, Zoë!")));
  console.log("call print:", unwrap(await printer.call("print", "Second page")));
  const refused = await printer.call("print", "");
  console.log("call print with nothing:", format(refused));
  console.log("call printed:", await printer.call("printed"));

  const down = new Promise<void>((resolve) => {
    printer.monitor(({ reason }) => {
      console.log("monitor: the printer is down:", format(reason));
      resolve();
    });
  });
  console.log("cast jam");
  printer.cast("jam", "tray 2");
  await down;

  child.stdin!.end();
  await once(child, "exit");
  console.log("nodes still connected:", node.nodes());
}

/** This file once more, as the printer, on the runtime that runs it. */
function startPrinter(): ReturnType<typeof spawn> {
  const runtime = "Deno" in globalThis ? ["run", "-A"] : [];
  const args = [...runtime, fileURLToPath(import.meta.url), "printer"];
  const child = spawn(process.execPath, args, { stdio: ["pipe", "pipe", "inherit"] });
  child.stdout!.pipe(process.stdout);
  return child;
}
