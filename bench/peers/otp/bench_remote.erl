%% What goes between two nodes; far/0 is the other side, until its standard input ends.
-module(bench_remote).
-export([main/4, far/0]).

-define(CALLERS, 120).
-define(SENDERS, 100).

far() ->
    {ok, Pid} = gen_server:start({local, far}, bench_server, [],
        [{spawn_opt, [{message_queue_data, off_heap}]}]),
    io:format("ready~n"),
    eof = io:get_line(""),
    exit(Pid, kill),
    halt().

main(Name, Unit, Ms, Node) ->
    true = net_kernel:connect_node(Node),
    bench_measure:report(Name, Unit, Ms, work(Name, {far, Node})).

work("call", Far) ->
    fun() -> call_many(Far, 200), 200 end;
work("call of 1 MB", Far) ->
    Megabyte = binary:copy(<<7>>, 1024 * 1024),
    fun() -> [gen_server:call(Far, {echo, Megabyte}, infinity) || _ <- lists:seq(1, 5)], 5 end;
work("calls of many", Far) ->
    fun() -> all(?CALLERS, fun() -> call_many(Far, 50) end), ?CALLERS * 50 end;
work("send", Far) ->
    fun() -> send_many(Far, 20_000), true = seen(Far, 20_000), 20_000 end;
work("send of many", Far) ->
    fun() ->
        all(?SENDERS, fun() -> send_many(Far, 200) end),
        true = seen(Far, ?SENDERS * 200),
        ?SENDERS * 200
    end.

%% Runs Fun in so many processes and waits until all have ended.
all(Count, Fun) ->
    Started = [spawn_monitor(Fun) || _ <- lists:seq(1, Count)],
    [receive {'DOWN', Ref, process, Pid, normal} -> ok end || {Pid, Ref} <- Started].

call_many(_, 0) -> ok;
call_many(Far, Count) ->
    5 = gen_server:call(Far, get, infinity),
    call_many(Far, Count - 1).

send_many(_, 0) -> ok;
send_many(Far, Count) ->
    Far ! Count,
    send_many(Far, Count - 1).

seen(Far, Count) -> gen_server:call(Far, {seen, Count}, infinity).
