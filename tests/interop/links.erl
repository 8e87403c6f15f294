%% Links and exit signals, both ways.
-module(links).
-compile([export_all, nowarn_export_all]).

theirs_ends_and_we_trap_test(Node) ->
    process_flag(trap_exit, true),
    [begin
         Pid = checks:plain(Node),
         link(Pid),
         Pid ! {exit, Reason},
         receive {'EXIT', Pid, Down} -> Reason = Down end
     end || Reason <- checks:reasons()].

theirs_ends_and_we_do_not_trap_test(Node) ->
    [begin
         Pid = checks:plain(Node),
         {Mine, Ref} = linked_to(Pid),
         Pid ! {exit, Reason},
         receive {'DOWN', Ref, process, Mine, Down} -> Reason = Down end
     end || Reason <- checks:reasons(), Reason =/= normal],
    Pid = checks:plain(Node),
    {Mine, Ref} = linked_to(Pid),
    Pid ! {exit, normal},
    noproc_or_normal(checks:ends(Pid)),
    Mine ! {lives, self()},
    receive {Mine, lives} -> ok end,
    exit(Mine, kill),
    receive {'DOWN', Ref, process, Mine, killed} -> ok end.

ours_ends_and_theirs_traps_test(Node) ->
    [begin
         Pid = trapping(Node),
         Mine = spawn(fun() -> link(Pid), receive go -> exit(Reason) end end),
         Mine ! go,
         receive {trapped, Mine, Down} -> Reason = Down end,
         Pid ! {exit, done}
     end || Reason <- checks:reasons()].

ours_ends_and_theirs_does_not_trap_test(Node) ->
    [begin
         Pid = checks:plain(Node),
         Ref = monitor(process, Pid),
         spawn(fun() -> link(Pid), exit(Reason) end),
         receive {'DOWN', Ref, process, Pid, Down} -> Reason = Down end
     end || Reason <- checks:reasons(), Reason =/= normal],
    Pid = checks:plain(Node),
    spawn_monitor(fun() -> link(Pid), exit(normal) end),
    receive {'DOWN', _, process, _, normal} -> ok end,
    checks:sync(Pid),
    Pid ! {exit, done}.

theirs_has_linked_itself_test(Node) ->
    process_flag(trap_exit, true),
    Worker = checks:worker(Node, self()),
    true = lists:member(Worker, linked()),
    Worker ! {exit, {shutdown, done}},
    receive {'EXIT', Worker, {shutdown, done}} -> ok end,
    [] = linked().

theirs_has_linked_itself_and_ours_ends_test(Node) ->
    Self = self(),
    {Mine, _} = spawn_monitor(fun() -> Self ! {worker, checks:worker(Node, self())}, receive go -> exit(boom) end end),
    Worker = receive {worker, Pid} -> Pid end,
    Ref = monitor(process, Worker),
    Mine ! go,
    receive {'DOWN', Ref, process, Worker, boom} -> ok end,
    receive {'DOWN', _, process, Mine, boom} -> ok end.

theirs_links_itself_to_nobody_test(Node) ->
    {Nobody, _} = spawn_monitor(fun() -> ok end),
    receive {'DOWN', _, process, Nobody, normal} -> ok end,
    Worker = checks:worker(Node, Nobody),
    true = lists:member(checks:ends(Worker), [noproc]).

link_to_nobody_test(Node) ->
    process_flag(trap_exit, true),
    Nobody = checks:nobody(Node),
    link(Nobody),
    receive {'EXIT', Nobody, noproc} -> ok end.

a_link_from_both_ends_is_one_test(Node) ->
    process_flag(trap_exit, true),
    Worker = checks:worker(Node, self()),
    link(Worker),
    link(Worker),
    checks:sync(Worker),
    [Worker] = linked(),
    Worker ! {exit, boom},
    receive {'EXIT', Worker, boom} -> ok end.

unlinked_then_theirs_ends_test(Node) ->
    process_flag(trap_exit, true),
    Pid = checks:plain(Node),
    link(Pid),
    unlink(Pid),
    Pid ! {exit, boom},
    noproc_or(boom, checks:ends(Pid)),
    [] = linked().

unlinked_then_ours_ends_test(Node) ->
    Pid = checks:plain(Node),
    spawn_monitor(fun() -> link(Pid), unlink(Pid), exit(boom) end),
    receive {'DOWN', _, process, _, boom} -> ok end,
    checks:sync(Pid),
    Pid ! {exit, done}.

unlinked_and_linked_again_test(Node) ->
    process_flag(trap_exit, true),
    Pid = checks:plain(Node),
    [begin link(Pid), unlink(Pid) end || _ <- lists:seq(1, 100)],
    link(Pid),
    Pid ! {exit, boom},
    receive {'EXIT', Pid, boom} -> ok end.

theirs_ends_while_we_unlink_test(Node) ->
    process_flag(trap_exit, true),
    [begin
         Pid = checks:plain(Node),
         link(Pid),
         Pid ! {exit, boom},
         unlink(Pid),
         receive {'EXIT', Pid, _} -> ok after 0 -> ok end,
         noproc_or(boom, checks:ends(Pid))
     end || _ <- lists:seq(1, 50)],
    [] = linked().

%% exit/2

exit_signal_to_one_that_does_not_trap_test(Node) ->
    [begin
         Pid = checks:plain(Node),
         Ref = monitor(process, Pid),
         exit(Pid, Reason),
         receive {'DOWN', Ref, process, Pid, Down} -> Reason = Down end
     end || Reason <- checks:reasons(), Reason =/= normal, Reason =/= kill],
    Pid = checks:plain(Node),
    exit(Pid, normal),
    checks:sync(Pid),
    Pid ! {exit, done}.

exit_signal_to_one_that_traps_test(Node) ->
    Pid = trapping(Node),
    Self = self(),
    [begin
         exit(Pid, Reason),
         receive {trapped, Self, Down} -> Reason = Down end
     end || Reason <- checks:reasons(), Reason =/= kill],
    Ref = monitor(process, Pid),
    exit(Pid, kill),
    receive {'DOWN', Ref, process, Pid, killed} -> ok end.

exit_signal_to_a_server_that_traps_test(Node) ->
    {echo, Node} ! {info, self(), tag, term},
    receive {tag, term, Echo} -> ok end,
    exit(Echo, boom),
    here = gen_server:call(Echo, {echo, here}).

exit_signal_to_nobody_test(Node) ->
    exit(checks:nobody(Node), boom),
    here = gen_server:call({echo, Node}, {echo, here}).

a_signal_comes_after_the_messages_before_it_test(Node) ->
    Pid = checks:plain(Node),
    Ref = monitor(process, Pid),
    [Pid ! {send, self(), I} || I <- lists:seq(1, 100)],
    checks:sync(Pid),
    exit(Pid, boom),
    [receive I -> ok end || I <- lists:seq(1, 100)],
    receive {'DOWN', Ref, process, Pid, boom} -> ok end.

%% The connection is lost

the_connection_is_lost_and_we_trap_test(Node) ->
    process_flag(trap_exit, true),
    Worker = checks:worker(Node, self()),
    Pid = checks:plain(Node),
    link(Pid),
    erlang:disconnect_node(Node),
    receive {'EXIT', Worker, noconnection} -> ok end,
    receive {'EXIT', Pid, noconnection} -> ok end,
    checks:up(Node),
    noproc = checks:ends(Worker), % it was linked, and does not trap exits
    noproc = checks:ends(Pid).

%% What it sends when it has seen the connection go makes a new one.
the_connection_is_lost_and_theirs_traps_test(Node) ->
    process_flag(trap_exit, true),
    Pid = trapping(Node),
    link(Pid),
    checks:sync(Pid),
    Self = self(),
    erlang:disconnect_node(Node),
    receive {'EXIT', Pid, noconnection} -> ok end,
    receive {trapped, Self, noconnection} -> ok end,
    Pid ! {exit, done}.

%% A process there that traps exits and reports them to us.
trapping(Node) ->
    Pid = checks:plain(Node),
    Pid ! {trap, self()},
    receive trapping -> ok end,
    checks:sync(Pid),
    Pid.

%% A process here that is linked to Pid, with our monitor.
linked_to(Pid) ->
    Self = self(),
    {Mine, Ref} = spawn_monitor(fun() ->
        link(Pid),
        Self ! {self(), linked},
        (fun Loop() -> receive {lives, From} -> From ! {self(), lives}, Loop() end end)()
    end),
    receive {Mine, linked} -> ok end,
    {Mine, Ref}.

linked() ->
    {links, Links} = process_info(self(), links),
    [Pid || Pid <- Links, is_pid(Pid)].

noproc_or_normal(Reason) -> noproc_or(normal, Reason).

noproc_or(Reason, Reason) -> ok;
noproc_or(_, noproc) -> ok.
