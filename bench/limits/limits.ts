/**
 * Why some targets are not reached: for each of them what it would be with nothing of ours but what cannot be left out, measured in turns with
 * ours and the peer. These are rows of the comparison, with more systems:
 *
 * | system       | what it is                                                                                     |
 * | ------------ | ---------------------------------------------------------------------------------------------- |
 * | `ideal`      | a receiver that looks at nothing, or answers by ready-made bytes: `ideal.ts`                     |
 * | `frames`     | the sockets alone, with as many bytes there and back as a call has: `../workloads/tcp.ts`        |
 * | `connection` | two ends of a connection, with the codec and the frames, and no node behind them: `connection.ts` |
 * | `bare`       | what is left without any of our features: `bare.ts`, `large_echo.ts`                             |
 * | `own`        | the same with memory of its own for each message: `large_echo.ts`                                |
 */

import { readFileSync } from "node:fs";
import { CODEC_TARGETS, type Programs, type Workload, WORKLOADS } from "../compare/workloads.ts";

/** What of ours stands for a bound. */
export type Floor = "ideal" | "frames" | "connection" | "bare" | "own";

export interface Limit {
  readonly workload: Workload;
  readonly floors: Readonly<Partial<Record<Floor, string>>>;
}

/** A row of the comparison with what bounds it: for each floor what it is, and its programs. */
function limit(
  name: string,
  keep: readonly (keyof Programs)[],
  floors: Limit["floors"],
  programs: Programs,
  far?: Programs,
): Limit {
  const workload = WORKLOADS.find((one) => one.name === name);
  if (workload === undefined) throw new Error(`Cannot find the limit of ${name}: no such row`);
  const kept = Object.fromEntries(
    Object.entries(workload.programs).filter(([system]) => keep.includes(system as keyof Programs)),
  );
  const all = workload.group === "codec" ? CODEC_TARGETS : workload.targets ?? [];
  return {
    floors,
    workload: {
      ...workload,
      targets: all.filter((target) => "peer" in target && target.peer in kept),
      programs: { ...kept, ...programs },
      ...(workload.far !== undefined && { far: { ...workload.far, ...far } }),
    },
  };
}

/** Erlang calls or sends; what differs is who is on the other side. */
function fromErlang(name: string, what: string, floor: string): Limit {
  return limit(
    name,
    ["ours", "otp"],
    { ideal: floor },
    { ideal: ["otp", "remote", what] },
    { ideal: ["../limits/ideal.ts", "far"] },
  );
}

/** What a call takes on the wire, in bytes, as the gate holds it. */
function bytesOfCall(way: "there" | "back"): string {
  const gate = JSON.parse(readFileSync(new URL("../gate.json", import.meta.url), "utf8"));
  return String(gate[`remote call, ${way}: bytes`].node);
}

function remoteCall(name: string): Limit {
  const sizes = [bytesOfCall("there"), bytesOfCall("back")];
  return limit(
    name,
    ["ours", "otp", "tcp"],
    {
      frames: "ping-pong with as many bytes as a call and its reply have",
      connection: "the same with our codec at both ends, and no node",
    },
    { frames: ["tcp.ts", "ping", ...sizes], connection: ["../limits/connection.ts", "ping"] },
    { frames: ["tcp.ts", "far", ...sizes], connection: ["../limits/connection.ts", "far"] },
  );
}

export const LIMITS: readonly Limit[] = [
  fromErlang("calls-from-erlang", "calls of many", "Erlang to who answers by ready-made bytes"),
  fromErlang("send-from-erlang", "send", "Erlang to who throws away what comes"),
  remoteCall("remote-call-one-core"),
  remoteCall("remote-call-two-cores"),
  limit(
    "remote-calls-two-processes",
    ["ours", "otp"],
    {
      connection:
        "as many callers that wait for promises, with our codec at both ends, and no node",
    },
    { connection: ["../limits/connection.ts", "many"] },
    { connection: ["../limits/connection.ts", "far"] },
  ),
  limit(
    "remote-1mb-two-processes",
    ["ours", "otp"],
    {
      bare: "1 MB there and back over a socket, joined in memory that is there",
      own: "the same, but copied before it is sent, and into memory of its own where it comes",
      connection: "the same with our codec at both ends, and no node",
    },
    {
      bare: ["../limits/large_echo.ts", "ping"],
      own: ["../limits/large_echo.ts", "ping", "own"],
      connection: ["../limits/connection.ts", "large"],
    },
    {
      bare: ["../limits/large_echo.ts", "far"],
      own: ["../limits/large_echo.ts", "far", "own"],
      connection: ["../limits/connection.ts", "far"],
    },
  ),
  limit("spawn", ["ours", "otp"], {
    bare: "a pid, an object, a place in a table, a turn in a queue",
  }, { bare: ["../limits/bare.ts", "spawn"] }),
  ...["call", "ints", "atoms", "pids", "bignums", "document"].map((term) =>
    limit(`encode-${term}`, ["ours", "otp"], {
      bare: "an array for the result, and its bytes copied from where they are ready",
    }, { bare: ["../limits/bare.ts", "encode"] })
  ),
];
