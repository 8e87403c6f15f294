%% What the other node does on its own account: the process spawner there calls, spawns and pings here.
-module(from_there).
-compile([export_all, nowarn_export_all]).

ping_test(Node) ->
    pong = spawner(Node, {ping, node()}),
    pang = spawner(Node, {ping, nobody@localhost}).

rpc_test(Node) ->
    [3, 2, 1] = spawner(Node, {rpc, node(), lists, reverse, [[1, 2, 3]]}),
    1.0 = spawner(Node, {rpc, node(), math, sqrt, [1]}),
    {error, boom} = spawner(Node, {rpc, node(), erlang, exit, [boom]}),
    {error, {error, undef}} = spawner(Node, {rpc, node(), no_such_module, f, [1]}),
    {error, {error, badarith}} = spawner(Node, {rpc, node(), erlang, 'div', [1, 0]}),
    {error, {error, #{why := 1.0}}} = spawner(Node, {rpc, node(), erlang, error, [#{why => 1.0}]}),
    {error, {throw, ball}} = spawner(Node, {rpc, node(), erlang, throw, [ball]}),
    {error, {nodedown, nobody@localhost}} = spawner(Node, {rpc, nobody@localhost, erlang, node, []}).

rpc_of_a_large_value_test(Node) ->
    Binary = spawner(Node, {rpc, node(), binary, copy, [<<7>>, 16 * 1024 * 1024]}),
    Binary = binary:copy(<<7>>, 16 * 1024 * 1024).

call_test(Node) ->
    yes = spawner(Node, {call, {net_kernel, node()}, {is_auth, Node}}),
    Reference = make_ref(),
    Server = server(fun(Request) -> {reply, {Request, Reference}} end),
    {hello, Reference} = spawner(Node, {call, Server, hello}),
    {{with, 1.0, "args"}, Reference} = spawner(Node, {call, Server, {with, 1.0, "args"}}),
    Server ! stop.

call_to_nobody_test(Node) ->
    {error, noproc} = spawner(Node, {call, {no_such_name, node()}, hello}),
    {Nobody, Ended} = spawn_monitor(fun() -> ok end),
    receive {'DOWN', Ended, process, Nobody, normal} -> ok end,
    {error, noproc} = spawner(Node, {call, Nobody, hello}),
    {error, {nodedown, nobody@localhost}} = spawner(Node, {call, {some_name, nobody@localhost}, hello}).

call_whose_process_ends_test(Node) ->
    [{error, Reason} = spawner(Node, {call, server(fun(_) -> exit(Reason) end), hello})
     || Reason <- checks:reasons(), Reason =/= noconnection].

spawn_test(Node) ->
    Pid = spawner(Node, {spawn_remote, node(), ?MODULE, introduce, [self()]}),
    true = node(Pid) =:= node(),
    receive {i_am, Pid} -> ok end,
    Dead = spawner(Node, {spawn_remote, node(), ?MODULE, no_such_function, []}),
    noproc = checks:ends(Dead).

%% What it spawns here has its group leader, which must answer.
what_it_spawns_can_print_test(Node) ->
    Pid = spawner(Node, {spawn_remote, node(), ?MODULE, print, [self()]}),
    receive {printed, Pid, Leader} -> Node = node(Leader) end.

introduce(To) -> To ! {i_am, self()}.

print(To) ->
    catch io:format("from ~p~n", [self()]),
    catch io:getopts(),
    To ! {printed, self(), group_leader()}.

spawner(Node, Request) ->
    gen_server:call({spawner, Node}, Request, 20000).

server(Handle) ->
    spawn(fun Loop() ->
        receive
            {'$gen_call', From, Request} ->
                {reply, Reply} = Handle(Request),
                gen:reply(From, Reply),
                Loop();
            stop ->
                ok
        end
    end).
