import { Connection, type ConnectionDown } from "../../lib/dist/connection.ts";
import { ControlError } from "../../lib/dist/control.ts";
import { announcedFlags, FLAGS } from "../../lib/dist/flags.ts";
import { FrameError } from "../../lib/dist/frames.ts";
import { Decoder } from "../../lib/etf/decoder.ts";
import { encode } from "../../lib/etf/encoder.ts";
import { AtomLimitError, DecodeError } from "../../lib/etf/errors.ts";
import { startKernel } from "../../lib/kernel/kernel.ts";
import { Node } from "../../lib/node/node.ts";
import { Peer } from "../../lib/node/remote/peer.ts";
import { receiverTerms, receiveSignal } from "../../lib/node/remote/signals.ts";
import { atom, GenServer, isTuple, on, type Pid, t, type Term, withSelf } from "../../mod.ts";
import { FakePlatform } from "../_support/fake_platform.ts";
import { processorTime } from "../_support/processor.ts";
import { FakeStream } from "../_support/fake_stream.ts";
import { forever } from "../node/_nodes.ts";
import { BEHAVIOURS, startBehaviours } from "./behaviours.ts";
import { FuzzFailure, type Target } from "./fuzz.ts";
import { join } from "./mutate.ts";
import { mutatedTerm } from "./mutate_term.ts";
import { chunks, CREATION, maker, OURS, recorded, several, soundOnes } from "./targets.ts";

const PEER = "fuzz@localhost";
/**
 * What the log says when something of the node's own went wrong: an error that is not the peer's. A peer may end servers by sys and
 * exit signals, with any reason; an error of JavaScript is none that it has chosen.
 */
const NAMES = [
  ...["net_kernel", "rex", "pg", "user", "logger\\w*", "global\\w*", "echo"],
  // An agent ends where what it was asked to run fails, as Elixir's.
  ...BEHAVIOURS.filter((name) => name !== "agent"),
];
const FAULT = new RegExp(
  "^Cannot (handle|tell|take|break|answer a request)|" +
    `^Process (${NAMES.join("|")}) crashed: .*(js_error|Error: )`,
);

class Echo extends GenServer {
  override init(): void {
    this.trapExit = true;
  }

  override readonly calls = { echo: on(t.term, (term) => term) };

  override handleInfo(): void {}
}

interface World {
  readonly node: Node;
  readonly platform: FakePlatform;
  readonly kept: Pid;
}

/** A node as it starts, the same each time. */
async function world(): Promise<World> {
  const platform = new FakePlatform();
  const node = new Node(OURS, platform, { creation: CREATION });
  await startKernel(node, { output: () => {} });
  const kept = node.spawn(forever);
  await node.start(Echo, [], { register: "echo" });
  await startBehaviours(node);
  node.provide("demo", { sum: on(t.integer, t.integer, (a, b) => a + b), loop: withSelf(forever) });
  platform.turn();
  return { node, platform, kept };
}

/**
 * A connection of a whole node: whatever a peer sends, at most its connection ends, with an error of ours, and the node goes on.
 */
export function nodeTarget(name: string, header: boolean): Target {
  const all = announcedFlags({ fragments: header, atomCache: header });
  let frames: Uint8Array[] | null = null;
  let signals: Term[][] = [];
  let pool: Term[] = [];
  return {
    name,
    make(random) {
      if (frames === null) {
        frames = recorded(keptPid!, header);
        signals = signalsIn(soundOnes(keptPid!, false));
        pool = signals.flatMap((signal) => signal.flatMap(parts));
      }
      if (random.once(3)) return chunks(random, join(...several(random, frames, 8)));
      const made = Array.from({ length: 1 + random.below(12) }, () => {
        const [control, payload] = random.pick(signals);
        const signal = [random.once(8) ? mutatedTerm(control, random, pool) : control];
        if (payload !== undefined) {
          let term = payload;
          for (let left = random.below(4); left > 0; left--) term = mutatedTerm(term, random, pool);
          signal.push(term);
        }
        return packet(signal, header);
      });
      return chunks(random, join(...made));
    },
    async read(input) {
      const { node, platform } = await world();
      // A few flags off, the same ones for the same input.
      const off = input.length % 3 === 0 ? FLAGS.EXIT_PAYLOAD.value | FLAGS.UNLINK_ID.value : 0n;
      const flags = all & ~off;
      const peer = new Peer(PEER, node._core, () => {});
      const stream = new FakeStream();
      const result = {
        role: "acceptor",
        peer: PEER,
        peerCreation: 77,
        peerFlags: flags,
        flags,
        hidden: true,
        name: OURS,
        creation: CREATION,
        replaces: false,
      } as const;
      let down: ConnectionDown | null = null;
      const connection = new Connection({ stream, result }, { platform, maxMessage: 1 << 20 }, {
        terms: (control) => receiverTerms(node._core, control),
        signal: (control, payload) => receiveSignal(node, peer, control, payload),
        busy: () => {},
        down: (why) => {
          down = why;
          peer.down();
        },
      });
      peer.up(connection);
      const began = processorTime();
      for (const chunk of input) stream.handler.data(chunk);
      platform.turn();
      const took = processorTime() - began;
      check(down);
      connection.destroy();
      await serves(node, platform);
      platform.turn();
      node._core.stop(atom("shutdown"));
      const fault = platform.logs.find(({ message }) => FAULT.test(message));
      if (fault !== undefined) throw new FuzzFailure(`the log says: ${fault.message}`);
      return took;
    },
  };
}

/** The control message, and what follows it where something does, of those frames that have nothing else. */
function signalsIn(frames: readonly Uint8Array[]): Term[][] {
  const found: Term[][] = [];
  const decoder = new Decoder();
  for (const frame of frames) {
    const signal: Term[] = [];
    try {
      for (let at = 5; at < frame.length; at = decoder.position) {
        decoder.reset(frame, at);
        signal.push(decoder.versioned());
      }
    } catch {
      continue; // one that is broken already
    }
    if (isTuple(signal[0]) && signal.length <= 2) found.push(signal);
  }
  return found;
}

/** A term and all that is in it. */
function parts(term: Term): Term[] {
  return [term, ...Array.isArray(term) ? Array.from(term as Term[]).flatMap(parts) : []];
}

function packet(signal: readonly Term[], header: boolean): Uint8Array {
  const terms = signal.map((term) => encode(term).subarray(header ? 1 : 0));
  return maker().frame(header ? Uint8Array.of(131, 68, 0) : Uint8Array.of(112), ...terms);
}

function check(down: ConnectionDown | null): void {
  if (down === null || !("error" in down)) return;
  const { error } = down;
  const ours = [FrameError, ControlError, DecodeError, AtomLimitError];
  if (!ours.some((one) => error instanceof one)) throw error;
}

/** Fails unless a process that was not harmed answers. */
async function serves(node: Node, platform: FakePlatform): Promise<void> {
  let answer: Term = null;
  const ref = await node.start(Echo, []);
  ref.call("echo", 7).then((reply) => answer = reply);
  platform.turn();
  await Promise.resolve().then(() => platform.turn());
  for (let turn = 0; turn < 20 && answer !== 7; turn++) await Promise.resolve();
  if (answer !== 7) throw new FuzzFailure("the node does not answer any more");
}

let keptPid: Pid | null = null;

/** To be called before the targets are used: finds out what the pids of a node are. */
export async function prepare(): Promise<void> {
  const { node, kept } = await world();
  keptPid = kept;
  node._core.stop(atom("shutdown"));
}
