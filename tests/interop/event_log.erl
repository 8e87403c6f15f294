%% A handler of gen_event: keeps the events, newest first.
-module(event_log).
-behaviour(gen_event).
-export([compare/2]).
-export([init/1, handle_event/2, handle_call/2, handle_info/2, terminate/2]).

%% Does the same with a manager of this node and with another one: `same`, or the first that differs.
compare(Other, Commands) ->
    {ok, Own} = gen_event:start(),
    Result = compare(Own, Other, Commands ++ [state]),
    gen_event:stop(Own),
    Result.

compare(_, _, []) -> same;
compare(Own, Other, [Command | Commands]) ->
    case {result(Own, Command), result(Other, Command)} of
        {Same, Same} -> compare(Own, Other, Commands);
        {A, B} -> {differs, Command, A, B}
    end.

%% Without stack traces, which are of no concern here.
result(Manager, Command) ->
    case catch run(Manager, Command) of
        {'EXIT', {Why, [_ | _]}} -> {'EXIT', Why};
        {error, {'EXIT', {Why, [_ | _]}}} -> {error, {'EXIT', Why}};
        Result -> Result
    end.

run(M, {add, Id, Args}) -> gen_event:add_handler(M, handler(Id), Args);
run(M, {delete, Id, Args}) -> gen_event:delete_handler(M, handler(Id), Args);
run(M, {swap, Id, Args, Id2, Args2}) ->
    gen_event:swap_handler(M, {handler(Id), Args}, {handler(Id2), Args2});
run(M, {notify, Event}) -> gen_event:notify(M, Event);
run(M, {sync_notify, Event}) -> gen_event:sync_notify(M, Event);
run(M, {info, Info}) -> M ! Info;
run(M, {call, Id, Request}) -> gen_event:call(M, handler(Id), Request);
run(M, state) -> {gen_event:which_handlers(M), sys:get_state(M)}.

handler(0) -> event_log;
handler(Id) -> {event_log, Id}.

init({refuse, Why}) -> {error, Why};
init({crash, Why}) -> exit(Why);
init({New, Left}) when is_list(New) -> {ok, New ++ [{left, Left}]};
init(Args) -> {ok, Args}.

handle_event(remove, _) -> remove_handler;
handle_event(crash, _) -> exit(crashed);
handle_event(Event, State) -> {ok, [Event | State]}.

handle_call(get, State) -> {ok, State, State};
handle_call({echo, Term}, State) -> {ok, Term, State};
handle_call(crash, _) -> exit(crashed).

handle_info(Info, State) -> {ok, [{info, Info} | State]}.

terminate(Reason, _) -> {terminated, Reason}.
