import { test } from "node:test";
import { setImmediate as macrotask } from "node:timers/promises";
import { assert, assertEquals } from "@std/assert";
import { Admission, type Visit } from "../../../lib/node/remote/admission.ts";
import { FakePlatform } from "../../_support/fake_platform.ts";

const ATTACKER = { host: "192.0.2.1", port: 1 };
const PEER = { host: "192.0.2.2", port: 1 };
const LOCAL = { host: "127.0.0.1", port: 1 };

function visit(admission: Admission, from: { host: string; port: number }): Visit {
  return admission.enter(from, () => {});
}

function fail(admission: Admission, from: { host: string; port: number }, times: number): void {
  for (let i = 0; i < times; i++) visit(admission, from).leave("failed");
}

/** Whether one of that address has to wait for its turn. */
function waits(admission: Admission, from: { host: string; port: number }): boolean {
  return visit(admission, from).turn !== null;
}

/** Whether a visit may go on. */
async function mayBegin({ turn }: Visit): Promise<boolean> {
  return turn === null || await Promise.race([turn.then(() => true), macrotask(false)]);
}

test("an address whose handshakes fail is served one at a time for a while, and no other", async () => {
  const platform = new FakePlatform();
  const admission = new Admission(platform, { failures: 3, forgiveness: 30_000 });
  fail(admission, ATTACKER, 3);
  const [first, second, third] = [1, 2, 3].map(() => visit(admission, ATTACKER));
  assertEquals([first.turn === null, await mayBegin(second), await mayBegin(third)], [
    true,
    false,
    false,
  ]);
  assertEquals([visit(admission, PEER).turn, visit(admission, PEER).turn], [null, null]);
  first.leave("failed");
  assertEquals([await mayBegin(second), await mayBegin(third)], [false, false]);
  platform.advance(10); // so many a second are no flood
  assertEquals([await mayBegin(second), await mayBegin(third)], [false, true], "the newest first");
  third.leave("neither");
  platform.advance(0);
  assert(await mayBegin(second));
  second.leave("neither");
  platform.advance(30_000);
  assertEquals([visit(admission, ATTACKER).turn, visit(admission, ATTACKER).turn], [null, null]);
});

test("a good peer of such an address ends it, and whoever is slow does not hold it up", async () => {
  const platform = new FakePlatform();
  const admission = new Admission(platform, { failures: 1 });
  const gaveWay: string[] = [];
  const enter = (name: string): Visit => admission.enter(ATTACKER, () => gaveWay.push(name));
  enter("wrong").leave("failed");
  enter("stalls");
  const [other, peer] = [enter("other"), enter("peer")];
  platform.advance(99);
  assertEquals([await mayBegin(peer), await mayBegin(other)], [false, false]);
  platform.advance(1);
  assertEquals([await mayBegin(peer), await mayBegin(other)], [true, false]);
  platform.advance(1_899);
  assertEquals(gaveWay, [], "it keeps nobody waiting, and may go on");
  platform.advance(1);
  assertEquals(gaveWay, ["stalls"]);
  peer.leave("succeeded");
  platform.advance(0);
  assert(await mayBegin(other));
  other.leave("neither");
  platform.advance(0);
  assertEquals([enter("next").turn, enter("one more").turn], [null, null]);
  assertEquals([admission.underWay, platform.pendingTimers], [2, 0]);
});

test("where too many wait for their turn the one that has waited longest gives way", () => {
  const admission = new Admission(new FakePlatform(), { failures: 1, maxPerAddress: 3 });
  const gaveWay: number[] = [];
  fail(admission, ATTACKER, 1);
  for (let i = 0; i < 5; i++) admission.enter(ATTACKER, () => gaveWay.push(i));
  assertEquals([gaveWay, admission.underWay], [[1, 2], 3]);
});

test("when it ends nobody waits, and no timer is left", async () => {
  const platform = new FakePlatform();
  const admission = new Admission(platform, { failures: 1 });
  fail(admission, ATTACKER, 1);
  const [served, waits] = [visit(admission, ATTACKER), visit(admission, ATTACKER)];
  admission.close();
  await waits.turn;
  served.leave("failed");
  assertEquals([platform.pendingTimers, admission.underWay], [0, 0]);
});

test("a handshake that succeeds forgives those that failed, and one that says nothing counts for nothing", () => {
  const admission = new Admission(new FakePlatform(), { failures: 3 });
  for (let round = 0; round < 10; round++) {
    fail(admission, PEER, 2);
    visit(admission, PEER).leave("succeeded");
    visit(admission, PEER).leave("neither");
  }
});

test("a visit ends once", () => {
  const admission = new Admission(new FakePlatform(), { failures: 2 });
  const first = visit(admission, PEER);
  for (let i = 0; i < 5; i++) first.leave("failed");
  assertEquals(admission.underWay, 0);
  visit(admission, PEER).leave("neither");
});

test("so many of an address may be under way: the oldest gives way to who comes", () => {
  const admission = new Admission(new FakePlatform(), { maxPerAddress: 2 });
  const gaveWay: string[] = [];
  const enter = (name: string): Visit => admission.enter(ATTACKER, () => gaveWay.push(name));
  const [, second] = [enter("1"), enter("2")];
  visit(admission, PEER);
  const peer = enter("3");
  assertEquals([gaveWay, peer.turn, admission.underWay], [["1"], null, 3]);
  second.leave("neither");
  enter("4");
  assertEquals([gaveWay, admission.underWay], [["1"], 3]);
});

test("many that stall behind such an address hold a good peer up for a tenth of a second", async () => {
  const platform = new FakePlatform();
  const admission = new Admission(platform, { failures: 1, maxPerAddress: 30 });
  fail(admission, ATTACKER, 1);
  for (let i = 0; i < 60; i++) visit(admission, ATTACKER);
  const peer = visit(admission, ATTACKER);
  platform.advance(100);
  assert(await mayBegin(peer));
  peer.leave("succeeded");
  assertEquals(visit(admission, ATTACKER).turn, null);
});

test("where too many are under way the oldest of the address that has the most gives way", () => {
  const admission = new Admission(new FakePlatform(), { max: 4 });
  const gaveWay: string[] = [];
  const enter = (from: { host: string; port: number }, name: string): void => {
    admission.enter(from, () => void gaveWay.push(name));
  };
  for (const name of ["1", "2", "3", "4"]) enter(ATTACKER, name);
  enter(PEER, "peer 1");
  assertEquals(gaveWay, ["1"]);
  enter(ATTACKER, "5"); // it takes from itself
  assertEquals(gaveWay, ["1", "2"]);
  enter(PEER, "peer 2");
  assertEquals(gaveWay, ["1", "2", "3"]);
  enter(PEER, "peer 3"); // both have two
  assertEquals(gaveWay, ["1", "2", "3", "peer 1"]);
  enter({ host: "192.0.2.3", port: 1 }, "third");
  assertEquals([gaveWay.length, admission.underWay], [5, 4]);
});

test("programs of this machine are not bound, unless it is asked for", () => {
  const free = new Admission(new FakePlatform(), { failures: 1, maxPerAddress: 1 });
  for (const host of ["127.0.0.1", "127.1.2.3", "::1"]) {
    fail(free, { host, port: 1 }, 5);
    visit(free, { host, port: 1 });
    visit(free, { host, port: 1 });
  }
  const bound = new Admission(new FakePlatform(), { failures: 1, loopback: true });
  fail(bound, LOCAL, 1);
  assertEquals([waits(bound, LOCAL), waits(bound, LOCAL)], [false, true]);
});

test("the addresses of one IPv6 network are one", () => {
  const same = ["2001:db8:1:2::1", "2001:db8:1:2:3:4:5:6", "2001:0db8:1:2::"];
  const others = ["2001:db8:1:3::1", "2001:db8::1", "2001:db8:1::2"];
  const admission = new Admission(new FakePlatform(), { failures: 3 });
  for (const host of same) fail(admission, { host, port: 1 }, 1);
  assertEquals(same.map((host) => waits(admission, { host, port: 1 })), [false, true, true]);
  for (const host of others) visit(admission, { host, port: 1 });
});

test("a flood from ever new addresses is remembered within a bound", () => {
  const admission = new Admission(new FakePlatform(), { failures: 1 });
  for (let i = 0; i < 10_000; i++) {
    fail(admission, { host: `10.0.${i >> 8}.${i & 255}`, port: 1 }, 1);
  }
  const hosts = ["10.0.39.15", "10.0.39.15", "10.0.0.0", "10.0.0.0"];
  assertEquals(hosts.map((host) => waits(admission, { host, port: 1 })), [
    false,
    true,
    false,
    false,
  ]);
});
