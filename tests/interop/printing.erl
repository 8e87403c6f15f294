%% What code on an Erlang node does with a group leader that is elsewhere, and group leaders of its own.
-module(printing).
-export([lines/1, kinds/0, input/0, raw/1, raws/1, leader/0, flood/2, spawned/1, logs/0, reports/0]).
-export([collector/0, collector/1, collected/1, answer/2, with_leader/2, crash_logged/1]).
-export([add_handler/1, log/2, typist/1]).

lines(N) ->
    lists:foreach(fun(I) -> io:format("line ~p~n", [I]) end, lists:seq(1, N)).

%% Every way to print that io has.
kinds() ->
    ok = io:put_chars("chars\n"),
    ok = io:put_chars(<<"binary é 日本\n"/utf8>>),
    ok = io:put_chars([<<"mixed ">>, $l, ["ist", [10]]]),
    ok = io:nl(),
    ok = io:write({a, "b", <<"c">>, 1.0}),
    ok = io:nl(),
    ok = io:format("~p ~s ~ts~n", [[1.0, 1], "latin é", "日本"]),
    ok = io:fwrite("~w~n", [#{a => 1}]),
    ok = io:requests([{put_chars, unicode, "one "}, {format, "~p ", [two]}, nl]),
    ok = io:format("plain~n"),
    {'EXIT', _} = (catch io:format("~p ~p~n", [one])),
    ok = io:format("still here~n"),
    ok.

input() ->
    {io:get_line("prompt"), io:get_chars("", 3), io:read("> "), io:parse_erl_exprs(""), io:fread("", "~d"),
     lists:sort(io:getopts()), io:setopts([{binary, true}, {encoding, unicode}]),
     lists:sort(io:getopts()), io:setopts([binary, list]), io:setopts([{nonsense, 1}]), io:columns(), io:rows()}.

%% What is answered to a request as it stands.
raw(Request) ->
    Leader = group_leader(),
    Ref = monitor(process, Leader),
    Leader ! {io_request, self(), Ref, Request},
    receive
        {io_reply, Ref, Reply} -> demonitor(Ref, [flush]), Reply;
        {'DOWN', Ref, _, _, Reason} -> {down, Reason}
    end.

raws(Requests) -> [raw(Request) || Request <- Requests].

leader() -> group_leader().

%% N processes print M lines each.
flood(N, M) ->
    Pids = [spawn_monitor(fun() ->
        lists:foreach(fun(I) -> io:format("~p:~p~n", [P, I]) end, lists:seq(1, M))
    end) || P <- lists:seq(1, N)],
    [receive {'DOWN', Ref, process, Pid, normal} -> ok end || {Pid, Ref} <- Pids],
    done.

spawned(To) ->
    To ! {leader, self(), group_leader()},
    io:format("spawned~n"),
    receive stop -> ok end.

%% Logs as libraries do.
logs() ->
    logger:error("error ~p", [1]),
    logger:warning("just text"),
    logger:notice(#{what => "a report", number => 7}),
    logger:critical([{key, value}, {text, "of a report"}]),
    error_logger:error_msg("old ~p~n", [style]),
    ok.

reports() ->
    logger:error(#{label => {some, label}, report => #{what => crashed}}),
    ok.

%% A group leader that keeps what it is asked, and answers.
collector() -> collector([]).

%% Input: what get_line is answered with, one after the other.
collector(Input) ->
    spawn(fun() -> collect(Input, [], []) end).

collect(Input, Requests, Waiting) ->
    receive
        {io_request, From, ReplyAs, Request} when is_pid(From) ->
            {Reply, Rest} = answer(Request, Input),
            From ! {io_reply, ReplyAs, Reply},
            tell(Waiting, [Request | Requests]),
            collect(Rest, [Request | Requests], []);
        {requests, From, Ref, Count} when length(Requests) >= Count ->
            From ! {Ref, lists:reverse(Requests)},
            collect(Input, Requests, Waiting);
        {requests, From, Ref, Count} ->
            collect(Input, Requests, [{From, Ref, Count} | Waiting])
    end.

tell(Waiting, Requests) ->
    [self() ! {requests, From, Ref, Count} || {From, Ref, Count} <- Waiting],
    Requests.

answer(Request, [Next | Rest]) when element(1, Request) =:= get_line; element(1, Request) =:= get_chars -> {Next, Rest};
answer(Request, []) when element(1, Request) =:= get_line; element(1, Request) =:= get_chars -> {eof, []};
answer({get_geometry, columns}, Input) -> {132, Input};
answer({get_geometry, rows}, Input) -> {{error, enotsup}, Input};
answer(_, Input) -> {ok, Input}.

%% The requests, once there are so many; put_chars as the text that it stands for.
collected({Pid, Count}) ->
    Ref = make_ref(),
    Pid ! {requests, self(), Ref, Count},
    receive {Ref, Requests} -> [text(Request) || Request <- Requests] after 40000 -> timeout end.

text({put_chars, unicode, Chars}) -> unicode:characters_to_binary(Chars);
text({put_chars, unicode, M, F, A}) -> unicode:characters_to_binary(apply(M, F, A));
text(Other) -> Other.

%% Calls M:F(A) on a node with a group leader of ours.
with_leader(Leader, {Node, M, F, A}) ->
    Self = self(),
    Ref = make_ref(),
    spawn(fun() ->
        group_leader(Leader, self()),
        Self ! {Ref, catch erpc:call(Node, M, F, A)}
    end),
    receive {Ref, Result} -> Result after 40000 -> timeout end.

%% Spawns M:F(A) on a node with a leader of this one, and gives the first event that is logged here for it.
crash_logged({Node, M, F, A}) ->
    add_handler(self()),
    spawn(Node, M, F, A),
    receive {logged, Event} -> Event after 40000 -> timeout end.

%% A logger handler that sends each event on.
add_handler(To) ->
    logger:remove_handler(?MODULE),
    logger:set_primary_config(level, all),
    ok = logger:add_handler(?MODULE, ?MODULE, #{config => #{to => To}, filters => [], filter_default => log}).

log(#{level := Level, msg := Msg, meta := Meta}, #{config := #{to := To}}) ->
    Text = case Msg of
        {string, String} -> unicode:characters_to_binary(String);
        {report, Report} -> Report;
        {Format, Args} -> unicode:characters_to_binary(io_lib:format(Format, Args))
    end,
    To ! {logged, {Level, Text, maps:get(pid, Meta), node(maps:get(gl, Meta)), maps:with([domain, extra], Meta)}}.

%% Types lines into a shell: a group leader that gives each of them to the next get_line, and keeps the output.
typist(Lines) -> collector(Lines).
