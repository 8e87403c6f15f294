/** TLS with Erlang, `-proto_dist inet_tls`: both ways, both versions, with and without client certificates, and what is refused. */
import { after, test } from "node:test";
import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { defaultPlatform } from "../../lib/platform/default.ts";
import {
  Binary,
  type Node,
  NodeDownError,
  type NodeOptions,
  selfSigned,
  startNode,
} from "../../mod.ts";
import { slowClock } from "../_support/clocks.ts";
import { type ErlangNode, freePort, needsErlang, poll, startErlang } from "../_support/erlang.ts";
import { COOKIE } from "../_support/interop.ts";
import { testNothingIsLeft } from "../_support/leaks.ts";
import { authority, client, expired, intruder, named, server } from "../_support/tls.ts";
import { type ErlangTls, TlsFiles } from "../_support/tls_erlang.ts";

const OURS = "ours@localhost";
const THEIRS = "theirs@localhost";
const skip = needsErlang;
const files = new TlsFiles();
const platform = await defaultPlatform();

after(() => files[Symbol.dispose]());

interface Sides extends AsyncDisposable {
  readonly node: Node;
  readonly erl: ErlangNode;
  readonly epmdPort: number;
  /** Waits until our node has logged that. */
  logged(text: string): Promise<void>;
}

/** Our node and one of theirs; `null`: without TLS. */
async function sides(
  ours: NodeOptions["tls"] | null,
  theirs: ErlangTls | null,
): Promise<Sides> {
  const epmdPort = await freePort();
  const logs: string[] = [];
  // Keys take time, and a busy machine has little of it.
  const patient = theirs !== null;
  const node = await startNode(OURS, {
    ...patient ? { routes: { [THEIRS]: { timeout: 50_000 } } } : {},
    cookie: COOKIE,
    epmd: { port: epmdPort },
    platform: {
      ...patient ? slowClock(platform, 3) : platform,
      log: (_level, message) => void logs.push(message),
    },
    ...ours === null ? {} : { tls: ours },
  });
  let erl: ErlangNode;
  try {
    const args = theirs === null ? [] : files.args(theirs);
    if (patient) args.push("-kernel", "net_setuptime", "50");
    erl = await startErlang({ name: THEIRS, cookie: COOKIE, epmdPort, args });
  } catch (error) {
    await node.stop();
    throw error;
  }
  return {
    node,
    erl,
    epmdPort,
    logged: (text) =>
      poll(() => logs.some((line) => line.includes(text))).catch(() => {
        throw new Error(`not logged: ${text}\n${logs.join("\n")}`);
      }),
    async [Symbol.asyncDispose]() {
      await erl.kill();
      await node.stop();
    },
  };
}

function ping(erl: ErlangNode): Promise<string> {
  return erl.eval(`net_adm:ping('${OURS}')`);
}

// What is accepted

for (const version of ["tlsv1.2", "tlsv1.3"] as const) {
  for (const mutual of [false, true]) {
    test(
      `${version}${mutual ? " with client certificates" : ""}, whoever connects`,
      { skip },
      async () => {
        await using both = await sides(
          { ...server, ca: authority, requestCert: mutual },
          {
            identity: server,
            ca: authority,
            server: mutual ? "verify_peer" : "verify_none",
            shows: mutual ? client : null,
            versions: [version],
          },
        );
        const { node, erl } = both;
        const up = node.events();
        assertEquals(await ping(erl), "pong");
        assertEquals(node.nodes(), [THEIRS]);
        assert(node.disconnect(THEIRS));
        while ((await up.next()).value.type !== "nodedown");
        await poll(async () => await erl.eval("nodes(connected)") === "[]");
        const bytes = new Uint8Array(3_000_000).fill(7);
        const back = await node.rpc(THEIRS, "binary", "copy", [bytes], { timeout: 20_000 });
        assert(back instanceof Binary);
        assertEquals(back.length, bytes.length);
        assertEquals(await erl.eval("nodes(hidden)"), `[${OURS}]`);
      },
    );
  }
}

test("a certificate that selfSigned has made serves both sides", { skip }, async () => {
  const made = selfSigned();
  await using both = await sides(
    { ...made, requestCert: true },
    { identity: made, ca: made.ca, server: "verify_peer" },
  );
  await both.node.connect(THEIRS);
  assert(await both.node.ping(THEIRS));
  both.node.disconnect(THEIRS);
  await poll(async () => await both.erl.eval("nodes(connected)") === "[]");
  assertEquals(await ping(both.erl), "pong");
});

test(
  "new certificates are used without a restart, and the old connections live on",
  { skip },
  async () => {
    const [first, second] = [selfSigned(), selfSigned()];
    const write = ({ cert, key, ca }: typeof first): { cert: string; key: string; ca: string } => ({
      cert: files.write("hot.pem", cert),
      key: files.write("hot_key.pem", key),
      ca: files.write("hot_ca.pem", ca),
    });
    await using both = await sides(
      { ...write(first), requestCert: true },
      { identity: first, ca: first.ca, server: "verify_peer" },
    );
    const { node, erl, epmdPort } = both;
    assertEquals(await ping(erl), "pong");
    write(second);
    await node.reloadCertificates();
    await using other = await startErlang({
      name: "other@localhost",
      cookie: COOKIE,
      epmdPort,
      args: files.args({ identity: second, ca: second.ca, server: "verify_peer" }),
    });
    assertEquals(await ping(other), "pong");
    assertEquals(node.nodes().sort(), ["other@localhost", THEIRS]);
    node.disconnect("other@localhost");
    await poll(async () => await other.eval("nodes(connected)") === "[]");
    await node.connect("other@localhost");
    assert(await node.ping("other@localhost"));
    assert(await node.ping(THEIRS));
    node.disconnect(THEIRS);
    await assertRejects(() => node.connect(THEIRS), NodeDownError, "the authority of");
  },
);

// What is refused

const BAD: readonly (readonly [
  title: string,
  identity: ErlangTls["identity"],
  dialled: string,
  came: string,
])[] = [
  ["that has expired", expired, "has expired", "has expired"],
  ["of an unknown authority", intruder, "is not known here", "is not known here"],
];

for (const [title, identity, dialled, came] of BAD) {
  test(`a certificate ${title}, whoever connects`, { skip }, async () => {
    await using both = await sides(
      { ...server, ca: authority, requestCert: true },
      { identity, ca: authority, client: "verify_none" },
    );
    await assertRejects(() => both.node.connect(THEIRS), NodeDownError, dialled);
    assertEquals(await ping(both.erl), "pang");
    await both.logged(came);
  });
}

test("a certificate for another host, whoever connects", { skip }, async () => {
  await using both = await sides({ ...named, ca: authority }, { identity: named, ca: authority });
  await assertRejects(() => both.node.connect(THEIRS), NodeDownError, "is for another name");
  assertEquals(await ping(both.erl), "pang");
  await both.logged("was not let in");
});

for (const version of ["tlsv1.2", "tlsv1.3"] as const) {
  test(`no client certificate where one is asked for, ${version}`, { skip }, async () => {
    await using both = await sides(
      () => ({ ca: authority, ...server, requestCert: true }),
      { identity: server, ca: authority, server: "verify_peer", shows: null, versions: [version] },
    );
    assertEquals(await ping(both.erl), "pang");
    await both.logged("the peer showed no certificate");
    const { epmdPort } = both;
    await using bare = await startNode("bare@localhost", {
      cookie: COOKIE,
      epmd: { port: epmdPort },
      listen: false,
      tls: { ca: authority },
    });
    const error = await assertRejects(() => bare.connect(THEIRS), NodeDownError);
    assert(/our certificate|certificate that we do not give/.test(error.message), error.message);
    assertEquals(await bare.ping(OURS), false);
  });

  test(`our certificate is unknown to them, ${version}`, { skip }, async () => {
    await using both = await sides(
      { ...intruder, ca: authority },
      { identity: server, ca: authority, server: "verify_peer", versions: [version] },
    );
    const error = await assertRejects(() => both.node.connect(THEIRS), NodeDownError);
    assertStringIncludes(error.message, "our certificate");
    assertEquals(await ping(both.erl), "pang");
    await both.logged("does not know the authority of our certificate");
  });
}

test("they speak no TLS", { skip }, async () => {
  await using both = await sides({ ...server, ca: authority }, null);
  await assertRejects(() => both.node.connect(THEIRS), NodeDownError, "TLS");
  assertEquals(await ping(both.erl), "pang");
  await both.logged("the peer does not speak TLS, both must use it or none");
  assertEquals(both.node.nodes(), []);
});

test("we speak no TLS", { skip }, async () => {
  await using both = await sides(null, { identity: server, ca: authority });
  await assertRejects(() => both.node.connect(THEIRS), NodeDownError, "both");
  assertEquals(await ping(both.erl), "pang");
  await both.logged("that is TLS, which we do not speak with it, both must use it or none");
  assertEquals(both.node.nodes(), []);
});

testNothingIsLeft();
