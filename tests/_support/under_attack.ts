import { readFileSync } from "node:fs";
import { assertEquals } from "@std/assert";
import { EpmdClient } from "../../lib/dist/epmd_client.ts";
import { defaultPlatform } from "../../lib/platform/default.ts";
import { defaultTransport } from "../../lib/transport/default.ts";
import { type Node, startNode, tagged } from "../../mod.ts";
import { poll } from "./erlang.ts";
import { HandMade, type HandMadeOptions } from "./hand_made.ts";
import { type Conformance, COOKIE, startConformance } from "./interop.ts";

/** A node in a program of its own, for tests to attack, and another node that must be served all the time. */
export class UnderAttack implements AsyncDisposable {
  readonly node: Conformance;
  /** Where it listens. */
  readonly port: number;
  readonly probe: Node;
  #served = 0;

  private constructor(node: Conformance, port: number, probe: Node) {
    this.node = node;
    this.port = port;
    this.probe = probe;
  }

  static async start(): Promise<UnderAttack> {
    const node = await startConformance();
    const [platform, transport] = [await defaultPlatform(), await defaultTransport()];
    const client = new EpmdClient({ transport, platform, port: node.epmdPort });
    const found = await client.lookup("ours");
    const epmd = { port: node.epmdPort };
    const probe = await startNode("probe@localhost", { cookie: COOKIE, epmd, listen: false });
    const made = new UnderAttack(node, found!.port, probe);
    await made.serves();
    return made;
  }

  get name(): string {
    return this.node.name;
  }

  /** Fails unless the node serves others. */
  async serves(): Promise<void> {
    const echo = { name: "echo", node: this.name };
    const request = tagged("echo", ++this.#served);
    assertEquals(await this.probe.call(echo, request, { timeout: 20_000 }), this.#served);
  }

  /** A peer that the node lets in. */
  peer(options: HandMadeOptions = {}): Promise<HandMade> {
    return HandMade.connect(this.name, this.node.epmdPort, options);
  }

  /** Where the log ends at this moment. */
  mark(): number {
    return this.node.output().length;
  }

  /** Waits until the log has a whole line with that text after the mark; gives all that it has there. */
  async logged(mark: number, text: string): Promise<string> {
    const log = (): string => this.node.output().slice(mark);
    await poll(() => log().includes(text) && log().includes("\n", log().indexOf(text)), this.node);
    return log();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.probe.stop();
    await this.node.kill();
  }
}

/** Resident memory of a process in MiB; 0 where the system does not tell. */
export function memoryOf(pid: number): number {
  try {
    const status = readFileSync(`/proc/${pid}/status`, "utf8");
    return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024;
  } catch {
    return 0;
  }
}
