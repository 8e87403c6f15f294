import { assertEquals } from "@std/assert";
import { test } from "node:test";
import type { Binary } from "../../../lib/etf/binary.ts";
import { TcpConnection } from "../../../lib/gen/tcp/tcp_connection.ts";
import { tcpServer } from "../../../lib/gen/tcp/tcp_server.ts";
import type { TcpOptions } from "../../../lib/gen/tcp/tcp_options.ts";
import { Udp } from "../../../lib/gen/udp/udp.ts";
import type { SocketAddress } from "../../../lib/transport/contract.ts";
import { needsErlang, startEpmd, startErlang } from "../../_support/erlang.ts";
import { testNothingIsLeft } from "../../_support/leaks.ts";
import { Log, socketNode, Told, until } from "./_support.ts";

/** Erlang's end of a conversation: it sends packets of many sizes, each of which has to come back as it was. */
const talk = (port: number, packet: string): string => `
  Same = fun(S, P) -> ok = gen_tcp:send(S, P), {ok, P} = gen_tcp:recv(S, 0, 60000), byte_size(P) end,
  {ok, S} = gen_tcp:connect({127,0,0,1}, ${port}, [binary, {packet, ${packet}}, {active, false}]),
  Sizes = [Same(S, binary:copy(<<N>>, N)) || N <- [1, 2, 100, 255]],
  Many = [binary:copy(<<"x">>, N rem 200 + 1) || N <- lists:seq(1, 500)],
  [ok = gen_tcp:send(S, P) || P <- Many],
  Back = [begin {ok, P} = gen_tcp:recv(S, 0, 60000), P end || _ <- Many],
  ok = gen_tcp:shutdown(S, write),
  {Sizes, Back =:= Many, gen_tcp:recv(S, 0, 60000)}`;

test("gen_tcp and gen_udp of Erlang", { skip: needsErlang }, async (t) => {
  await using epmd = await startEpmd();
  await using erl = await startErlang({ name: "a@localhost", cookie: "c", epmdPort: epmd.port });
  const { node } = socketNode();

  for (const packet of [1, 2, 4] as const) {
    await t.test(`{packet, ${packet}} both ways`, async () => {
      class Echo extends TcpConnection {
        override readonly tcp: TcpOptions = { packet };
        override handlePacket(bytes: Binary): void {
          this.write(bytes);
        }
      }
      const server = await node.start(tcpServer(Echo, { port: 0 }), []);
      const answer = await erl.eval(talk(server.address.port, String(packet)));
      assertEquals(answer, "{[1,2,100,255],true,{error,closed}}");
      await server.stop();
    });
  }

  await t.test("a large packet with {packet, 4}, and lines with {packet, line}", async () => {
    class Large extends TcpConnection {
      override readonly tcp = { packet: 4, maxPacket: 20_000_000 } as const;
      override handlePacket(bytes: Binary): void {
        this.write(bytes);
      }
    }
    class Lines extends TcpConnection {
      override readonly tcp = { packet: "line" } as const;
      override handlePacket(line: Binary): void {
        this.write(line.text.toUpperCase());
      }
    }
    const large = await node.start(tcpServer(Large, { port: 0 }), []);
    const answer = await erl.eval(`
      {ok, S} = gen_tcp:connect({127,0,0,1}, ${large.address.port}, [binary, {packet, 4}, {active, false}]),
      B = crypto:strong_rand_bytes(10000000),
      ok = gen_tcp:send(S, B), {ok, B} = gen_tcp:recv(S, 0, 60000), gen_tcp:close(S), byte_size(B)`);
    assertEquals(answer, "10000000");
    const lines = await node.start(tcpServer(Lines, { port: 0 }), []);
    const line = await erl.eval(`
      {ok, S} = gen_tcp:connect({127,0,0,1}, ${lines.address.port}, [binary, {packet, line}, {active, false}]),
      ok = gen_tcp:send(S, <<"one\\r\\ntwo\\n">>),
      {gen_tcp:recv(S, 0, 60000), gen_tcp:recv(S, 0, 60000)}`);
    assertEquals(line, '{{ok,<<"ONE\\n">>},{ok,<<"TWO\\n">>}}');
    await Promise.all([large.stop(), lines.stop()]);
  });

  await t.test("our process dials a server of Erlang's, and lives no longer than the connection", async () => {
    const port = Number(
      await erl.eval(`
        {ok, L} = gen_tcp:listen(0, [binary, {packet, 4}, {active, false}, {ip, {127,0,0,1}}]),
        {ok, P} = inet:port(L),
        Server = spawn(fun() ->
          receive go -> ok end,
          {ok, S} = gen_tcp:accept(L),
          {ok, Question} = gen_tcp:recv(S, 0, 60000),
          ok = gen_tcp:send(S, [<<"answer to ">>, Question]),
          gen_tcp:close(S) end),
        gen_tcp:controlling_process(L, Server), register(server, Server), Server ! go, P`),
    );
    const log = new Log();
    class Client extends Told {
      override readonly tcp = { packet: 4 } as const;
      override init(log: Log): Promise<void> {
        super.init(log);
        return this.connect({ host: "127.0.0.1", port });
      }
      override handleConnect(): void {
        this.write("a question");
      }
    }
    const client = await node.start(Client, [log]);
    await log.untilLine("disconnect");
    assertEquals(log.lines, ["packet answer to a question", "disconnect"]);
    await until(() => !node.isAlive(client.pid));
  });

  await t.test("gen_udp both ways", async () => {
    class Echo extends Udp {
      override init(): Promise<SocketAddress> {
        return this.bind();
      }
      override handleDatagram(bytes: Binary, from: SocketAddress): void {
        this.sendDatagram(`${from.host} says ${bytes.text}`, from);
      }
    }
    const echo = await node.start(Echo, []);
    const answer = await erl.eval(`
      {ok, S} = gen_udp:open(0, [binary, {active, false}]),
      ok = gen_udp:send(S, {127,0,0,1}, ${echo.address.port}, <<"hello">>),
      {ok, {Ip, Port, Data}} = gen_udp:recv(S, 0, 60000), gen_udp:close(S), {Ip, Port, Data}`);
    assertEquals(answer, `{{127,0,0,1},${echo.address.port},<<"127.0.0.1 says hello">>}`);
  });

  await node.stop();
});

testNothingIsLeft();
