import { test } from "node:test";
import { assert, assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { Attempts } from "../../../lib/node/remote/attempts.ts";
import { NodeDownError, type Transport } from "../../../mod.ts";
import { FakePlatform } from "../../_support/fake_platform.ts";
import { testNothingIsLeft } from "../../_support/leaks.ts";
import { introduction, statusOf, Town } from "./_strangers.ts";

for (const [node, peer] of [["a", "b"], ["b", "a"]]) {
  const who = `${peer}@localhost`;

  test(`a stranger who claims the name of a node that ${node} dials does not delay it`, async () => {
    await using town = new Town();
    const ours = await town.start(`${node}@localhost`);
    await town.start(who);
    const stranger = await town.stranger(node, introduction(who));
    const connecting = ours.connect(who);
    await connecting;
    assertEquals(ours.nodes(), [who]);
    assert(!stranger.closed || statusOf(await stranger.answer()) === "nok");
    stranger.leave();
  });

  test(`a stranger who was let in first does not keep ${node} from the true node`, async () => {
    await using town = new Town();
    const ours = await town.start(`${node}@localhost`);
    await town.start(who);
    const stranger = await town.stranger(node, introduction(who));
    assertEquals(statusOf(await stranger.answer()), "ok");
    await ours.connect(who);
    assertStrictEquals(stranger.closed, false); // it is still in its handshake
    assertEquals(ours.nodes(), [who]);
    stranger.leave();
  });

  test(`a stranger who hangs up lets ${node} go on at once`, async () => {
    await using town = new Town();
    const ours = await town.start(`${node}@localhost`);
    await town.start(who);
    const stranger = await town.stranger(node, introduction(who));
    await stranger.answer();
    const connecting = ours.connect(who);
    stranger.leave();
    await connecting;
    assertEquals(ours.nodes(), [who]);
  });

  test(`a stranger who claims the name of ${node} at the true node does not keep it out`, async () => {
    await using town = new Town();
    const ours = await town.start(`${node}@localhost`);
    await town.start(who);
    const stranger = await town.stranger(peer, introduction(ours.name));
    assertEquals(statusOf(await stranger.answer()), "ok");
    await ours.connect(who);
    assertEquals(ours.nodes(), [who]);
    stranger.leave();
  });
}

test("a stranger who stalls while two nodes connect to each other keeps neither of them", async () => {
  await using town = new Town();
  const [a, b] = [await town.start("a@localhost"), await town.start("b@localhost")];
  const strangers = [
    await town.stranger("a", introduction(b.name)),
    await town.stranger("b", introduction(a.name)),
  ];
  for (const stranger of strangers) await stranger.answer();
  await Promise.all([a.connect(b.name), b.connect(a.name)]);
  assertEquals([a.nodes(), b.nodes()], [[b.name], [a.name]]);
  for (const stranger of strangers) stranger.leave();
});

test("a node that goes on to say that it is connecting, and never does, is given up", async () => {
  await using town = new Town();
  const a = await town.start("a@localhost");
  const nok = new TextEncoder().encode("snok");
  const listener = await town.network.machine("b").listen(
    { host: "0.0.0.0", port: 4000 },
    (stream) => {
      stream.start({
        data: () => {
          stream.write(Uint8Array.of(0, nok.length, ...nok));
          stream.end();
        },
        drain() {},
        end: () => stream.destroy(),
        close() {},
      });
    },
  );
  await assertRejects(() => a.connect("b@localhost"), NodeDownError, "wait for that connection");
  await listener.close();
});

test("an attempt takes no longer than its route says", async () => {
  await using town = new Town();
  const silent: { destroy(): void }[] = [];
  const listener = await town.network.machine("b").listen(
    { host: "0.0.0.0", port: 4000 },
    (stream) => void silent.push(stream),
  );
  const a = await town.start("a@localhost", {
    routes: { "b@localhost": { host: "b", port: 4000, timeout: 20 } },
  });
  await assertRejects(() => a.connect("b@localhost"), NodeDownError, "within 20 ms");
  for (const stream of silent) stream.destroy();
  await listener.close();
});

for (const ending of ["runs out of time", "is given up when the node stops"]) {
  test(`an attempt whose resolver takes no notice ${ending}`, async () => {
    const platform = new FakePlatform();
    const failures: string[] = [];
    let found!: (error: Error) => void;
    const unused = (): never => {
      throw new Error("nothing was resolved");
    };
    const attempts = new Attempts({
      platform,
      transport: { connect: unused } as unknown as Transport,
      destination: () => new Promise((_, reject) => found = reject),
      handshake: unused,
      connected: () => false,
      arriving: () => false,
      arrived: unused,
      failed: (name, error) => void failures.push(`${name}: ${error.message}`),
    });
    attempts.begin("b@localhost");
    const told = new Promise<Error | null>((resolve) =>
      attempts.waiters("b@localhost")!.push(resolve)
    );
    if (ending === "runs out of time") platform.advance(7000);
    else attempts.close();
    const error = await told;
    assertEquals(failures, [`b@localhost: ${error?.message}`]);
    assert(/within 7000 ms|has stopped/.test(failures[0]));
    assertStrictEquals(attempts.waiters("b@localhost"), null);
    assertStrictEquals(platform.pendingTimers, 0);
    found(new Error("it is too late")); // nobody waits for it any more, and it is no unhandled rejection
    await Promise.resolve();
    assertStrictEquals(failures.length, 1);
  });
}

testNothingIsLeft();
