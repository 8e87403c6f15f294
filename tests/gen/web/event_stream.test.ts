import { test } from "node:test";
import { assertEquals } from "@std/assert";
import { atom, EventStream, type Pid, type Term, tuple } from "../../../mod.ts";
import { testNothingIsLeft } from "../../_support/leaks.ts";
import { deferred, get, serving, Ticker, withNode } from "./_support.ts";

test("an event that would break the stream is refused", () =>
  withNode(async (node) => {
    const refused: string[] = [];
    class Breaking extends EventStream {
      override init(): void {
        for (const event of [{ retry: "5\ndata: x" as never }, { retry: -1 }, { id: "a\nb" }]) {
          try {
            this.emit({ data: 1, ...event });
          } catch (error) {
            refused.push((error as Error).message);
          }
        }
        this.after(0, () => this.stop());
      }
    }
    const api = await node.start(
      serving({ "/": (_, context) => context.events(Breaking, []) }),
      [],
    );
    assertEquals(await (await get(api, "/")).text(), "");
    assertEquals(refused.map((message) => message.split(":")[1]), [
      " its retry must be milliseconds, a whole number",
      " its retry must be milliseconds, a whole number",
      " its id has a line break, one line is needed",
    ]);
  }));

test("server-sent events come from a process, and end with it", () =>
  withNode(async (node) => {
    const pids: Pid[] = [];
    class Counted extends Ticker {
      override init(count: number): void {
        pids.push(this.pid);
        super.init(count);
      }
    }
    const api = await node.start(
      serving({ "/events": (_request, context) => context.events(Counted, [2]) }),
      [],
    );
    const response = await get(api, "/events");
    assertEquals(response.headers.get("content-type"), "text/event-stream");
    node.send(pids[0], "two\nlines");
    node.send(pids[0], atom("stop"));
    assertEquals(
      await response.text(),
      'event: tick\nid: 1\ndata: {"i":1}\n\nevent: tick\nid: 2\ndata: {"i":2}\n\ndata: two\ndata: lines\n\n',
    );

    const abort = new AbortController();
    const other = await get(api, "/events", { signal: abort.signal });
    const ended = deferred<Term>();
    node.monitor(pids[1], ({ reason }) => ended.resolve(reason));
    await other.body!.getReader().read();
    abort.abort();
    // What was sent to a client that is gone tells that it is.
    const feeding = setInterval(() => node.send(pids[1], "more"), 5);
    assertEquals(await ended.promise, tuple(atom("shutdown"), atom("client_gone")));
    clearInterval(feeding);
  }));

testNothingIsLeft();
