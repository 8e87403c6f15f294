/**
 * How a program that is busy all the time lets its sockets and timers have their turn: `deno run -A bench/yield.ts`, the same
 * with bun and node. For each way of yielding after 2 ms of work: round trips over a socket, ticks of a 5 ms timer and the
 * longest time without one, and slices of work, in one second. On a machine that is busy besides, the figures are those that count.
 */

import { connect as dial, createServer, type Socket } from "node:net";
import { once } from "node:events";
import { setImmediate } from "node:timers";
import { defaultPlatform } from "../lib/platform/default.ts";

const platform = await defaultPlatform();
const channel = new MessageChannel();

const WORK = new Uint8Array(16 * 1024);

const WAYS: Readonly<Record<string, (fn: () => void) => void>> = {
  "platform.yield": platform.yield,
  "setImmediate": setImmediate,
  "setTimeout 0": (fn) => setTimeout(fn, 0),
  "another thread": (fn) => void crypto.subtle.digest("SHA-256", WORK).then(fn),
  "MessageChannel": (fn) => {
    channel.port1.onmessage = () => fn();
    channel.port2.postMessage(0);
  },
};

const server = createServer((socket) => socket.on("error", () => {}).pipe(socket)).listen(
  0,
  "127.0.0.1",
);
await once(server, "listening");
const { port } = server.address() as { port: number };
for (const [name, way] of Object.entries(WAYS)) {
  const { trips, ticks, slices, longest } = await busy(way);
  console.log(
    `${name.padEnd(16)} ${trips} round trips, ${ticks} ticks, ${slices} slices of 2 ms, ` +
      `no tick for ${longest.toFixed(0)} ms`,
  );
}
channel.port1.close();
server.close();

async function busy(way: (fn: () => void) => void): Promise<Record<string, number>> {
  const count = { trips: 0, ticks: 0, slices: 0, longest: 0 };
  const socket: Socket = dial(port, "127.0.0.1").setNoDelay();
  await once(socket, "connect");
  socket.on("error", () => {}).on("data", (bytes) => {
    count.trips++;
    socket.write(bytes);
  }).write("x");
  let last = performance.now();
  const timer = setInterval(() => {
    count.ticks++;
    count.longest = Math.max(count.longest, performance.now() - last);
    last = performance.now();
  }, 5);
  const end = performance.now() + 1_000;
  await new Promise<void>((resolve) => {
    const slice = (): void => {
      count.slices++;
      for (const until = performance.now() + 2; performance.now() < until;);
      if (performance.now() < end) way(slice);
      else resolve();
    };
    way(slice);
  });
  clearInterval(timer);
  socket.destroy();
  return count;
}
