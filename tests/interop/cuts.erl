%% Calls from Erlang while the connection is cut again and again.
-module(cuts).
-export([start/2, progress/1, stop/1]).

%% Starts so many callers, each of which counts up an item of its own choice at a time.
start(Node, Callers) ->
    spawn(fun() ->
        Keeper = self(),
        [spawn_link(fun() -> caller(Keeper, Node, {I, 1}) end) || I <- lists:seq(1, Callers)],
        keep(Callers, [], [], [])
    end).

%% How many calls have been answered so far.
progress(Keeper) ->
    Keeper ! {progress, self()},
    receive {progress, N} -> N end.

%% The callers make no more calls: {Items that were answered, items whose call failed, reasons}.
stop(Keeper) ->
    Keeper ! {stop, self()},
    receive {stopped, Result} -> Result end.

caller(Keeper, Node, {I, N} = Item) ->
    try gen_server:call({echo, Node}, {tally, Item}, 20000) of
        {done, Item} -> Keeper ! {answered, Item}
    catch
        exit:{Reason, _} -> Keeper ! {failed, Item, reason(Reason)}
    end,
    Keeper ! {more, self()},
    receive more -> caller(Keeper, Node, {I, N + 1}); enough -> ok end.

reason({nodedown, _}) -> nodedown;
reason(Reason) -> Reason.

keep(Callers, Answered, Failed, Reasons) ->
    receive
        {answered, Item} -> keep(Callers, [Item | Answered], Failed, Reasons);
        {failed, Item, Reason} -> keep(Callers, Answered, [Item | Failed], lists:usort([Reason | Reasons]));
        {more, Caller} -> Caller ! more, keep(Callers, Answered, Failed, Reasons);
        {progress, From} -> From ! {progress, length(Answered)}, keep(Callers, Answered, Failed, Reasons);
        {stop, From} -> finish(From, Callers, Answered, Failed, Reasons)
    end.

finish(From, 0, Answered, Failed, Reasons) ->
    From ! {stopped, {Answered, Failed, Reasons}};
finish(From, Callers, Answered, Failed, Reasons) ->
    receive
        {answered, Item} -> finish(From, Callers, [Item | Answered], Failed, Reasons);
        {failed, Item, Reason} -> finish(From, Callers, Answered, [Item | Failed], lists:usort([Reason | Reasons]));
        {more, Caller} -> Caller ! enough, finish(From, Callers - 1, Answered, Failed, Reasons)
    end.
