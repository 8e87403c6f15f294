%% Processes spawned there.
-module(spawns).
-compile([export_all, nowarn_export_all]).

spawn_test(Node) ->
    Pid = spawn(Node, demo, loop, []),
    Node = node(Pid),
    obeys(Pid),
    Pid ! {exit, done}.

spawn_link_test(Node) ->
    process_flag(trap_exit, true),
    Pid = spawn_link(Node, demo, loop, []),
    obeys(Pid),
    {links, [Pid]} = process_info(self(), links),
    Pid ! {exit, {shutdown, done}},
    receive {'EXIT', Pid, {shutdown, done}} -> ok end.

spawn_link_and_the_parent_ends_test(Node) ->
    Self = self(),
    {Parent, _} = spawn_monitor(fun() -> Self ! {child, spawn_link(Node, demo, loop, [])}, receive go -> exit(boom) end end),
    Pid = receive {child, Child} -> Child end,
    Ref = monitor(process, Pid),
    Parent ! go,
    receive {'DOWN', Ref, process, Pid, boom} -> ok end,
    receive {'DOWN', _, process, Parent, boom} -> ok end.

spawn_monitor_test(Node) ->
    {Pid, Ref} = spawn_monitor(Node, demo, loop, []),
    obeys(Pid),
    Pid ! {exit, [boom | 1.0]},
    receive {'DOWN', Ref, process, Pid, [boom | 1.0]} -> ok end.

spawn_opt_test(Node) ->
    process_flag(trap_exit, true),
    Options = [{priority, high}, {min_heap_size, 1000}, {min_bin_vheap_size, 1000}, {fullsweep_after, 10},
               {max_heap_size, 0}, {message_queue_data, off_heap}],
    obeys(Plain = spawn_opt(Node, demo, loop, [], Options)),
    Plain ! {exit, done},
    obeys(Linked = spawn_opt(Node, demo, loop, [], [link | Options])),
    Linked ! {exit, boom},
    receive {'EXIT', Linked, boom} -> ok end,
    {Both, Ref} = spawn_opt(Node, demo, loop, [], [link, monitor | Options]),
    obeys(Both),
    Both ! {exit, boom},
    receive {'EXIT', Both, boom} -> ok end,
    receive {'DOWN', Ref, process, Both, boom} -> ok end,
    {Tagged, TagRef} = spawn_opt(Node, demo, loop, [], [{monitor, [{tag, mine}]}]),
    Tagged ! {exit, boom},
    receive {mine, TagRef, process, Tagged, boom} -> ok end.

the_function_ends_test(Node) ->
    {Sum, SumRef} = spawn_monitor(Node, demo, sum, [1, 2]),
    receive {'DOWN', SumRef, process, Sum, normal} -> ok end,
    {Boom, BoomRef} = spawn_monitor(Node, demo, boom, []),
    receive {'DOWN', BoomRef, process, Boom, boom} -> ok end,
    {Failing, FailingRef} = spawn_monitor(Node, demo, sum, [a, b]),
    receive {'DOWN', FailingRef, process, Failing, {_, Stack}} -> true = is_list(Stack) orelse is_binary(Stack) end.

undefined_function_test(Node) ->
    process_flag(trap_exit, true),
    [begin
         Undef = {undef, [{M, F, A, []}]},
         true = is_pid(spawn(Node, M, F, A)),
         {Pid, Ref} = spawn_monitor(Node, M, F, A),
         receive {'DOWN', Ref, process, Pid, Undef} -> ok end,
         Linked = spawn_link(Node, M, F, A),
         receive {'EXIT', Linked, Undef} -> ok end
     end || {M, F, A} <- [{demo, nothing, [1, two]}, {demo, loop, [1]}, {no_such_module, f, []}]].

the_function_is_an_external_fun_test(Node) ->
    {Boom, BoomRef} = spawn_monitor(Node, fun demo:boom/0),
    receive {'DOWN', BoomRef, process, Boom, boom} -> ok end,
    Pid = spawn(Node, fun demo:loop/0),
    obeys(Pid),
    Pid ! {exit, done},
    {None, NoneRef} = spawn_monitor(Node, fun demo:nothing/0),
    receive {'DOWN', NoneRef, process, None, {undef, [{demo, nothing, [], []}]}} -> ok end.

what_apply_cannot_do_test(Node) ->
    [begin
         {Pid, Ref} = spawn_monitor(Node, erlang, apply, Args),
         receive {'DOWN', Ref, process, Pid, {Reason, [{erlang, apply, _, _} | _]}} -> ok end
     end || {Args, Reason} <- [{[fun demo:loop/0, [1]], {badarity, {fun demo:loop/0, [1]}}}, {[7, []], {badfun, 7}},
                               {[fun demo:loop/0, 7], badarg}, {[demo, loop, 7], badarg}, {[7, 8, 9], badarg}]].

proc_lib_test(Node) ->
    process_flag(trap_exit, true),
    obeys(Plain = proc_lib:spawn(Node, demo, loop, [])),
    Plain ! {exit, done},
    obeys(Linked = proc_lib:spawn_link(Node, demo, loop, [])),
    Linked ! {exit, shutdown},
    receive {'EXIT', Linked, shutdown} -> ok end,
    Opted = proc_lib:spawn_opt(Node, demo, loop, [], [link, {priority, high}]),
    obeys(Opted),
    Opted ! {exit, normal},
    receive {'EXIT', Opted, normal} -> ok end,
    External = proc_lib:spawn_link(Node, fun demo:loop/0),
    obeys(External),
    External ! {exit, {shutdown, done}},
    receive {'EXIT', External, {shutdown, done}} -> ok end,
    None = proc_lib:spawn_link(Node, demo, nothing, [1]),
    receive {'EXIT', None, {undef, [{demo, nothing, [1], []} | _]}} -> ok end,
    {Bad, Ref} = spawn_monitor(Node, proc_lib, init_p, [self(), [], 7, 8, 9]),
    receive {'DOWN', Ref, process, Bad, {_, Stack}} -> true = is_list(Stack) end.

spawn_request_test(Node) ->
    Request = spawn_request(Node, demo, loop, [], [monitor]),
    Pid = receive {spawn_reply, Request, ok, Spawned} -> Spawned end,
    obeys(Pid),
    Pid ! {exit, boom},
    receive {'DOWN', Request, process, Pid, boom} -> ok end.

spawn_request_with_options_test(Node) ->
    Tagged = spawn_request(Node, demo, loop, [], [{reply_tag, mine}]),
    receive {mine, Tagged, ok, First} -> First ! {exit, done} end,
    Silent = spawn_request(Node, demo, boom, [], [monitor, {reply, error_only}]),
    receive {'DOWN', Silent, process, _, boom} -> ok end,
    Unheard = spawn_request(Node, demo, boom, [], [monitor, {reply, no}]),
    receive {'DOWN', Unheard, process, _, boom} -> ok end,
    Abandoned = spawn_request(Node, demo, loop, [], [link]),
    case spawn_request_abandon(Abandoned) of
        true -> ok;
        false -> receive {spawn_reply, Abandoned, ok, Late} -> unlink(Late), Late ! {exit, done} end
    end.

spawn_request_then_demonitor_test(Node) ->
    Request = spawn_request(Node, demo, loop, [], [monitor]),
    Pid = receive {spawn_reply, Request, ok, Spawned} -> Spawned end,
    demonitor(Request),
    Other = monitor(process, Pid),
    Pid ! {exit, boom},
    receive {'DOWN', Other, process, Pid, boom} -> ok end.

an_option_that_nobody_knows_test(Node) ->
    Request = spawn_request(Node, demo, loop, [], [{no_such_option, 1}]),
    receive {spawn_reply, Request, error, badopt} -> ok end.

many_at_once_test(Node) ->
    Requests = [spawn_request(Node, demo, loop, [], [monitor]) || _ <- lists:seq(1, 1000)],
    Pids = [receive {spawn_reply, Request, ok, Pid} -> Pid end || Request <- Requests],
    1000 = length(lists:usort(Pids)),
    [Pid ! {exit, {done, Pid}} || Pid <- Pids],
    [receive {'DOWN', Request, process, Pid, {done, Pid}} -> ok end
     || {Request, Pid} <- lists:zip(Requests, Pids)].

the_group_leader_is_set_test(Node) ->
    Pid = spawn(Node, demo, loop, []),
    true = group_leader(self(), Pid),
    obeys(Pid),
    Pid ! {exit, done}.

the_connection_is_lost_test(Node) ->
    process_flag(trap_exit, true),
    {Pid, Ref} = spawn_opt(Node, demo, loop, [], [link, monitor]),
    obeys(Pid),
    erlang:disconnect_node(Node),
    receive {'EXIT', Pid, noconnection} -> ok end,
    receive {'DOWN', Ref, process, Pid, noconnection} -> ok end,
    checks:up(Node),
    noproc = checks:ends(Pid). % it was linked to us, and does not trap exits

obeys(Pid) ->
    Pid ! {send, self(), {obeys, Pid}},
    receive {obeys, Pid} -> ok end.
