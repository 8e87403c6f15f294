/**
 * A web API on the standard Request and Response: routes, a server behind them that keeps the state, events as they happen, and what a
 * client gets when a handler crashes, is too slow, or more comes than is taken.
 *
 *     deno run -A examples/web_api.ts        bun examples/web_api.ts        node examples/web_api.ts
 *
 * Asks itself and ends. With `--serve 8080` it stays: curl http://127.0.0.1:8080/notes
 */

import process from "node:process";
import {
  atom,
  EventStream,
  GenServer,
  on,
  startNode,
  t,
  tuple,
  Web,
  type WebContext,
  type WebOptions,
} from "../mod.ts";

/** Keeps the notes, and tells whoever follows them. */
class Notes extends GenServer {
  #notes: string[] = [];
  override readonly calls = {
    all: () => this.#notes,
    add: on(t.text, (text) => {
      this.#notes.push(text);
      for (const pid of followers) this.send(pid, text);
      return this.#notes.length;
    }),
  };
}

const followers: Set<EventStream["pid"]> = new Set();

/** One client that follows the notes: a process of its own, which ends when the client hangs up. */
class Follower extends EventStream {
  override init(): void {
    const { pid } = this;
    followers.add(pid);
    this.signal.addEventListener("abort", () => followers.delete(pid));
    this.emit({ event: "hello", data: { followers: followers.size } });
  }
  override handleInfo(message: unknown): void {
    this.emit({ event: "note", data: message });
  }
}

class Api extends Web {
  override init(port: number): WebOptions {
    return { port, timeout: 2_000, concurrency: 100, queue: 100, maxBody: 10_000 };
  }
  // Each handler runs in a process of its own, whose `self` calls the others.
  override readonly routes = {
    "GET /notes": async (_request: Request, { self }: WebContext): Promise<Response> =>
      Response.json(await self.call("notes", atom("all"), t.list(t.text))),
    "POST /notes": async (request: Request, { self }: WebContext): Promise<Response> => {
      const text = await request.text();
      if (text.trim() === "") throw new Response("A note needs a text\n", { status: 422 });
      const id = await self.call("notes", tuple(atom("add"), text), t.integer);
      return Response.json({ id }, { status: 201, headers: { location: `/notes/${id}` } });
    },
    "GET /notes/events": (_request: Request, context: WebContext): Promise<Response> =>
      context.events(Follower, []),
    "GET /boom": (): Response => {
      throw new Error("a mistake in a handler");
    },
    "GET /slow": (): Promise<Response> => new Promise(() => {}),
  };
}

const serve = process.argv.indexOf("--serve");
const port = serve < 0 ? 0 : Number(process.argv[serve + 1] ?? 8080);

const node = await startNode("web_api@localhost", { cookie: "only for this example" });
await node.start(Notes, [], { register: "notes" });
const api = await node.start(Api, [port]);
console.log(`${api.url} is up`);

if (serve >= 0) {
  await node.stopped;
} else {
  const show = async (what: string, path: string, init?: RequestInit): Promise<void> => {
    const response = await fetch(api.url + path, init);
    console.log(`${what}: ${response.status} ${(await response.text()).trim()}`);
  };
  const events = (await fetch(`${api.url}/notes/events`)).body!.getReader();
  await show("POST /notes", "/notes", { method: "POST", body: "Buy milk" });
  await show("POST /notes", "/notes", { method: "POST", body: "Call Zoë" });
  await show("POST /notes without a text", "/notes", { method: "POST", body: " " });
  await show("GET /notes", "/notes");
  await show("DELETE /notes", "/notes", { method: "DELETE" });

  console.log("\nWhat a follower got meanwhile, as server-sent events:");
  let text = "";
  while ((text.match(/event: note/g) ?? []).length < 2) {
    text += new TextDecoder().decode((await events.read()).value);
  }
  console.log(text.trim().replace(/^/gm, "  "));
  await events.cancel();

  console.log("\nA crash hurts nobody else (it is reported), and what takes too long is given up:");
  await show("GET /boom", "/boom");
  await show("GET /slow", "/slow");
  await show("GET /notes", "/notes");
  console.log("\nstats:", api.stats());
  await node.stop();
}
