import { LeaderElection } from "../gen/raft/leader_election.ts";
import { RaftMap } from "../gen/raft/raft_map.ts";
import { fileStorage } from "../gen/raft/file_storage.ts";
import { memoryStorage } from "../gen/raft/storage.ts";
import { RaftError } from "../gen/raft/raft_error.ts";
import { Raft } from "../gen/raft/raft.ts";
import { TransactionCancelledError } from "../gen/saga/errors.ts";
import { SagaWorker } from "../gen/saga/saga_worker.ts";
import { Saga } from "../gen/saga/saga.ts";
import { ConsumerSupervisorRef } from "../gen/stage/consumer_supervisor_ref.ts";
import { consumerSupervisor } from "../gen/stage/consumer_supervisor.ts";
import { ConsumerSupervisor } from "../gen/stage/consumer_supervisor.ts";
import { ProcessLogger } from "../node/log/process_logger.ts";
import { NodeLogger } from "../node/log/node_logger.ts";
import { textLog } from "../node/log/sinks.ts";
import { jsonLog } from "../node/log/sinks.ts";
import { EpmdError } from "../dist/epmd_error.ts";
import { HandshakeError } from "../dist/handshake_error.ts";
import { Atom, atom } from "../etf/atom.ts";
import { Binary, Bitstring } from "../etf/binary.ts";
import { atomMap, stringMap } from "../etf/convert.ts";
import { decode } from "../etf/decoder.ts";
import { encode } from "../etf/encoder.ts";
import { equal } from "../etf/equal.ts";
import { AtomLimitError, DecodeError, EncodeError } from "../etf/errors.ts";
import { Float, float } from "../etf/float.ts";
import { format } from "../etf/format.ts";
import { ExternalFun, Fun, LocalTerm, NativeRecord } from "../etf/fun.ts";
import { Pid, Port, Ref } from "../etf/identifiers.ts";
import { compareTerms } from "../etf/order.ts";
import { phash2 } from "../etf/phash2.ts";
import { charlist, ImproperList, isList } from "../etf/list.ts";
import { NoMatchError, SchemaError } from "../etf/schema/errors.ts";
import { match } from "../etf/schema/match.ts";
import { noMatch } from "../etf/schema/no_match.ts";
import { is, parse } from "../etf/schema/parse.ts";
import { DefaultSchema, OptionalSchema, Schema } from "../etf/schema/schema.ts";
import * as t from "../etf/schema/t.ts";
import { hash, termKey } from "../etf/term_key.ts";
import { TermMap } from "../etf/term_map.ts";
import { isTuple, tagged, Tuple, tuple } from "../etf/tuple.ts";
import { Cron } from "../gen/cron/cron.ts";
import { CronError, CronRef } from "../gen/cron/cron_ref.ts";
import { CronExpression } from "../gen/cron/expression.ts";
import { EventHandler } from "../gen/event_manager/event_handler.ts";
import { EventManager } from "../gen/event_manager/event_manager.ts";
import { EventManagerRef } from "../gen/event_manager/event_manager_ref.ts";
import { api, Contract, ContractRef, ReplyError, unwrap } from "../gen/server/contract.ts";
import { Application, application } from "../gen/application/application.ts";
import { ApplicationContext } from "../gen/application/context.ts";
import { GenServer } from "../gen/server/gen_server.ts";
import { Handler, Later, later, noReply, on } from "../gen/server/handlers.ts";
import { ServerRef } from "../gen/server/server_ref.ts";
import { Statem } from "../gen/statem/statem.ts";
import { Transition } from "../gen/statem/transition.ts";
import { Pool, pool } from "../gen/pool/pool.ts";
import { PoolBusyError } from "../gen/pool/pool_options.ts";
import { PoolRef } from "../gen/pool/pool_ref.ts";
import { Registry } from "../gen/registry/registry.ts";
import { RegistryRef } from "../gen/registry/registry_ref.ts";
import { Agent } from "../gen/agent/agent.ts";
import { AgentRef } from "../gen/agent/agent_ref.ts";
import { Task } from "../gen/task/task.ts";
import { TaskTimeoutError } from "../gen/task/task_timeout_error.ts";
import { TaskLimitError, TaskSupervisorRef } from "../gen/task/task_supervisor_ref.ts";
import { event, EventType } from "../gen/events/event.ts";
import { Events } from "../gen/events/events.ts";
import { EventsRef } from "../gen/events/events_ref.ts";
import { Publisher } from "../gen/events/publisher.ts";
import { Consumer } from "../gen/stage/consumer.ts";
import { ConsumerRef } from "../gen/stage/consumer_ref.ts";
import {
  broadcastDispatcher,
  demandDispatcher,
  none,
  partitionDispatcher,
} from "../gen/stage/dispatcher.ts";
import { EventIterator } from "../gen/stage/event_iterator.ts";
import { pipe } from "../gen/stage/pipe.ts";
import { Producer } from "../gen/stage/producer.ts";
import { ProducerConsumer } from "../gen/stage/producer_consumer.ts";
import { ProducerConsumerRef } from "../gen/stage/producer_consumer_ref.ts";
import { ProducerRef } from "../gen/stage/producer_ref.ts";
import { Stage } from "../gen/stage/stage.ts";
import { StageRef } from "../gen/stage/stage_ref.ts";
import * as sys from "../gen/sys/sys.ts";
import { WebContext } from "../gen/web/context.ts";
import { EventStream } from "../gen/web/event_stream.ts";
import { Web } from "../gen/web/web.ts";
import { WebRef } from "../gen/web/web_ref.ts";
import { WebSocketProcess } from "../gen/web/web_socket.ts";
import { TaskSupervisor } from "../gen/task/task_supervisor.ts";
import { FormatError, formatText } from "../kernel/io/format.ts";
import * as io from "../kernel/io/io.ts";
import { IoError } from "../kernel/io/io_request.ts";
import * as logger from "../kernel/logger.ts";
import { ProcessGroups } from "../kernel/pg.ts";
import { ProcessGroupsRef } from "../kernel/pg_ref.ts";
import { PubSub } from "../kernel/pub_sub.ts";
import { PubSubRef } from "../kernel/pub_sub_ref.ts";
import { Topic, topic } from "../kernel/topic.ts";
import { Behaviour } from "../node/process/behaviour.ts";
import { ProcessContext } from "../node/process/context.ts";
import { currentProcess } from "../node/process/current_process.ts";
import {
  BusyError,
  CallTimeoutError,
  ExitError,
  MailboxFullError,
  NameError,
  NodeDownError,
  NodeStoppedError,
  NoProcessError,
  ProcessError,
  ProcessExitedError,
} from "../node/errors.ts";
import { LockError } from "../node/global_names.ts";
import { ApplicationError } from "../node/applications.ts";
import { Node } from "../node/node.ts";
import { WithSelf, withSelf } from "../node/provided/provide.ts";
import { raise, RaisedError } from "../node/provided/raise.ts";
import { RpcError, SpawnError } from "../node/remote/rpc_error.ts";
import { ReceiveTimeoutError, Self } from "../node/process/self.ts";
import { TransportError } from "../transport/contract.ts";
import { memoryNetwork } from "../transport/memory.ts";
import { selfSigned } from "../transport/self_signed.ts";
import { supervisor } from "../gen/supervisor/supervisor.ts";
import { Supervisor } from "../gen/supervisor/supervisor.ts";
import { SupervisorRef } from "../gen/supervisor/supervisor_ref.ts";
import { SupervisorError } from "../gen/supervisor/errors.ts";
import { child } from "../gen/supervisor/child.ts";
import { Child } from "../gen/supervisor/child.ts";
import { ignore } from "../node/process/ignore.ts";
import { IgnoredError } from "../node/process/ignore.ts";
import { remoteChild } from "../gen/supervisor/remote_child.ts";
import { Starter } from "../gen/supervisor/starter.ts";
import { FramingError } from "../gen/framing/framing.ts";
import { Program, program } from "../gen/port/program.ts";
import { ProgramRef } from "../gen/port/program_ref.ts";
import { SocketError } from "../gen/tcp/socket_error.ts";
import { TcpConnection } from "../gen/tcp/tcp_connection.ts";
import { TcpServer, tcpServer } from "../gen/tcp/tcp_server.ts";
import { TcpServerRef } from "../gen/tcp/tcp_server_ref.ts";
import { Udp } from "../gen/udp/udp.ts";
import { UdpRef } from "../gen/udp/udp_ref.ts";
import { SpawnFailed } from "../platform/child.ts";

/** What a remote shell has by name: the values that mod.ts exports, but `startNode`, and `exit`, which ends the shell there. */
export const SHELL_SCOPE: Readonly<Record<string, unknown>> = {
  Agent,
  AgentRef,
  api,
  Application,
  application,
  ApplicationContext,
  ApplicationError,
  Atom,
  atom,
  AtomLimitError,
  atomMap,
  Behaviour,
  Binary,
  Bitstring,
  broadcastDispatcher,
  BusyError,
  CallTimeoutError,
  charlist,
  Child,
  child,
  compareTerms,
  Consumer,
  ConsumerRef,
  ConsumerSupervisor,
  consumerSupervisor,
  ConsumerSupervisorRef,
  Contract,
  ContractRef,
  Cron,
  CronError,
  CronExpression,
  CronRef,
  currentProcess,
  decode,
  DecodeError,
  DefaultSchema,
  demandDispatcher,
  encode,
  EncodeError,
  EpmdError,
  equal,
  event,
  EventHandler,
  EventIterator,
  EventManager,
  EventManagerRef,
  Events,
  EventsRef,
  EventStream,
  EventType,
  ExitError,
  ExternalFun,
  fileStorage,
  Float,
  float,
  format,
  FormatError,
  formatText,
  FramingError,
  Fun,
  GenServer,
  Handler,
  HandshakeError,
  hash,
  ignore,
  IgnoredError,
  ImproperList,
  io,
  IoError,
  is,
  isList,
  isTuple,
  jsonLog,
  Later,
  later,
  LeaderElection,
  LocalTerm,
  LockError,
  logger,
  MailboxFullError,
  match,
  memoryNetwork,
  memoryStorage,
  NameError,
  NativeRecord,
  Node,
  NodeDownError,
  NodeLogger,
  NodeStoppedError,
  noMatch,
  NoMatchError,
  none,
  NoProcessError,
  noReply,
  on,
  OptionalSchema,
  parse,
  partitionDispatcher,
  phash2,
  Pid,
  pipe,
  Pool,
  pool,
  PoolBusyError,
  PoolRef,
  Port,
  ProcessContext,
  ProcessError,
  ProcessExitedError,
  ProcessGroups,
  ProcessGroupsRef,
  ProcessLogger,
  Producer,
  ProducerConsumer,
  ProducerConsumerRef,
  ProducerRef,
  Program,
  program,
  ProgramRef,
  PubSub,
  PubSubRef,
  Publisher,
  Raft,
  RaftError,
  RaftMap,
  raise,
  RaisedError,
  ReceiveTimeoutError,
  Ref,
  Registry,
  RegistryRef,
  remoteChild,
  ReplyError,
  RpcError,
  Saga,
  SagaWorker,
  Schema,
  SchemaError,
  Self,
  selfSigned,
  ServerRef,
  SocketError,
  SpawnError,
  SpawnFailed,
  Stage,
  StageRef,
  Starter,
  Statem,
  stringMap,
  Supervisor,
  supervisor,
  SupervisorError,
  SupervisorRef,
  sys,
  t,
  tagged,
  Task,
  TaskLimitError,
  TaskSupervisor,
  TaskSupervisorRef,
  TaskTimeoutError,
  TcpConnection,
  TcpServer,
  tcpServer,
  TcpServerRef,
  termKey,
  TermMap,
  textLog,
  Topic,
  topic,
  TransactionCancelledError,
  Transition,
  TransportError,
  Tuple,
  tuple,
  Udp,
  UdpRef,
  unwrap,
  Web,
  WebContext,
  WebRef,
  WebSocketProcess,
  WithSelf,
  withSelf,
};
