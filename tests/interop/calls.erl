%% gen_server's ways to ask and to tell.
-module(calls).
-compile([export_all, nowarn_export_all]).

ping_is_pong_test(Node) ->
    pong = net_adm:ping(Node).

the_node_is_seen_as_what_it_is_test(Node) ->
    Published = checks:is_published(),
    Published = lists:member(Node, nodes()),
    Published = not lists:member(Node, nodes(hidden)).

call_to_a_name_test(Node) ->
    42 = gen_server:call({echo, Node}, {echo, 42}).

call_to_a_pid_test(Node) ->
    hello = gen_server:call(echo(Node), {echo, hello}).

call_that_waits_for_ever_test(Node) ->
    hello = gen_server:call({echo, Node}, {echo, hello}, infinity).

call_without_arguments_test(Node) ->
    0 = gen_server:call({counter, Node}, {add, 0}) - gen_server:call({counter, Node}, get).

cast_to_a_name_and_to_a_pid_test(Node) ->
    Pid = echo(Node),
    ok = gen_server:cast({echo, Node}, {to, self(), first}),
    ok = gen_server:cast(Pid, {to, self(), second}),
    receive first -> ok end,
    receive second -> ok end.

cast_then_call_arrive_in_order_test(Node) ->
    ok = gen_server:cast({counter, Node}, reset),
    [ok = gen_server:cast({counter, Node}, {add, I}) || I <- lists:seq(1, 100)],
    5050 = gen_server:call({counter, Node}, get).

abcast_test(Node) ->
    abcast = gen_server:abcast([Node], counter, reset),
    0 = gen_server:call({counter, Node}, get),
    abcast = gen_server:abcast([Node], counter, {add, 3}),
    3 = gen_server:call({counter, Node}, get).

send_to_a_name_and_to_a_pid_test(Node) ->
    Pid = echo(Node),
    Pid ! {info, self(), by_pid, 1},
    receive {by_pid, 1, Pid} -> ok end,
    erlang:send({echo, Node}, {info, self(), by_name, 2}, [noconnect]),
    receive {by_name, 2, Pid} -> ok end.

what_goes_to_nobody_is_dropped_test(Node) ->
    {no_such_name, Node} ! hello,
    checks:nobody(Node) ! hello,
    gen_server:cast({no_such_name, Node}, hello),
    here = gen_server:call({echo, Node}, {echo, here}).

call_to_nobody_test(Node) ->
    {noproc, _} = catch_exit(fun() -> gen_server:call({no_such_name, Node}, hello) end),
    Nobody = checks:nobody(Node),
    {noproc, _} = catch_exit(fun() -> gen_server:call(Nobody, hello) end).

call_whose_process_ends_test(Node) ->
    [begin
         Pid = checks:plain(Node),
         Request = gen_server:send_request(Pid, hello),
         Pid ! {exit, Reason},
         {error, {Reason, Pid}} = gen_server:receive_response(Request, 40000)
     end || Reason <- [boom, normal, {shutdown, x}]].

multi_call_test(Node) ->
    {[{Node, hello}], []} = gen_server:multi_call([Node], echo, {echo, hello}),
    Nodes = lists:sort([Node, node()]),
    {Replies, []} = gen_server:multi_call(Nodes, net_kernel, {is_auth, node()}),
    [{N, yes} || N <- Nodes] =:= lists:sort(Replies) orelse error(Replies).

multi_call_with_timeout_test(Node) ->
    {[{Node, hello}], []} = gen_server:multi_call([Node], echo, {echo, hello}, 5000),
    {[], [Node]} = gen_server:multi_call([Node], no_such_name, hello, 5000),
    {[], [Node]} = gen_server:multi_call([Node], echo, {hold, multi}, 20),
    released_late(Node, multi).

multi_call_to_a_node_that_is_not_there_test(Node) ->
    {[{Node, hello}], [nobody@localhost]} =
        gen_server:multi_call([Node, nobody@localhost], echo, {echo, hello}).

send_request_then_receive_response_test(Node) ->
    Request = gen_server:send_request({echo, Node}, {echo, hello}),
    {reply, hello} = gen_server:receive_response(Request, 40000).

send_request_then_wait_response_test(Node) ->
    Request = gen_server:send_request(echo(Node), {hold, waits}),
    timeout = gen_server:wait_response(Request, 0),
    ok = gen_server:call({echo, Node}, {release, waits, hello}),
    {reply, hello} = gen_server:wait_response(Request, 40000).

send_request_then_check_response_test(Node) ->
    Request = gen_server:send_request({echo, Node}, {echo, hello}),
    receive
        Message ->
            no_reply = gen_server:check_response(something_else, Request),
            {reply, hello} = gen_server:check_response(Message, Request)
    end.

send_request_to_nobody_test(Node) ->
    Request = gen_server:send_request({no_such_name, Node}, hello),
    {error, {noproc, {no_such_name, Node}}} = gen_server:wait_response(Request, 40000).

a_collection_of_requests_test(Node) ->
    Collection = lists:foldl(
        fun(I, All) -> gen_server:send_request({echo, Node}, {later, 50 - I, I}, {label, I}, All) end,
        gen_server:reqids_new(), lists:seq(1, 50)),
    collect(Collection, 50).

collect(Collection, 0) ->
    no_request = gen_server:receive_response(Collection, 40000, true);
collect(Collection, Left) ->
    {{reply, I}, {label, I}, Rest} = gen_server:receive_response(Collection, 40000, true),
    collect(Rest, Left - 1).

a_late_reply_is_dropped_test(Node) ->
    {timeout, _} = catch_exit(fun() -> gen_server:call({echo, Node}, {hold, call}, 20) end),
    released_late(Node, call).

a_late_response_is_dropped_test(Node) ->
    Request = gen_server:send_request({echo, Node}, {hold, request}),
    timeout = gen_server:receive_response(Request, 20),
    released_late(Node, request).

other_calls_are_served_while_one_waits_test(Node) ->
    Slow = gen_server:send_request({echo, Node}, {hold, slow}),
    fast = gen_server:call({echo, Node}, {echo, fast}),
    timeout = gen_server:wait_response(Slow, 0),
    ok = gen_server:call({echo, Node}, {release, slow, slow}),
    {reply, slow} = gen_server:wait_response(Slow, 40000).

calls_of_many_processes_at_once_test(Node) ->
    Self = self(),
    [spawn_link(fun() ->
         [{done, I} = gen_server:call({echo, Node}, {tally, I}) || _ <- [1, 2]],
         Self ! {called, I}
     end) || I <- lists:seq(1, 500)],
    [receive {called, I} -> ok end || I <- lists:seq(1, 500)],
    Counts = gen_server:call({echo, Node}, {tally_get, lists:seq(0, 500)}),
    [{0, 0} | Twice] = Counts,
    [] = [Entry || {_, Count} = Entry <- Twice, Count rem 2 =/= 0 orelse Count =:= 0].

a_tag_of_any_form_comes_back_test(Node) ->
    Ref = make_ref(),
    Tags = [Ref, {Ref, Node}, 7, "tag", <<"tag">>, [], {}, [Ref], [Ref | Ref], #{tag => 1.0}, [alias], nil],
    [begin
         {echo, Node} ! {'$gen_call', {self(), Tag}, {echo, Tag}},
         receive {Tag, Tag} -> ok end
     end || Tag <- Tags].

an_alias_tag_is_answered_at_the_alias_test(Node) ->
    [begin
         Alias = alias(),
         Tag = Wrap([alias | Alias]),
         {echo, Node} ! {'$gen_call', {self(), Tag}, {echo, first}},
         receive {Tag, first} -> ok end,
         true = unalias(Alias),
         {echo, Node} ! {'$gen_call', {self(), Tag}, {echo, second}},
         here = gen_server:call({echo, Node}, {echo, here})
     end || Wrap <- [fun(A) -> A end, fun(A) -> [A] end, fun(A) -> [A, extra] end, fun(A) -> [A | extra] end]].

a_reply_goes_to_another_process_test(Node) ->
    Self = self(),
    Other = spawn_link(fun() -> receive Reply -> Self ! {forwarded, Reply} end end),
    {echo, Node} ! {'$gen_call', {Other, tag}, {echo, hello}},
    receive {forwarded, {tag, hello}} -> ok end.

messages_to_an_alias_test(Node) ->
    Pid = checks:plain(Node),
    Alias = alias(),
    Pid ! {send, Alias, hello},
    receive hello -> ok end,
    unalias(Alias),
    Pid ! {send, Alias, hello},
    checks:sync(Pid).

messages_to_a_name_test(Node) ->
    register(calls_name, self()),
    Pid = checks:plain(Node),
    Pid ! {send, {calls_name, node()}, hello},
    receive hello -> ok end,
    unregister(calls_name).

gen_statem_calls_the_same_way_test(Node) ->
    hello = gen_statem:call({echo, Node}, {echo, hello}).

a_server_that_stops_replies_first_test(Node) ->
    Ref = monitor(process, {counter, Node}),
    ok = gen_server:call({counter, Node}, {stop, {because, 1.0}}),
    receive {'DOWN', Ref, process, {counter, Node}, {because, 1.0}} -> ok end,
    {noproc, _} = catch_exit(fun() -> gen_server:call({counter, Node}, get) end).

echo(Node) ->
    {echo, Node} ! {info, self(), tag, term},
    receive {tag, term, Pid} -> Pid end.

%% A held call is answered, now that nobody waits for it any more. When this returns, the reply has come.
released_late(Node, Key) ->
    ok = gen_server:call({echo, Node}, {release, Key, late}),
    fence = gen_server:call({echo, Node}, {later, 20, fence}).

catch_exit(Fun) ->
    try Fun() of Value -> error({returned, Value}) catch exit:Reason -> Reason end.
