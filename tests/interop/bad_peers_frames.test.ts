/**
 * Some hundred kinds of frames that a peer with the cookie may send to do harm: after each the node serves others, and its memory
 * is bounded. What is not theirs to say ends their connection; what can be answered or ignored is.
 */
import { after, before, test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { announcedFlags } from "../../lib/dist/flags.ts";
import { atom, type Pid, tagged } from "../../mod.ts";
import { HOSTILE } from "../_support/hostile_frames.ts";
import { assertNothingLeft, openNow } from "../_support/leaks.ts";
import { memoryOf, UnderAttack } from "../_support/under_attack.ts";

/**
 * What the node may have more than at its start, in MiB: the largest message and what it is made into, also of some messages before
 * which the runtime has not collected yet.
 */
const MORE = 1_000;

const opened = openNow();
let attacked: UnderAttack;
let ours: Pid;
let memory = 0;

before(async () => {
  attacked = await UnderAttack.start();
  await using peer = await attacked.peer({ name: "first@localhost" });
  ours = await peer.call("echo", atom("plain")) as Pid;
  memory = memoryOf(attacked.node.pid);
});

after(stop);

async function stop(): Promise<void> {
  await attacked?.[Symbol.asyncDispose]();
}

test("there are more than a hundred kinds, each with a name of its own", () => {
  assert(HOSTILE.length > 100, String(HOSTILE.length));
  assertEquals(new Set(HOSTILE.map(({ title }) => title)).size, HOSTILE.length);
});

for (const { title, header = false, ends, bytes } of HOSTILE) {
  test(`the node serves after this of a peer with the cookie: ${title}`, async () => {
    const flags = announcedFlags({ fragments: header, atomCache: header });
    const peer = await attacked.peer({ flags });
    const sent = bytes(peer, ours);
    if (sent instanceof Uint8Array) peer.raw(sent);
    else peer.raw(...sent);
    if (ends !== "unfinished") {
      const answered = peer.call("net_kernel", tagged("is_auth", atom("x")));
      const lives = answered.then(() => "lives", () => "closes");
      assertEquals(await Promise.race([lives, peer.closed.then(() => "closes")]), ends);
    }
    await attacked.serves();
    await peer[Symbol.asyncDispose]();
    const more = memoryOf(attacked.node.pid) - memory;
    assert(more < MORE, `the node has ${more} MiB more than at its start`);
  });
}

test("nothing is left open", async () => {
  await stop();
  await assertNothingLeft(opened);
});
