%% What Phoenix.PubSub's PG2 adapter does on a node of Elixir, written from its protocol: a pool of registered processes, each the member of a
%% group of its name in the pg scope Phoenix.PubSub, and the messages that it sends. For pub_sub.test.ts.
-module(phoenix_peer).
-export([start/2, broadcast/4, broadcast_many/4, direct/5, received/0, members/1, stop/2]).

-define(SCOPE, 'Elixir.Phoenix.PubSub').

start(Adapter, PoolSize) ->
    case whereis(?SCOPE) of
        undefined -> {ok, _} = pg:start(?SCOPE);
        _ -> ok
    end,
    case whereis(collector) of
        undefined -> register(collector, spawn(fun() -> collect([]) end));
        _ -> ok
    end,
    [start_worker(Group) || Group <- groups(Adapter, PoolSize)],
    ok.

start_worker(Group) ->
    Self = self(),
    Pid = spawn(fun() ->
        register(Group, self()),
        ok = pg:join(?SCOPE, Group, self()),
        Self ! {self(), joined},
        worker(Group)
    end),
    receive {Pid, joined} -> ok end.

worker(Group) ->
    receive
        {forward_to_local, Topic, Message, Dispatcher} ->
            collector ! {forwarded, {Group, Topic, Message, Dispatcher}},
            worker(Group);
        stop -> ok
    end.

stop(Adapter, PoolSize) ->
    [Group ! stop || Group <- groups(Adapter, PoolSize)],
    ok.

collect(Told) ->
    receive
        {forwarded, What} -> collect([What | Told]);
        {get, From} -> From ! {collector, lists:reverse(Told)}, collect([])
    end.

received() ->
    collector ! {get, self()},
    receive {collector, Told} -> Told end.

members(Group) -> length(pg:get_members(?SCOPE, Group)).

groups(Adapter, PoolSize) ->
    [Adapter | [list_to_atom(atom_to_list(Adapter) ++ "_" ++ integer_to_list(N)) || N <- lists:seq(2, PoolSize)]].

group(Adapter, PoolSize) -> lists:nth(erlang:phash2(self(), PoolSize) + 1, groups(Adapter, PoolSize)).

broadcast(Adapter, PoolSize, Topic, Message) ->
    Forward = {forward_to_local, Topic, Message, ?SCOPE},
    [Pid ! Forward || Pid <- pg:get_members(?SCOPE, group(Adapter, PoolSize)), node(Pid) =/= node()],
    ok.

%% The numbers from 1, from one process.
broadcast_many(Adapter, PoolSize, Topic, Count) ->
    [broadcast(Adapter, PoolSize, Topic, {self(), N}) || N <- lists:seq(1, Count)],
    ok.

direct(Adapter, PoolSize, Node, Topic, Message) ->
    {group(Adapter, PoolSize), Node} ! {forward_to_local, Topic, Message, ?SCOPE},
    ok.
