/**
 * The Ergo Framework for TypeScript: a Deno, Bun or Node program as a full member of an Erlang/Elixir cluster, and OTP's
 * patterns as ordinary typed TypeScript.
 *
 * @example A server that Elixir can call
 * ```ts
 * import { GenServer, on, startNode, t } from "@ergo-ts/ergo";
 *
 * class Counter extends GenServer {
 *   #count = 0;
 *   override readonly calls = {
 *     add: on(t.integer, (n) => this.#count += n),
 *     get: () => this.#count,
 *   };
 * }
 *
 * await using node = await startNode("demo@localhost", { cookie: "secret" });
 * const counter = await node.start(Counter, [], { register: "counter" });
 * await counter.call("add", 5);
 * // From Elixir: GenServer.call({:counter, :demo@localhost}, {:add, 5})
 * await node.stopped;
 * ```
 *
 * @module
 */

export type { Addressed } from "./lib/node/target.ts";
export type { AnyConverts } from "./lib/etf/schema/schema.ts";
export type { AnyHandler } from "./lib/gen/handlers.ts";
export type { AnySchema } from "./lib/etf/schema/schema.ts";
export type { AnyTuple } from "./lib/etf/tuple.ts";
export { api } from "./lib/gen/contract.ts";
export type { ArgsOf } from "./lib/gen/handlers.ts";
export { Atom } from "./lib/etf/atom.ts";
export { atom } from "./lib/etf/atom.ts";
export { AtomLimitError } from "./lib/etf/errors.ts";
export { atomMap } from "./lib/etf/convert.ts";
export { Behaviour } from "./lib/node/behaviour.ts";
export { Binary } from "./lib/etf/binary.ts";
export { Bitstring } from "./lib/etf/binary.ts";
export type { CallArgs } from "./lib/gen/contract.ts";
export type { CallContract } from "./lib/gen/contract.ts";
export type { CallFunctions } from "./lib/gen/contract.ts";
export type { CallOptions } from "./lib/node/call.ts";
export type { CallReply } from "./lib/gen/contract.ts";
export type { Calls } from "./lib/gen/contract.ts";
export type { CallsOf } from "./lib/gen/server_ref.ts";
export { CallTimeoutError } from "./lib/node/errors.ts";
export type { CastContract } from "./lib/gen/contract.ts";
export type { CastFunctions } from "./lib/gen/contract.ts";
export type { Casts } from "./lib/gen/contract.ts";
export type { CastsOf } from "./lib/gen/server_ref.ts";
export { charlist } from "./lib/etf/list.ts";
export type { ConnectOptions } from "./lib/transport/contract.ts";
export { Contract } from "./lib/gen/contract.ts";
export { ContractRef } from "./lib/gen/contract.ts";
export type { Conversion } from "./lib/etf/schema/schema.ts";
export type { Convertible } from "./lib/etf/convert.ts";
export { decode } from "./lib/etf/decoder.ts";
export { DecodeError } from "./lib/etf/errors.ts";
export type { DecodeOptions } from "./lib/etf/options.ts";
export { DefaultSchema } from "./lib/etf/schema/schema.ts";
export type { Down } from "./lib/node/monitor.ts";
export type { Encodable } from "./lib/etf/term.ts";
export { encode } from "./lib/etf/encoder.ts";
export { EncodeError } from "./lib/etf/errors.ts";
export type { EncodeOptions } from "./lib/etf/options.ts";
export { EpmdError } from "./lib/dist/epmd_error.ts";
export type { EpmdReason } from "./lib/dist/epmd_error.ts";
export { equal } from "./lib/etf/equal.ts";
export { exit } from "./lib/node/errors.ts";
export { ExitError } from "./lib/node/errors.ts";
export type { ExitReason } from "./lib/node/process.ts";
export { ExternalFun } from "./lib/etf/fun.ts";
export { Float } from "./lib/etf/float.ts";
export { float } from "./lib/etf/float.ts";
export { format } from "./lib/etf/format.ts";
export type { FormatOptions } from "./lib/etf/format.ts";
export type { From } from "./lib/node/call.ts";
export { Fun } from "./lib/etf/fun.ts";
export { GenServer } from "./lib/gen/gen_server.ts";
export { Handler } from "./lib/gen/handlers.ts";
export type { HandlerArgs } from "./lib/gen/handlers.ts";
export { HandshakeError } from "./lib/dist/handshake_error.ts";
export type { HandshakePhase } from "./lib/dist/handshake_error.ts";
export type { HandshakeReason } from "./lib/dist/handshake_error.ts";
export { hash } from "./lib/etf/term_key.ts";
export { ImproperList } from "./lib/etf/list.ts";
export type { Input } from "./lib/etf/schema/schema.ts";
export { is } from "./lib/etf/schema/parse.ts";
export { isList } from "./lib/etf/list.ts";
export { isTuple } from "./lib/etf/tuple.ts";
export { Later } from "./lib/gen/handlers.ts";
export { later } from "./lib/gen/handlers.ts";
export type { Listener } from "./lib/transport/contract.ts";
export type { ListenOptions } from "./lib/transport/contract.ts";
export type { LocalNode } from "./lib/node/local_node.ts";
export { LocalTerm } from "./lib/etf/fun.ts";
export type { Match } from "./lib/etf/schema/match.ts";
export { match } from "./lib/etf/schema/match.ts";
export type { MemoryLink } from "./lib/transport/memory.ts";
export type { MemoryNetwork } from "./lib/transport/memory.ts";
export { memoryNetwork } from "./lib/transport/memory.ts";
export type { MemoryNetworkOptions } from "./lib/transport/memory.ts";
export type { Monitor } from "./lib/node/monitor.ts";
export type { NamedTarget } from "./lib/node/target.ts";
export { NameError } from "./lib/node/errors.ts";
export { NativeRecord } from "./lib/etf/fun.ts";
export { Node } from "./lib/node/node.ts";
export type { NodeAddress } from "./lib/node/remote/network.ts";
export { NodeDownError } from "./lib/node/errors.ts";
export type { NodeEvent } from "./lib/node/remote/events.ts";
export type { NodeOptions } from "./lib/boot/start_node.ts";
export { NodeStoppedError } from "./lib/node/errors.ts";
export type { NoMatch } from "./lib/etf/schema/no_match.ts";
export { noMatch } from "./lib/etf/schema/no_match.ts";
export { NoMatchError } from "./lib/etf/schema/errors.ts";
export { NoProcessError } from "./lib/node/errors.ts";
export { noReply } from "./lib/gen/handlers.ts";
export { on } from "./lib/gen/handlers.ts";
export { OptionalSchema } from "./lib/etf/schema/schema.ts";
export type { Output } from "./lib/etf/schema/schema.ts";
export type { Outputs } from "./lib/etf/schema/schema.ts";
export { parse } from "./lib/etf/schema/parse.ts";
export type { Parsing } from "./lib/node/provide.ts";
export { Pid } from "./lib/etf/identifiers.ts";
export type { Platform } from "./lib/platform/contract.ts";
export { Port } from "./lib/etf/identifiers.ts";
export { ProcessContext } from "./lib/node/context.ts";
export { ProcessError } from "./lib/node/errors.ts";
export { ProcessExitedError } from "./lib/node/errors.ts";
export type { Provided } from "./lib/node/provide.ts";
export type { ReceiveOptions } from "./lib/node/self.ts";
export { ReceiveTimeoutError } from "./lib/node/self.ts";
export { Ref } from "./lib/etf/identifiers.ts";
export type { Referring } from "./lib/node/node.ts";
export type { RefOf } from "./lib/node/behaviour.ts";
export type { Reply } from "./lib/gen/handlers.ts";
export { ReplyError } from "./lib/gen/contract.ts";
export type { ReplyOf } from "./lib/gen/handlers.ts";
export { RpcError } from "./lib/node/remote/rpc.ts";
export { Schema } from "./lib/etf/schema/schema.ts";
export { SchemaError } from "./lib/etf/schema/errors.ts";
export { Self } from "./lib/node/self.ts";
export { ServerRef } from "./lib/gen/server_ref.ts";
export type { SocketAddress } from "./lib/transport/contract.ts";
export { SpawnError } from "./lib/node/remote/rpc.ts";
export type { StandardInput } from "./lib/etf/schema/standard.ts";
export type { StandardIssue } from "./lib/etf/schema/standard.ts";
export type { StandardOutput } from "./lib/etf/schema/standard.ts";
export type { StandardProps } from "./lib/etf/schema/standard.ts";
export type { StandardResult } from "./lib/etf/schema/standard.ts";
export type { StandardSchema } from "./lib/etf/schema/standard.ts";
export { startNode } from "./lib/boot/start_node.ts";
export type { StartOptions } from "./lib/node/local_node.ts";
export type { Stream } from "./lib/transport/contract.ts";
export type { StreamHandler } from "./lib/transport/contract.ts";
export { stringMap } from "./lib/etf/convert.ts";
export * as t from "./lib/etf/schema/t.ts";
export type { Tagged } from "./lib/etf/tuple.ts";
export { tagged } from "./lib/etf/tuple.ts";
export type { Target } from "./lib/node/target.ts";
export type { Term } from "./lib/etf/term.ts";
export { termKey } from "./lib/etf/term_key.ts";
export { TermMap } from "./lib/etf/term_map.ts";
export type { Timer } from "./lib/platform/contract.ts";
export type { TlsOptions } from "./lib/transport/contract.ts";
export type { Transport } from "./lib/transport/contract.ts";
export { TransportError } from "./lib/transport/contract.ts";
export { Tuple } from "./lib/etf/tuple.ts";
export { tuple } from "./lib/etf/tuple.ts";
export type { TupleMembers } from "./lib/etf/tuple.ts";
export { unwrap } from "./lib/gen/contract.ts";
export { WithSelf } from "./lib/node/provide.ts";
export { withSelf } from "./lib/node/provide.ts";
