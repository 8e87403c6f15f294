%% A gen_statem that does what a script says, to be compared with ours: see tests/gen/statem/_model.ts.
-module(statem_model).
-behaviour(gen_statem).
-export([run/1]).
-export([init/1, callback_mode/0, handle_event/4, terminate/3]).

%% Script: {Enters, Rules, EnterRules, Events}, where
%%   Rules      [{State, Id, Kind, Actions}]: what is done with event Id in State,
%%   EnterRules [{State, Kind, Actions}],
%%   Events     [{Type, Id}], sent one after the other.
%% Gives {Trace, Replies, Status, Reason}.
run({Enters, Rules, EnterRules, Events}) ->
    Driver = self(),
    {ok, {Pid, Monitor}} =
        gen_statem:start_monitor(?MODULE, {Driver, Enters, Rules, EnterRules}, []),
    send(Pid, Events, 0),
    Status = status(Pid),
    gen_statem:cast(Pid, 'end'),
    Trace = receive {Pid, trace, T} -> T after 40000 -> exit(no_trace) end,
    Reason = receive {'DOWN', Monitor, process, Pid, R} -> R after 40000 -> exit(no_end) end,
    {Trace, replies(), Status, Reason}.

send(_, [], _) -> ok;
send(Pid, [{call, Id} | Events], N) ->
    Pid ! {'$gen_call', {self(), N}, Id},
    send(Pid, Events, N + 1);
send(Pid, [{cast, Id} | Events], N) ->
    gen_statem:cast(Pid, Id),
    send(Pid, Events, N + 1);
send(Pid, [{info, Id} | Events], N) ->
    Pid ! Id,
    send(Pid, Events, N + 1).

replies() ->
    receive {N, Reply} when is_integer(N) -> [{N, Reply} | replies()] after 0 -> [] end.

status(Pid) ->
    try sys:get_status(Pid) of
        {status, _, _, [_, _, _, _, [_, {data, Data} | _]]} ->
            {_, {_, Timeouts}} = lists:keyfind("Time-outs", 1, Data),
            {_, Postponed} = lists:keyfind("Postponed", 1, Data),
            {lists:sort(Timeouts), [Id || {_, Id} <- Postponed]}
    catch
        _:_ -> dead
    end.

callback_mode() ->
    case get(enters) of
        true -> [handle_event_function, state_enter];
        false -> handle_event_function
    end.

init({Driver, Enters, Rules, EnterRules}) ->
    put(enters, Enters),
    Data = #{driver => Driver, rules => Rules, enter => EnterRules, fuel => 60, trace => []},
    {ok, a, Data}.

handle_event(enter, Previous, State, #{enter := Rules} = Data0) ->
    {Left, Data} = note({enter, State, Previous}, Data0),
    case lists:keyfind(State, 1, Rules) of
        {_, Kind, Actions} when Left -> result(Kind, Data, actions(Actions, enter));
        _ -> {keep_state, Data}
    end;
handle_event(cast, 'end', _, Data) ->
    {stop, normal, Data};
handle_event(Type, Id, State, #{rules := Rules} = Data0) ->
    {Left, Data} = note({type(Type), State, Id}, Data0),
    case [{Kind, Actions} || {S, I, Kind, Actions} <- Rules, S =:= State, I =:= Id] of
        [{stop, Actions} | _] when Left ->
            {stop_and_reply, {shutdown, bye}, [A || {reply, _, _} = A <- actions(Actions, Type)], Data};
        [{Kind, Actions} | _] when Left -> result(Kind, Data, actions(Actions, Type));
        _ -> {keep_state, Data}
    end.

terminate(_, State, #{driver := Driver, trace := Trace}) ->
    Driver ! {self(), trace, {State, lists:reverse(Trace)}}.

note(Entry, #{fuel := Fuel, trace := Trace} = Data) ->
    {Fuel > 0, Data#{fuel := Fuel - 1, trace := [Entry | Trace]}}.

type({call, {_, N}}) -> {call, N};
type(Type) -> Type.

result(keep, Data, Actions) -> {keep_state, Data, Actions};
result(repeat, Data, Actions) -> {repeat_state, Data, Actions};
result({next, State}, Data, Actions) -> {next_state, State, Data, Actions}.

actions(Actions, Type) -> lists:append([action(A, Type) || A <- Actions]).

action(postpone, _) -> [postpone];
action({reply, Id}, {call, From}) -> [{reply, From, Id}];
action({reply, _}, _) -> [];
action({next_event, same, Id}, {call, _} = Type) -> [{next_event, Type, Id}];
action({next_event, same, Id}, _) -> [{next_event, internal, Id}];
action({next_event, Type, Id}, _) -> [{next_event, Type, Id}];
action({timer, Type, cancel, _}, _) -> [{Type, cancel}];
action({timer, Type, update, Id}, _) -> [{Type, update, Id}];
action({timer, Type, later, Id}, _) -> [{Type, 1000000, Id}];
action({timer, Type, never, Id}, _) -> [{Type, infinity, Id}];
action({timer, Type, 0, Id}, _) -> [{Type, 0, Id}].
