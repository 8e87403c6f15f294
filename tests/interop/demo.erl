%% An Erlang node that keeps the contract of examples/conformance_node.ts. The checks are run against it too: what they
%% expect is what OTP does.
-module(demo).
-behaviour(gen_server).
-export([start/0, start_link/1, start_sup/0, sum/2, boom/0, sleep/1, hold/1, loop/0]).
-export([init/1, handle_call/3, handle_cast/2, handle_info/2]).

start() ->
    [{ok, _} = gen_server:start({local, Name}, ?MODULE, Name, []) || Name <- [echo, counter, spawner]],
    {ok, Root} = supervisor:start_link(?MODULE, root),
    unlink(Root),
    ok.

start_link(Name) -> gen_server:start_link(?MODULE, Name, []).
start_sup() -> supervisor:start_link({local, sup}, ?MODULE, sup).

sum(A, B) -> A + B.
boom() -> exit(boom).
sleep(Ms) -> receive after Ms -> ok end.
hold(Key) -> gen_server:call(echo, {hold, Key}, infinity).
loop() -> obey(none).

obey(ReportTo) ->
    receive
        {exit, Reason} -> exit(Reason);
        {trap, To} -> process_flag(trap_exit, true), To ! trapping, obey(ReportTo);
        {report_to, To} -> To ! ok, obey(To);
        {send, To, Message} -> To ! Message, obey(ReportTo);
        {'EXIT', From, Reason} when ReportTo =/= none -> ReportTo ! {trapped, From, Reason}, obey(ReportTo);
        _ -> obey(ReportTo)
    end.

init(echo) -> process_flag(trap_exit, true), {ok, {echo, #{}, #{}}};
init(counter) -> {ok, {counter, 0}};
init(spawner) -> {ok, spawner};
init(crasher) -> {ok, crasher};
init({specs, Specs}) -> {ok, {#{intensity => 5, period => 60}, Specs}};
init(root) -> {ok, {#{intensity => 1000}, [#{id => sup, start => {?MODULE, start_sup, []}, type => supervisor}]}};
init(sup) ->
    {ok, {#{intensity => 3, period => 5},
          [#{id => Id, start => {?MODULE, start_link, [Name]}} || {Id, Name} <- [{a, counter}, {b, counter}, {crasher, crasher}]]}}.

handle_call({exit, Reason}, _, crasher) -> exit(Reason);
handle_call(throw, _, crasher) -> error(thrown);
handle_call({echo, Term}, _, State) -> {reply, Term, State};
handle_call({later, Ms, Term}, From, State) -> later(From, fun() -> sleep(Ms), Term end, State);
handle_call({hold, Key}, From, State) ->
    case erase({released, Key}) of
        undefined -> put({held, Key}, From), {noreply, State};
        {Term} -> {reply, Term, State}
    end;
handle_call({release, Key, Term}, _, State) ->
    case erase({held, Key}) of
        undefined -> put({released, Key}, {Term});
        From -> gen_server:reply(From, Term)
    end,
    {reply, ok, State};
handle_call(plain, _, State) -> {reply, spawn(fun loop/0), State};
handle_call({worker, Pid}, From, State) ->
    spawn(fun() -> link(Pid), gen_server:reply(From, self()), loop() end),
    {noreply, State};
handle_call({watch, Target}, {Caller, _}, {echo, Watches, Tally}) ->
    Ref = monitor(process, Target),
    {reply, Ref, {echo, Watches#{Ref => Caller}, Tally}};
handle_call({unwatch, Ref}, _, {echo, Watches, Tally}) ->
    demonitor(Ref, [flush]),
    {reply, ok, {echo, maps:remove(Ref, Watches), Tally}};
handle_call({tally, I}, _, {echo, Watches, Tally}) ->
    {reply, {done, I}, {echo, Watches, maps:update_with(I, fun(N) -> N + 1 end, 1, Tally)}};
handle_call({tally_get, Is}, _, {echo, _, Tally} = State) ->
    {reply, [{I, maps:get(I, Tally, 0)} || I <- Is], State};
handle_call({big, Size}, _, State) -> {reply, binary:copy(<<7>>, Size), State};
handle_call(get, _, {counter, Count} = State) -> {reply, Count, State};
handle_call({add, N}, _, {counter, Count}) -> {reply, Count + N, {counter, Count + N}};
handle_call({stop, Reason}, _, State) -> {stop, Reason, ok, State};
handle_call({ping, Node}, From, State) -> later(From, fun() -> net_adm:ping(Node) end, State);
handle_call({spawn_remote, Node, M, F, A}, From, State) ->
    later(From, fun() -> spawn_opt(Node, M, F, A, []) end, State);
handle_call({call, Target, Request}, From, State) ->
    later(From, fun() ->
        try gen_server:call(Target, Request)
        catch exit:{{nodedown, Node}, _} -> {error, {nodedown, Node}}; exit:{Reason, _} -> {error, Reason}
        end
    end, State);
handle_call({rpc, Node, M, F, A}, From, State) ->
    later(From, fun() ->
        try erpc:call(Node, M, F, A)
        catch
            exit:{exception, Reason} -> {error, Reason};
            error:{exception, Reason, _} -> {error, {error, Reason}};
            error:{erpc, noconnection} -> {error, {nodedown, Node}};
            throw:Thrown -> {error, {throw, Thrown}}
        end
    end, State).

handle_cast({exit, Reason}, crasher) -> exit(Reason);
handle_cast(throw, crasher) -> error(thrown);
handle_cast({to, Pid, Term}, State) -> Pid ! Term, {noreply, State};
handle_cast({add, N}, {counter, Count}) -> {noreply, {counter, Count + N}};
handle_cast(reset, {counter, _}) -> {noreply, {counter, 0}}.

handle_info({info, Pid, Tag, Term}, State) -> Pid ! {Tag, Term, self()}, {noreply, State};
handle_info({'DOWN', Ref, process, Object, Reason}, {echo, Watches, Tally}) ->
    {Caller, Rest} = maps:take(Ref, Watches),
    Caller ! {watched, Ref, Object, Reason},
    {noreply, {echo, Rest, Tally}};
handle_info(_, State) -> {noreply, State}.

later(From, Fun, State) ->
    spawn(fun() -> gen_server:reply(From, Fun()) end),
    {noreply, State}.
