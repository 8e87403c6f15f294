%% Runs the scripts of model.test.ts with OTP's supervisor, and tells what it did: the other half of the model.
-module(model).
-behaviour(gen_server).
-behaviour(supervisor).
-export([run/1, start_child/3, log/2]).
-export([init/1, handle_call/3, handle_cast/2, handle_info/2, terminate/2]).

%% {Strategy, Intensity, AutoShutdown, Kids, Plans, Ops} -> what has happened at the start, by each of the ops, and at the end.
run({Strategy, Intensity, Auto, Kids, Plans, Ops}) ->
    process_flag(trap_exit, true),
    catch ets:delete(?MODULE),
    ets:new(?MODULE, [named_table, public]),
    Collector = spawn_link(fun() -> collect([]) end),
    ets:insert(?MODULE, {collector, Collector}),
    [plan(Id, Ways) || {Id, Ways} <- Plans],
    logger:set_primary_config(level, error),
    logger:remove_handler(default),
    logger:remove_handler(?MODULE),
    ok = logger:add_handler(?MODULE, ?MODULE, #{}),
    Flags = #{strategy => Strategy, intensity => Intensity, period => 3600, auto_shutdown => Auto},
    Specs = [spec(Kid, Strategy) || Kid <- Kids],
    Started = supervisor:start_link(?MODULE, {Flags, Specs}),
    Trace = case Started of
        {ok, Sup} ->
            First = {started, seen(Sup, Strategy)},
            Rest = [{done(Op, Sup, Strategy), seen(Sup, Strategy)} || Op <- Ops],
            stop(Sup),
            [First | Rest] ++ [{stopped, {at_the_end(Strategy), gone}}];
        {error, Reason} ->
            receive {'EXIT', _, Reason} -> ok after 0 -> ok end,
            [{{failed, Reason}, {events(), gone}}]
    end,
    logger:remove_handler(?MODULE),
    unlink(Collector),
    exit(Collector, kill),
    ets:delete(?MODULE),
    Trace.

plan(Id, Ways) -> ets:insert(?MODULE, {{plan, Id}, Ways}).

spec({Id, Restart, Shutdown, Significant, Type, Trap, Dies}, Strategy) ->
    Args = case Strategy of simple_one_for_one -> [Trap, Dies]; _ -> [Trap, Dies, Id] end,
    #{id => Id, start => {?MODULE, start_child, Args}, restart => Restart, shutdown => Shutdown,
      significant => Significant, type => Type}.

start_child(Trap, Dies, Id) -> gen_server:start_link(?MODULE, {child, Trap, Dies, Id}, []).

%% One step.

done(Op, Sup, Strategy) ->
    case is_process_alive(Sup) of
        true -> try do(Op, Sup, Strategy) catch exit:_ -> gone end;
        false -> gone
    end.

do({plan, Id, Ways}, _, _) -> plan(Id, Ways), ok;
do({start, Name}, Sup, simple_one_for_one) -> said(supervisor:start_child(Sup, [Name]));
do({start, Kid}, Sup, Strategy) -> said(supervisor:start_child(Sup, spec(Kid, Strategy)));
do({terminate, Id}, Sup, simple_one_for_one) ->
    case pid_of(Id) of undefined -> none; Pid -> said(supervisor:terminate_child(Sup, Pid)) end;
do({terminate, Id}, Sup, _) -> said(supervisor:terminate_child(Sup, Id));
do({restart, Id}, Sup, _) -> said(supervisor:restart_child(Sup, Id));
do({delete, Id}, Sup, _) -> said(supervisor:delete_child(Sup, Id));
do({crash, Crashes}, Sup, _) ->
    % All of them have ended before the supervisor hears of the first.
    ok = sys:suspend(Sup),
    Did = [crash(pid_of(Id), Reason) || {Id, Reason} <- Crashes],
    ok = sys:resume(Sup),
    Did.

crash(undefined, _) -> none;
crash(Pid, Reason) ->
    Ref = monitor(process, Pid),
    case Reason of kill -> exit(Pid, kill); _ -> Pid ! {exit, Reason} end,
    receive {'DOWN', Ref, process, Pid, noproc} -> none; {'DOWN', Ref, process, Pid, _} -> ok end.

said({ok, undefined}) -> ignored;
said({ok, _}) -> ok;
said(ok) -> ok;
said({error, {already_started, _}}) -> already_started;
said({error, {Reason, Child}}) when element(1, Child) =:= child -> {error, Reason};
said({error, Reason}) -> {error, Reason}.

pid_of(Id) ->
    case ets:lookup(?MODULE, {pid, Id}) of
        [{_, Pid}] -> case is_process_alive(Pid) of true -> Pid; false -> undefined end;
        [] -> undefined
    end.

%% What it is like when nothing more happens: what has happened since, and the children.
seen(Sup, Strategy) ->
    case quiet(Sup) of
        gone ->
            Events = at_the_end(Strategy),
            receive {'EXIT', Sup, Reason} -> {Events, {gone, Reason}} after 0 -> {Events, gone} end;
        Children ->
            Counts = supervisor:count_children(Sup),
            {events(), {children(Children, Strategy), [N || {_, N} <- Counts]}}
    end.

quiet(Sup) ->
    try supervisor:which_children(Sup) of
        Children ->
            case lists:keymember(restarting, 2, Children) of true -> quiet(Sup); false -> Children end
    catch exit:_ -> gone
    end.

children(Children, simple_one_for_one) -> lists:sort([instance(Pid) || {undefined, Pid, _, _} <- Children]);
children(Children, _) -> [{Id, instance(Pid), Type} || {Id, Pid, Type, _} <- Children].

instance(undefined) -> undefined;
instance(Pid) ->
    [{_, Instance}] = ets:lookup(?MODULE, Pid),
    Instance.

stop(Sup) ->
    exit(Sup, shutdown),
    receive {'EXIT', Sup, _} -> ok after 0 ->
        case is_process_alive(Sup) of true -> receive {'EXIT', Sup, _} -> ok end; false -> ok end
    end.

events() -> ask(take).

%% Children that are all alike are ended in an order that nobody has promised.
at_the_end(simple_one_for_one) ->
    [Event || {_, Event} <- lists:sort([{lists:flatten(io_lib:format("~0p", [Event])), Event} || Event <- events()])];
at_the_end(_) -> events().

ask(What) ->
    [{_, Collector}] = ets:lookup(?MODULE, collector),
    Collector ! {What, self()},
    receive {Collector, Answer} -> Answer end.

%% Gathers what happens in its order: messages and signals come in the order in which they were sent on a node with one scheduler.
collect(Events) ->
    receive
        {take, From} -> From ! {self(), lists:reverse(Events)}, collect([]);
        {{started, Id}, From} ->
            put(monitor(process, From), Id),
            From ! {self(), ok},
            collect([{started, Id} | Events]);
        {event, Event} -> collect([Event | Events]);
        {'DOWN', Ref, process, _, Reason} -> collect([{ended, erase(Ref), Reason} | Events])
    end.

%% The children, and what is logged of them.

init({child, Trap, Dies, Id}) ->
    Ways = case ets:lookup(?MODULE, {plan, Id}) of [{_, List}] -> List; [] -> [] end,
    case Ways of
        [] -> ok;
        [_ | Rest] -> ets:insert(?MODULE, {{plan, Id}, Rest})
    end,
    case Ways of
        [ignore | _] -> ignore;
        [error | _] -> {stop, failed};
        _ ->
            process_flag(trap_exit, Trap),
            N = ets:update_counter(?MODULE, {count, Id}, 1, {{count, Id}, 0}),
            ets:insert(?MODULE, [{{pid, Id}, self()}, {self(), {Id, N}}]),
            ok = ask({started, Id}),
            {ok, {Dies, Id}}
    end;
init({Flags, Specs}) -> {ok, {Flags, Specs}}.

handle_call(_, _, State) -> {noreply, State}.
handle_cast(_, State) -> {noreply, State}.
handle_info({exit, Reason}, _) -> put(crashed, true), exit(Reason).
terminate(Reason, {Dies, _}) ->
    case get(crashed) =:= true orelse Dies =:= Reason of
        true -> ok;
        false -> exit(Dies)
    end.

log(#{msg := {report, #{label := {supervisor, Context}, report := Report}}}, _) ->
    {reason, Reason} = lists:keyfind(reason, 1, Report),
    {offender, Offender} = lists:keyfind(offender, 1, Report),
    {id, Id} = lists:keyfind(id, 1, Offender),
    [{_, Collector}] = ets:lookup(?MODULE, collector),
    Collector ! {event, {report, Context, Id, Reason}},
    ok;
log(_, _) -> ok.
