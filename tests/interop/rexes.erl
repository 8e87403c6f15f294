%% The process rex, which C nodes and nodes before OTP 23 call functions by, and parts of rpc to this day.
-module(rexes).
-compile([export_all, nowarn_export_all]).

features_test(Node) ->
    {rex, Node} ! {self(), features_request},
    receive {features_reply, Node, Features} -> true = lists:member(erpc, Features) end.

block_call_test(Node) ->
    3 = rpc:block_call(Node, demo, sum, [1, 2]),
    3 = rpc:block_call(Node, demo, sum, [1, 2], 5000),
    {badrpc, {'EXIT', boom}} = rpc:block_call(Node, demo, boom, []),
    {badrpc, {'EXIT', {undef, [{demo, nothing, [1], []} | _]}}} = rpc:block_call(Node, demo, nothing, [1]),
    {badrpc, timeout} = rpc:block_call(Node, demo, hold, [block_call], 20),
    ok = gen_server:call({echo, Node}, {release, block_call, late}),
    3 = rpc:block_call(Node, demo, sum, [1, 2]).

block_calls_keep_their_order_test(Node) ->
    Ask = fun(I, Asked) ->
        Request = {block_call, demo, sleep, [60 - 20 * I], group_leader()}, % the last would be the first to end
        gen_server:send_request({rex, Node}, Request, I, Asked)
    end,
    All = lists:foldl(Ask, gen_server:reqids_new(), [1, 2, 3]),
    {{reply, ok}, 1, Two} = gen_server:receive_response(All, 20000, true),
    {{reply, ok}, 2, One} = gen_server:receive_response(Two, 20000, true),
    {{reply, ok}, 3, _} = gen_server:receive_response(One, 20000, true).

the_old_call_test(Node) ->
    Call = fun(F, A) -> gen_server:call({rex, Node}, {call, demo, F, A, group_leader()}, 5000) end,
    3 = Call(sum, [1, 2]),
    3.5 = Call(sum, [1, 2.5]),
    ok = Call(sleep, [10]),
    {badrpc, {'EXIT', boom}} = Call(boom, []),
    {badrpc, {'EXIT', {undef, [{demo, nothing, [], []} | _]}}} = Call(nothing, []),
    {badrpc, {'EXIT', {_, Stack}}} = Call(sum, [a, b]),
    true = is_list(Stack).

the_old_cast_test(Node) ->
    ok = gen_server:cast({rex, Node}, {cast, demo, sum, [1, 2], group_leader()}),
    ok = gen_server:cast({rex, Node}, {cast, demo, boom, [], user}),
    ok = gen_server:cast({rex, Node}, {cast, demo, nothing, [], group_leader()}),
    3 = rpc:block_call(Node, demo, sum, [1, 2]).

call_of_a_c_node_test(Node) ->
    Call = fun(F, A) ->
        {rex, Node} ! {self(), {call, demo, F, A, user}},
        receive {rex, Result} -> Result end
    end,
    3 = Call(sum, [1, 2]),
    {badrpc, {'EXIT', boom}} = Call(boom, []),
    {badrpc, {'EXIT', {undef, [{no_such_module, f, [], []} | _]}}} =
        begin
            {rex, Node} ! {self(), {call, no_such_module, f, [], user}},
            receive {rex, Result} -> Result end
        end.

sbcast_and_abcast_test(Node) ->
    {[Node], []} = rpc:sbcast([Node], rex, {rexes, ignored}),
    {[], [Node]} = rpc:sbcast([Node], no_such_name, hello),
    {[], [nobody@localhost]} = rpc:sbcast([nobody@localhost], rex, hello),
    {[Node], [nobody@localhost]} = rpc:sbcast([nobody@localhost, Node], echo, {rexes, ignored}),
    Ref = make_ref(),
    {[Node], []} = rpc:sbcast([Node], echo, {info, self(), Ref, synchronous}),
    receive {Ref, synchronous, _} -> ok end,
    abcast = rpc:abcast([Node], echo, {info, self(), Ref, asynchronous}),
    receive {Ref, asynchronous, _} -> ok end.

send_test(Node) ->
    {rex, Node} ! {self(), {send, no_such_name, hello}},
    receive {rex, Node, {nonexisting_name, no_such_name}} -> ok end,
    {rex, Node} ! {self(), {send, rex, features_request}}, % which gets {self(), features_request}
    receive {features_reply, Node, _} -> ok end.

server_call_test(Node) ->
    Node = rpc:server_call(Node, rex, rex, {sbcast, echo, {rexes, ignored}}),
    {nonexisting_name, nobody} = rpc:server_call(Node, rex, rex, {sbcast, nobody, hello}),
    {error, nodedown} = rpc:server_call(Node, no_such_name, rex, hello),
    {[Node, Node], []} = rpc:multi_server_call([Node, Node], rex, {sbcast, echo, {rexes, ignored}}),
    {[], [Node]} = rpc:multi_server_call([Node], no_such_name, hello).

parallel_test(Node) ->
    Keys = [rpc:async_call(Node, demo, sum, [I, 1]) || I <- lists:seq(1, 100)],
    true = [I + 1 || I <- lists:seq(1, 100)] =:= [rpc:yield(Key) || Key <- Keys],
    Sums = rpc:parallel_eval([{erlang, abs, [-1]} || _ <- nodes()]),
    true = length(Sums) =:= length(nodes()),
    abcast = rpc:eval_everywhere([Node], demo, sum, [1, 2]).

pinfo_is_answered_test(Node) ->
    Pid = spawn(Node, demo, loop, []),
    case rpc:pinfo(Pid) of % what is not provided is undefined
        {badrpc, {'EXIT', {undef, _}}} -> ok;
        [_ | _] -> ok
    end,
    exit(Pid, kill).

rubbish_is_survived_test(Node) ->
    [{rex, Node} ! Term
     || Term <- [nothing, {}, {a, b}, {self(), {}}, {self(), {call}}, {self(), {sbcast, "no name", 1}},
                 {self(), {call, 1, 2, 3, 4}}, {'$gen_cast', {cast, 1, 2, 3, 4}}, {'$gen_cast', rubbish},
                 {'DOWN', make_ref(), process, self(), normal}, {'EXIT', self(), normal}]],
    receive {rex, Node, {nonexisting_name, "no name"}} -> ok end,
    receive {rex, {badrpc, {'EXIT', _}}} -> ok end,
    3 = rpc:block_call(Node, demo, sum, [1, 2]).
