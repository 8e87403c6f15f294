%% Connections that are lost and made again.
-module(reconnects).
-compile([export_all, nowarn_export_all]).

twenty_times_test(Node) ->
    [begin
         true = erlang:disconnect_node(Node),
         checks:up(Node),
         I = gen_server:call({echo, Node}, {echo, I}),
         true = lists:member(Node, nodes(connected))
     end || I <- lists:seq(1, 20)].

twenty_times_with_processes_linked_and_monitored_test(Node) ->
    process_flag(trap_exit, true),
    [begin
         checks:up(Node),
         Worker = checks:worker(Node, self()),
         Ref = monitor(process, Worker),
         true = erlang:disconnect_node(Node),
         receive {'EXIT', Worker, noconnection} -> ok end,
         receive {'DOWN', Ref, process, Worker, noconnection} -> ok end
     end || _ <- lists:seq(1, 20)],
    checks:up(Node).

calls_in_flight_end_test(Node) ->
    Requests = [gen_server:send_request({echo, Node}, {later, 60000, never}) || _ <- lists:seq(1, 100)],
    here = gen_server:call({echo, Node}, {echo, here}),
    true = erlang:disconnect_node(Node),
    [{error, {noconnection, _}} = gen_server:receive_response(Request, 40000) || Request <- Requests],
    checks:up(Node).

rpc_in_flight_ends_test(Node) ->
    Request = erpc:send_request(Node, demo, sleep, [60000]),
    3 = erpc:call(Node, demo, sum, [1, 2]),
    true = erlang:disconnect_node(Node),
    {error, {erpc, noconnection}} =
        try erpc:receive_response(Request, 40000) catch Class:Reason -> {Class, Reason} end,
    checks:up(Node).

names_and_processes_live_on_test(Node) ->
    Pid = checks:plain(Node),
    true = erlang:disconnect_node(Node),
    checks:up(Node),
    checks:sync(Pid),
    Pid ! {exit, done}.
