import { test } from "node:test";
import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { atom, type LogEvent, logger, type LogOptions, Node, tuple } from "../../../mod.ts";
import { jsonLog, textLog } from "../../../lib/node/log/sinks.ts";
import { FakePlatform } from "../../_support/fake_platform.ts";
import { spawned } from "../_nodes.ts";

interface Logging {
  readonly node: Node;
  readonly platform: FakePlatform;
  readonly events: LogEvent[];
}

/** A node whose events are kept. */
function logging(options: LogOptions = {}): Logging {
  const platform = new FakePlatform();
  const events: LogEvent[] = [];
  const sinks = { kept: (event: LogEvent) => void events.push(event), ...options.sinks };
  const node = new Node("log@localhost", platform, { log: { ...options, sinks } });
  return { node, platform, events };
}

function texts(events: readonly LogEvent[]): string[] {
  return events.map(({ level, message }) => `${level} ${message}`);
}

test("a node logs from its level on, which can be changed while it runs", () => {
  const { node, events } = logging({ level: "warning" });
  node.logger.info("no");
  node.logger.warning("one");
  node.logger.level = "debug";
  node.logger.debug("two");
  node.logger.level = "none";
  node.logger.log("emergency", "no");
  assertEquals(texts(events), ["warning one", "debug two"]);
  assertThrows(() => node.logger.log("loud" as never, "x"), RangeError, "there are emergency");
  assertThrows(() => node.logger.level = "loud" as never, RangeError, "there are emergency");
});

test("a process has a level and fields of its own", async () => {
  const { node, events, platform } = logging();
  const { pid } = await spawned(node, (self) => {
    node.register("worker", self.pid);
    self.logger.debug("no");
    self.logger.level = "debug";
    self.logger.fields = { request: 7 };
    self.logger.debug("yes", { step: 1 });
    self.logger.level = "error";
    self.logger.warning("no");
    self.logger.level = null;
    self.logger.info("again", { request: 8 });
    return self.sleep(1_000);
  });
  assertEquals(texts(events), ["debug yes", "info again"]);
  assertEquals(events.map(({ fields }) => fields), [{ request: 7, step: 1 }, { request: 8 }]);
  assertEquals([events[0].pid, events[0].name, events[0].node], [pid, "worker", "log@localhost"]);
  assertEquals(events[0].time, platform.systemTime());
});

test("what the node itself has to tell comes the same way: a crash with its process", async () => {
  const { node, events, platform } = logging();
  const pid = node.spawn(() => {
    throw new Error("boom");
  });
  await platform.settle();
  assertEquals(events.length, 1);
  assertEquals([events[0].level, events[0].pid], ["error", pid]);
  assertStringIncludes(events[0].message, "crashed: Error: boom");
  node._core.fault("Cannot do it", new Error("why"));
  assertStringIncludes(events[1].message, "Cannot do it: Error: why");
});

test("filters drop events or change them, in their order; each sink has a level and a filter", () => {
  const only: string[] = [];
  const { node, events } = logging({
    filters: {
      secrets: (event) => ({ ...event, message: event.message.replace(/token=\S+/, "token=...") }),
      quiet: ({ message }) => !message.startsWith("noise"),
    },
    sinks: {
      errors: {
        write: ({ message }) => void only.push(message),
        level: "error",
        filter: ({ message }) => message !== "skip",
      },
    },
  });
  node.logger.info("noise 1");
  node.logger.info("with token=abc and more");
  node.logger.error("skip");
  node.logger.error("bad");
  assertEquals(texts(events), ["info with token=... and more", "error skip", "error bad"]);
  assertEquals(only, ["bad"]);
  assertEquals(node.logger.sinks, ["kept", "errors"]);
  assertEquals([node.logger.removeSink("errors"), node.logger.removeSink("errors")], [true, false]);
  assertEquals(node.logger.removeFilter("quiet"), true);
  node.logger.info("noise 2");
  assertEquals(events.at(-1)!.message, "noise 2");
  assertThrows(() => node.logger.addSink("kept", () => {}), Error, "remove it first");
  assertThrows(() => node.logger.addSink("x", {} as never), TypeError, "a function is needed");
  assertThrows(() => node.logger.addFilter("secrets", () => true), Error, "remove it first");
});

test("a sink or filter that fails hurts nobody, and is told elsewhere; one that logs does not go on for ever", () => {
  const { node, events, platform } = logging({
    filters: {
      broken: () => {
        throw new Error("filter");
      },
    },
    sinks: {
      broken: () => {
        throw new Error("sink");
      },
      logs: ({ message }) => node.logger.error(`again: ${message}`),
    },
  });
  node.logger.info("one");
  assertEquals(texts(events), ["info one"]);
  assertEquals(platform.logs.map(({ message }) => message), [
    "The log filter broken failed: filter",
    "The log sink broken failed: sink",
    "again: one",
  ]);
});

test("a sink whose promise rejects is told elsewhere; a filter that returns what is none leaves the event as it is", async () => {
  const { node, events, platform } = logging({
    filters: {
      later: ((event: LogEvent) => Promise.resolve(event)) as never,
      number: (() => 5) as never,
    },
    sinks: { broken: () => Promise.reject(new Error("sink")) },
  });
  node.logger.info("one", null as never);
  await Promise.resolve();
  assertEquals(texts(events), ["info one"]);
  const what = "it returned neither an event nor whether to log it";
  assertEquals(platform.logs.map(({ message }) => message), [
    `The log filter later failed: ${what}`,
    `The log filter number failed: ${what}`,
    "The log sink broken failed: sink",
  ]);
});

test("what cannot be written in a field does not take the event with it", () => {
  const lines: string[] = [];
  const write = (line: string): number => lines.push(line);
  const { node } = logging({ sinks: { json: jsonLog(write), text: textLog(write) } });
  const circle: Record<string, unknown> = {};
  circle.self = circle;
  const fields = {
    circle,
    get: {
      get it(): never {
        throw new Error("no");
      },
    },
    date: new Date(0),
    n: 1n,
  };
  node.logger.info("one", fields);
  const { circle: shown, get, date, n } = JSON.parse(lines[0]);
  assertStringIncludes(shown, "cannot be written: ");
  assertEquals([get, date, n], ["cannot be written: no", "1970-01-01T00:00:00.000Z", "1"]);
  assertStringIncludes(lines[1], ` get=(cannot be written: no) date="1970-01-01T00:00:00.000Z"`);
});

test("options that do not exist are refused by name", () => {
  const wrong: [options: unknown, message: string][] = [
    [{ levl: "info" }, "level may be meant"],
    [{ sinks: [jsonLog()] }, "sinks must be an object of functions by name"],
    [{ filters: () => true }, "filters must be an object of functions by name"],
    [{ sinks: { a: { write() {}, levl: "error" } } }, "level may be meant"],
    [{ burst: "many" }, "burst is many, 1 or more is needed"],
  ];
  for (const [log, message] of wrong) {
    const platform = new FakePlatform();
    assertThrows(
      () => new Node("log@localhost", platform, { log: log as LogOptions }),
      Error,
      message,
    );
  }
});

test("of a flood so many go through in a second, and how many did not is told", () => {
  const { node, events, platform } = logging({ burst: 10 });
  for (let i = 0; i < 100; i++) node.logger.info(`line ${i}`);
  assertEquals(events.length, 10);
  platform.advance(1_000);
  assertEquals(texts(events).at(-1), "warning 90 more lines were left out: over 10 in 1000 ms");
});

test("a flood of what other nodes log does not keep the node's own lines out", () => {
  const { node, events, platform } = logging({ burst: 10 });
  const foreign = { level: "error", node: "b@localhost", pid: null, name: "b@localhost" } as const;
  for (let i = 0; i < 100; i++) {
    node.logger._foreign({ ...foreign, message: `line ${i}`, fields: {}, meta: {} });
  }
  for (let i = 0; i < 5; i++) node.logger.info(`own ${i}`);
  assertEquals(events.filter(({ message }) => message.startsWith("own")).length, 5);
  assertEquals(events.length, 10);
  platform.advance(1_000);
  assertEquals(
    texts(events).at(-1),
    "warning What other nodes log: 95 more lines were left out: over 5 in 1000 ms",
  );
});

test("JSON: one object in a line, whatever the fields are", async () => {
  const lines: string[] = [];
  const { node } = logging({ level: "all", sinks: { json: jsonLog((line) => lines.push(line)) } });
  await spawned(node, (self) => {
    self.logger.warning("two\nlines", {
      count: 2n,
      term: tuple(atom("a"), [1]),
      nested: { pid: self.pid, list: [1, "x"] },
      error: new RangeError("bad"),
      level: "mine",
      nothing: undefined,
      fn: () => 1,
      __proto__: null,
    });
    logger.log(self, "notice", "with meta", { line: 7 });
    logger.log(self, "error", new Map([[atom("what"), 1]]));
  });
  assertEquals(lines.filter((line) => line.includes("\n")), []);
  const [first, second, third] = lines.map((line) => JSON.parse(line));
  const { error, fn, pid, ...rest } = first;
  assertEquals(rest, {
    time: "2024-01-01T00:00:00.000Z",
    level: "warning",
    node: "log@localhost",
    message: "two\nlines",
    count: "2",
    term: "{a,[1]}",
    nested: { pid, list: [1, "x"] },
    field_level: "mine",
    nothing: null,
  });
  assertEquals([error.error, error.message], ["RangeError", "bad"]);
  assertStringIncludes(fn, "=>");
  assertEquals([second.message, second.line, third.what], ["with meta", 7, 1]);
  assertEquals(third.message, "    what: 1");
});

test("text: one line, with the process and the fields", async () => {
  const lines: string[] = [];
  const { node } = logging({ sinks: { text: textLog((line) => lines.push(line)) } });
  await spawned(node, (self) => {
    node.register("pdf", self.pid);
    self.logger.info("two\nlines \x1b[31m", { n: 1, who: "a b", term: atom("ok") });
  });
  assertEquals(lines, [
    '2024-01-01T00:00:00.000Z info pdf: two\\nlines \\x1b[31m n=1 who="a b" term="ok"',
  ]);
});
