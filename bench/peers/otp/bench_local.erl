%% What one node does, without distribution.
-module(bench_local).
-export([main/4]).

-define(PAIRS, 120).

main("memory " ++ Kind, _Unit, _Ms, Count) ->
    bench_measure:figure("memory " ++ Kind, "B", bytes_each(Kind, Count));
main(Name, Unit, Ms, _Count) ->
    bench_measure:report(Name, Unit, Ms, work(Name)).

work("call") ->
    Server = start(),
    fun() -> call_many(Server, 10_000), 10_000 end;
work("calls of pairs") ->
    Servers = [start() || _ <- lists:seq(1, ?PAIRS)],
    Callers = [spawn(fun() -> caller(Server) end) || Server <- Servers],
    fun() ->
        [Caller ! {call, self(), 500} || Caller <- Callers],
        [receive {done, Caller} -> ok end || Caller <- Callers],
        ?PAIRS * 500
    end;
work("send") ->
    %% A bare process whose queue is off the heap: with a gen_server this is several times slower.
    Parent = self(),
    Sink = spawn_opt(fun() -> sink(Parent, 20_000) end, [{message_queue_data, off_heap}]),
    fun() -> send_many(Sink, 20_000), receive done -> 20_000 end end;
work("spawn") ->
    fun() ->
        Self = self(),
        Ended = atomics:new(1, []),
        spawn_many(10_000, Ended, Self),
        receive done -> 10_000 end
    end;
work("start") ->
    fun() ->
        {Us, Servers} = timer:tc(fun() -> [start() || _ <- lists:seq(1, 2_000)] end),
        [exit(Server, kill) || Server <- Servers],
        {2_000, Us}
    end.

start() ->
    {ok, Pid} = gen_server:start(bench_server, [], []),
    Pid.

caller(Server) ->
    receive {call, From, Count} -> call_many(Server, Count), From ! {done, self()} end,
    caller(Server).

call_many(_, 0) -> ok;
call_many(Server, Count) ->
    5 = gen_server:call(Server, get),
    call_many(Server, Count - 1).

send_many(_, 0) -> ok;
send_many(To, Count) ->
    To ! Count,
    send_many(To, Count - 1).

sink(Parent, Count) ->
    take(Count),
    Parent ! done,
    sink(Parent, Count).

take(0) -> ok;
take(Count) -> receive _ -> take(Count - 1) end.

spawn_many(0, _, _) -> ok;
spawn_many(Count, Ended, Parent) ->
    spawn(fun() ->
        case atomics:add_get(Ended, 1, 1) of
            10_000 -> Parent ! done;
            _ -> ok
        end
    end),
    spawn_many(Count - 1, Ended, Parent).

bytes_each(Kind, Count) ->
    erlang:garbage_collect(),
    Before = erlang:memory(total),
    Pids = [one(Kind) || _ <- lists:seq(1, Count)],
    erlang:garbage_collect(),
    After = erlang:memory(total),
    %% Two words each are the list's.
    (After - Before) / length(Pids) - 16.

one("process") -> spawn(fun() -> receive stop -> ok end end);
one("server") -> start();
one("answered") ->
    Pid = start(),
    5 = gen_server:call(Pid, get),
    Pid.
