%% Monitors, theirs and ours.
-module(monitors).
-compile([export_all, nowarn_export_all]).

the_reason_is_exact_test(Node) ->
    [begin
         Pid = checks:plain(Node),
         Ref = monitor(process, Pid),
         Pid ! {exit, Reason},
         receive {'DOWN', Ref, process, Pid, Down} -> Reason = Down end
     end || Reason <- checks:reasons()].

killed_test(Node) ->
    Pid = checks:plain(Node),
    Ref = monitor(process, Pid),
    exit(Pid, kill),
    receive {'DOWN', Ref, process, Pid, killed} -> ok end.

nobody_by_pid_test(Node) ->
    noproc = checks:ends(checks:nobody(Node)).

nobody_by_name_test(Node) ->
    Ref = monitor(process, {no_such_name, Node}),
    receive {'DOWN', Ref, process, {no_such_name, Node}, noproc} -> ok end.

names_that_are_special_here_test(Node) ->
    [begin
         Ref = monitor(process, {Name, Node}),
         receive {'DOWN', Ref, process, {Name, Node}, noproc} -> ok end
     end || Name <- [true, false, nil, 'an odd name', 'ä']].

two_monitors_are_two_messages_test(Node) ->
    Pid = checks:plain(Node),
    Refs = [monitor(process, Pid) || _ <- [1, 2]],
    Pid ! {exit, boom},
    [receive {'DOWN', Ref, process, Pid, boom} -> ok end || Ref <- Refs].

demonitored_then_exit_test(Node) ->
    Pid = checks:plain(Node),
    Ref = monitor(process, Pid),
    Other = monitor(process, Pid),
    true = demonitor(Ref),
    Pid ! {exit, boom},
    receive {'DOWN', Other, process, Pid, boom} -> ok end.

a_tag_and_an_alias_test(Node) ->
    Pid = checks:plain(Node),
    Ref = monitor(process, Pid, [{tag, {my, tag}}, {alias, reply_demonitor}]),
    Pid ! {send, Ref, hello},
    receive hello -> ok end,
    Pid ! {send, Ref, dropped},
    checks:sync(Pid),
    Tagged = monitor(process, Pid, [{tag, {my, tag}}]),
    Pid ! {exit, boom},
    receive {{my, tag}, Tagged, process, Pid, boom} -> ok end.

twenty_thousand_monitors_on_one_process_test(Node) ->
    Pid = checks:plain(Node),
    Refs = [monitor(process, Pid) || _ <- lists:seq(1, 40000)],
    checks:sync(Pid),
    Pid ! {exit, {shutdown, boom}},
    all_down(maps:from_keys(Refs, []), Pid).

%% In whatever order they come: each is searched for once.
all_down(Left, _) when map_size(Left) =:= 0 -> ok;
all_down(Left, Pid) ->
    receive
        {'DOWN', Ref, process, Pid, {shutdown, boom}} ->
            true = is_map_key(Ref, Left),
            all_down(maps:remove(Ref, Left), Pid)
    after 40000 -> error({missing, map_size(Left)})
    end.

twenty_thousand_monitors_taken_back_test(Node) ->
    Pid = checks:plain(Node),
    Refs = [monitor(process, Pid) || _ <- lists:seq(1, 40000)],
    [demonitor(Ref) || Ref <- Refs],
    checks:sync(Pid),
    Pid ! {exit, boom},
    noproc = ends_after(Pid).

the_connection_is_lost_test(Node) ->
    Pid = checks:plain(Node),
    Refs = [monitor(process, Pid), monitor(process, Pid)],
    ByName = monitor(process, {echo, Node}),
    monitor_node(Node, true),
    erlang:disconnect_node(Node),
    [receive {'DOWN', Ref, process, Pid, noconnection} -> ok end || Ref <- Refs],
    receive {'DOWN', ByName, process, {echo, Node}, noconnection} -> ok end,
    receive {nodedown, Node} -> ok end,
    checks:up(Node),
    checks:sync(Pid),
    Pid ! {exit, boom}.

nodeup_and_nodedown_test(Node) ->
    Type = case checks:is_published() of true -> visible; false -> hidden end,
    ok = net_kernel:monitor_nodes(true, [{node_type, Type}, nodedown_reason]),
    erlang:disconnect_node(Node),
    receive {nodedown, Node, Down} -> disconnect = proplists:get_value(nodedown_reason, Down) end,
    checks:up(Node),
    receive {nodeup, Node, Up} -> Type = proplists:get_value(node_type, Up) end,
    ok = net_kernel:monitor_nodes(false, [{node_type, Type}, nodedown_reason]).

%% Ours on theirs.

our_monitor_gives_the_exact_reason_test(Node) ->
    [begin
         Pid = spawn(fun() -> receive go -> exit(Reason) end end),
         Ref = watch(Node, Pid),
         Pid ! go,
         receive {watched, Ref, Pid, Down} -> Reason = Down end
     end || Reason <- checks:reasons()].

our_monitor_on_one_that_is_killed_test(Node) ->
    Pid = spawn(fun() -> receive after infinity -> ok end end),
    Ref = watch(Node, Pid),
    exit(Pid, kill),
    receive {watched, Ref, Pid, killed} -> ok end.

our_monitor_by_name_test(Node) ->
    Pid = spawn(fun() -> receive go -> exit(boom) end end),
    register(monitors_name, Pid),
    Ref = watch(Node, {monitors_name, node()}),
    Pid ! go,
    receive {watched, Ref, {monitors_name, Here}, boom} when Here =:= node() -> ok end.

our_monitor_on_nobody_test(Node) ->
    {Pid, Ended} = spawn_monitor(fun() -> ok end),
    receive {'DOWN', Ended, process, Pid, normal} -> ok end,
    ByPid = watch(Node, Pid),
    receive {watched, ByPid, Pid, noproc} -> ok end,
    ByName = watch(Node, {no_such_name, node()}),
    receive {watched, ByName, {no_such_name, _}, noproc} -> ok end.

our_monitor_on_a_node_that_is_not_there_test(Node) ->
    Ref = watch(Node, {some_name, nobody@localhost}),
    receive {watched, Ref, {some_name, nobody@localhost}, noconnection} -> ok end.

our_monitor_taken_back_test(Node) ->
    Pid = spawn(fun() -> receive go -> exit(boom) end end),
    Ref = watch(Node, Pid),
    Other = watch(Node, Pid),
    ok = gen_server:call({echo, Node}, {unwatch, Ref}),
    Pid ! go,
    receive {watched, Other, Pid, boom} -> ok end,
    ok = gen_server:call({echo, Node}, {unwatch, Other}).

%% What it sends when it has seen the connection go makes a new one.
our_monitor_when_the_connection_is_lost_test(Node) ->
    Pid = spawn(fun() -> receive go -> exit(boom) end end),
    Ref = watch(Node, Pid),
    erlang:disconnect_node(Node),
    receive {watched, Ref, Pid, noconnection} -> ok end,
    Pid ! go.

watch(Node, Target) ->
    Ref = gen_server:call({echo, Node}, {watch, Target}),
    true = is_reference(Ref),
    Ref.

%% Pid ends after all that was sent to it: whoever asks then finds nobody.
ends_after(Pid) ->
    case checks:ends(Pid) of
        noproc -> noproc;
        _ -> ends_after(Pid)
    end.
