%% Processes that join groups, for pg_erlang.test.ts.
-module(pg_members).
-export([start/1, join/3, leave/3, members/2, idle/0, watch/2, watched/1]).
-export([storm/3, view/1]).
-export([adapter/2, forwarded/1, broadcast/4, direct/4]).

start(Scope) ->
    {ok, _} = pg:start(Scope),
    ok.

%% A process that has joined so many times, and ends when it gets a message.
join(Scope, Group, Times) ->
    Pid = spawn(?MODULE, idle, []),
    [ok = pg:join(Scope, Group, Pid) || _ <- lists:seq(1, Times)],
    Pid.

leave(Scope, Group, Pid) -> pg:leave(Scope, Group, Pid).

idle() -> receive _ -> ok end.

members(Scope, Group) -> lists:sort(pg:get_members(Scope, Group)).

%% A process that keeps what pg:monitor/2 (a group) or pg:monitor_scope/1 (`scope`) tells.
watch(Scope, What) ->
    Self = self(),
    Pid = spawn(fun() ->
        {Ref, Now} = case What of scope -> pg:monitor_scope(Scope); Group -> pg:monitor(Scope, Group) end,
        Self ! {self(), Now},
        keep(Ref, [])
    end),
    receive {Pid, Now} -> {Pid, Now} end.

watched(Pid) ->
    Pid ! {get, self()},
    receive {Pid, Told} -> lists:reverse(Told) end.

keep(Ref, Told) ->
    receive
        {Ref, What, Group, Pids} -> keep(Ref, [{What, Group, length(Pids)} | Told]);
        {get, From} -> From ! {self(), Told}, keep(Ref, Told)
    end.

%% What Phoenix.PubSub's adapter does: a process of that name in the group of that name, and what it sends.
adapter(Scope, Adapter) ->
    Pid = spawn(fun() -> forward([]) end),
    register(Adapter, Pid),
    pg:join(Scope, Adapter, Pid).

forward(Messages) ->
    receive
        {forward_to_local, Topic, Message, 'Elixir.Phoenix.PubSub'} -> forward([{Topic, Message} | Messages]);
        {get, From} -> From ! {self(), lists:reverse(Messages)}, forward(Messages)
    end.

forwarded(Adapter) ->
    Pid = whereis(Adapter),
    Pid ! {get, self()},
    receive {Pid, Messages} -> Messages end.

broadcast(Scope, Adapter, Topic, Message) ->
    [Pid ! {forward_to_local, Topic, Message, 'Elixir.Phoenix.PubSub'}
     || Pid <- pg:get_members(Scope, Adapter), node(Pid) =/= node()],
    ok.

direct(Adapter, Node, Topic, Message) ->
    {Adapter, Node} ! {forward_to_local, Topic, Message, 'Elixir.Phoenix.PubSub'},
    ok.

%% So many processes join groups, once or twice; some leave again, some end.
storm(Scope, Groups, Count) ->
    [storm(Scope, Groups) || _ <- lists:seq(1, Count)],
    ok.

storm(Scope, Groups) ->
    Pid = spawn(?MODULE, idle, []),
    Joined = [lists:nth(rand:uniform(length(Groups)), Groups) || _ <- lists:seq(1, rand:uniform(3))],
    [ok = pg:join(Scope, Group, Pid) || Group <- Joined],
    case rand:uniform(4) of
        1 -> Pid ! stop;
        2 -> ok = pg:leave(Scope, hd(Joined), Pid);
        _ -> ok
    end.

%% `{Group, Local, All}` of every group.
view(Scope) ->
    [{Group, pg:get_local_members(Scope, Group), pg:get_members(Scope, Group)} || Group <- pg:which_groups(Scope)].
