// Run by platform.test.ts with no permission but the network: whatever a node does by itself must work so.
import { defaultPlatform } from "../../lib/platform/default.ts";
import { defaultTransport } from "../../lib/transport/default.ts";
import type { Stream } from "../../lib/transport/contract.ts";

const platform = await defaultPlatform();
const transport = await defaultTransport();
const report: Record<string, unknown> = {
  platform: platform.name,
  hostname: platform.hostname(),
  home: platform.env("HOME") ?? null,
  random: platform.randomBytes(8).length,
  digest: platform.md5(new Uint8Array()).length,
};
platform.now();
platform.systemTime();
platform.onSignal("SIGTERM", () => {})[Symbol.dispose]();
const alive = platform.keepAlive();
report.file = await platform.readTextFile("/etc/hostname").then(() => "read", String);
report.ticks = await new Promise((resolve) => {
  const ticks: string[] = [];
  platform.yield(() => void ticks.push("yield"));
  platform.defer(() => ticks.push("defer"));
  platform.setTimer(20, () => resolve([...ticks, "timer"]));
});
const listener = await transport.listen({ port: 0 }, greet);
const { host, port } = listener.address;
report.heard = await hear(await transport.connect({ host, port }));
await listener.close();
alive[Symbol.dispose]();
console.log(JSON.stringify(report));

function greet(stream: Stream): void {
  stream.start({ data() {}, drain() {}, end() {}, close() {} });
  stream.write(new TextEncoder().encode("hello"));
  stream.end();
}

function hear(stream: Stream): Promise<string> {
  let text = "";
  return new Promise((resolve) =>
    stream.start({
      data: (bytes) => void (text += new TextDecoder().decode(bytes)),
      drain() {},
      end: () => stream.end(),
      close: () => resolve(text),
    })
  );
}
