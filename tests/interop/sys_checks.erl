%% What sys does with a server of ours, and with a gen_server that does the same: it must be alike.
-module(sys_checks).
-behaviour(gen_server).
-export([init/1, handle_call/3, handle_cast/2, handle_info/2]).
-compile([export_all, nowarn_export_all]).

%% The server of Erlang: a counter, whose state is a map.
init(Count) -> {ok, #{count => Count}}.
handle_call({add, N}, _, #{count := C} = S) -> {reply, C + N, S#{count := C + N}};
handle_call(get, _, #{count := C} = S) -> {reply, C, S}.
handle_cast({add, N}, #{count := C} = S) -> {noreply, S#{count := C + N}}.
handle_info(_, S) -> {noreply, S}.

%% Does the same with one of Erlang and with ours, and compares what comes of it.
alike(Ours, Fun) ->
    {ok, Erlang} = gen_server:start({local, counter}, ?MODULE, 0, []),
    Theirs = try shape(Fun(Erlang)) after gen_server:stop(Erlang) end,
    case shape(Fun(Ours)) of
        Theirs -> ok;
        Other -> error({differs, Other, {of_erlang, Theirs}})
    end.

%% A term without what differs between two servers.
shape(P) when is_pid(P) -> pid;
shape(R) when is_reference(R) -> ref;
shape(F) when is_function(F) -> {'fun', element(2, erlang:fun_info(F, arity))};
shape({'$ancestors', L}) when is_list(L) -> ancestors;
shape({reductions, N}) when is_integer(N) -> reductions;
shape({{_, _, _} = Date, {_, _, _} = Time}) -> true = calendar:valid_date(Date), {date, tuple_size(Time)};
shape([alias | _]) -> alias;
%% The process dictionary, which has no order.
shape([{'$initial_call', _} = Call, Ancestors]) -> [shape(Ancestors), shape(Call)];
shape([H | T]) -> [shape(H) | shape(T)];
shape(T) when is_tuple(T) -> list_to_tuple([shape(E) || E <- tuple_to_list(T)]);
shape(M) when is_map(M) -> maps:map(fun(_, V) -> shape(V) end, M);
shape(X) -> X.

state_test(P) ->
    alike(P, fun(Server) ->
        Before = sys:get_state(Server),
        7 = gen_server:call(Server, {add, 7}),
        {Before, sys:get_state(Server), sys:get_state(Server, 1000)}
    end).

status_test(P) ->
    alike(P, fun(Server) -> {sys:get_status(Server), sys:get_status(Server, 1000)} end).

status_of_a_debugged_server_test(P) ->
    alike(P, fun(Server) ->
        ok = sys:log(Server, {true, 3}),
        Filling = sys:get_status(Server),
        work(Server),
        ok = sys:statistics(Server, true),
        Full = sys:get_status(Server),
        ok = sys:no_debug(Server),
        {Filling, Full, sys:get_status(Server)}
    end).

%% What the status holds of the log is the log, for whoever reads it as sys does.
log_of_a_status_test(P) ->
    ok = sys:log(P, {true, 3}),
    work(P),
    {ok, Events} = sys:log(P, get),
    {status, P, {module, gen_server}, [_, running, _, Debug, _]} = sys:get_status(P),
    Events = sys:get_log(Debug),
    ok = sys:no_debug(P).

log_test(P) ->
    alike(P, fun(Server) ->
        ok = sys:log(Server, true),
        work(Server),
        Log = sys:log(Server, get),
        ok = sys:log(Server, print),
        ok = sys:log(Server, false),
        {Log, sys:log(Server, get)}
    end).

statistics_test(P) ->
    alike(P, fun(Server) ->
        None = sys:statistics(Server, get),
        ok = sys:statistics(Server, true),
        work(Server),
        {ok, Counted} = sys:statistics(Server, get),
        ok = sys:statistics(Server, false),
        {None, Counted, sys:statistics(Server, get)}
    end).

trace_test(P) ->
    alike(P, fun(Server) ->
        ok = sys:trace(Server, true),
        work(Server),
        {status, _, _, [_, _, _, Debug, _]} = sys:get_status(Server),
        {Debug, sys:trace(Server, false)}
    end).

suspend_test(P) ->
    alike(P, fun(Server) ->
        ok = sys:suspend(Server),
        Request = gen_server:send_request(Server, {add, 1}),
        gen_server:cast(Server, {add, 10}),
        timeout = gen_server:wait_response(Request, 50),
        State = sys:get_state(Server),
        {status, _, _, [_, suspended, _, _, _]} = Status = sys:get_status(Server),
        ok = sys:suspend(Server),
        ok = sys:resume(Server),
        {reply, Sum} = gen_server:wait_response(Request, 40000),
        {State, Status, Sum, gen_server:call(Server, get), sys:resume(Server)}
    end).

change_code_test(P) ->
    alike(P, fun(Server) ->
        Running = (catch sys:change_code(Server, ?MODULE, undefined, extra)),
        ok = sys:suspend(Server),
        {error, {'EXIT', {undef, [{Module, code_change, Args, _} | _]}}} =
            sys:change_code(Server, ?MODULE, undefined, extra),
        ok = sys:resume(Server),
        {Running, Module, Args}
    end).

unknown_test(P) ->
    alike(P, fun(Server) ->
        [gen:call(Server, system, Request)
         || Request <- [nonsense, {debug, nonsense}, {debug, {trace, 'maybe'}}, {debug, {log, {true, 0}}}, 5, [],
                        {get_state, 1}, {debug, {remove, x}}, {debug, {log_to_file, false}}, {get_log}]]
    end).

%% The fun of Erlang fails there, and cannot run here: the answer has one form.
replace_state_test(P) ->
    ok = try sys:replace_state(P, fun(S) -> S#{count := 41} end)
         catch error:{callback_failed, {gen_server, system_replace_state}, {error, {not_supported, Why}}} ->
             true = is_binary(Why), ok
         end,
    {ok, Erlang} = gen_server:start(?MODULE, 0, []),
    ok = try sys:replace_state(Erlang, fun(_) -> error(no) end)
         catch error:{callback_failed, {gen_server, system_replace_state}, {error, no}} -> ok
         end,
    gen_server:stop(Erlang),
    #{count := _} = sys:get_state(P).

install_test(P) ->
    {error, {not_supported, Why}} = sys:install(P, {fun(S, _, _) -> S end, 0}),
    true = is_binary(Why),
    ok = sys:remove(P, nothing).

a_file_is_not_written_test(P) ->
    {error, open_file} = sys:log_to_file(P, "/tmp/never_written_by_a_peer"),
    ok = sys:log_to_file(P, false).

by_name_test(P) ->
    Name = {counter, node(P)},
    #{count := _} = sys:get_state(Name),
    {status, P, _, _} = sys:get_status(Name).

%% Each ends the server.
terminate_ends_test(P) ->
    Ref = monitor(process, P),
    ok = sys:terminate(P, {shutdown, done}),
    receive {'DOWN', Ref, process, P, {shutdown, done}} -> ok end.

terminate_suspended_ends_test(P) ->
    Ref = monitor(process, P),
    ok = sys:suspend(P),
    ok = sys:terminate(P, normal),
    receive {'DOWN', Ref, process, P, normal} -> ok end.

stop_ends_test(P) ->
    ok = gen_server:stop(P, {shutdown, 1}, 5000),
    {'EXIT', {noproc, {sys, get_state, [P]}}} = (catch sys:get_state(P)),
    {'EXIT', noproc} = (catch gen_server:stop(P)).

work(Server) ->
    5 = gen_server:call(Server, {add, 5}) - gen_server:call(Server, get) + 5,
    gen_server:cast(Server, {add, 1}),
    Server ! {info, self()},
    gen_server:call(Server, {add, -gen_server:call(Server, get)}).
