%% Functions called there: rpc and erpc.
-module(rpcs).
-compile([export_all, nowarn_export_all]).

value_test(Node) ->
    3 = rpc:call(Node, demo, sum, [1, 2]),
    3 = erpc:call(Node, demo, sum, [1, 2]),
    3 = erpc:call(Node, demo, sum, [1, 2], 5000),
    [Sum = erpc:call(Node, demo, sum, [A, B])
     || {A, B, Sum} <- [{1, 2.5, 3.5}, {1.5, 2.5, 4.0}, {1.0, 2, 3.0}, {0.0, 0, 0.0}, {-7, 3, -4},
                        {1 bsl 53, 1, (1 bsl 53) + 1}, {1 bsl 70, -1, (1 bsl 70) - 1}, {1 bsl 70, -(1 bsl 70), 0}]].

waits_for_the_value_test(Node) ->
    ok = rpc:call(Node, demo, sleep, [100], 5000),
    ok = erpc:call(Node, demo, sleep, [100], 5000).

undefined_function_test(Node) ->
    [begin
         {badrpc, {'EXIT', {undef, [{M, F, A, []} | _]}}} = rpc:call(Node, M, F, A),
         {error, {exception, undef, [{M, F, A, []} | _]}} = caught(fun() -> erpc:call(Node, M, F, A) end)
     end || {M, F, A} <- [{demo, nothing, [1, two]}, {demo, sum, [1]}, {demo, sum, [1, 2, 3]},
                          {no_such_module, f, []}, {'no such', 'module ä', [[]]}]].

exit_test(Node) ->
    {badrpc, {'EXIT', boom}} = rpc:call(Node, demo, boom, []),
    {exit, {exception, boom}} = caught(fun() -> erpc:call(Node, demo, boom, []) end).

error_test(Node) ->
    {badrpc, {'EXIT', {_, Stack}}} = rpc:call(Node, demo, sum, [a, b]),
    true = is_list(Stack),
    {error, {exception, _, ErpcStack}} = caught(fun() -> erpc:call(Node, demo, sum, [a, b]) end),
    true = is_list(ErpcStack).

timeout_test(Node) ->
    {badrpc, timeout} = rpc:call(Node, demo, hold, [rpc], 20),
    released_late(Node, rpc),
    {error, {erpc, timeout}} = caught(fun() -> erpc:call(Node, demo, hold, [erpc], 20) end),
    released_late(Node, erpc).

cast_test(Node) ->
    true = rpc:cast(Node, demo, sum, [1, 2]),
    ok = erpc:cast(Node, demo, sum, [1, 2]),
    ok = erpc:cast(Node, demo, boom, []),
    ok = erpc:cast(Node, demo, nothing, []),
    ok = erpc:multicast([Node], demo, sum, [1, 2]),
    3 = erpc:call(Node, demo, sum, [1, 2]).

multicall_test(Node) ->
    [{ok, 3}, {ok, 3}] = erpc:multicall([Node, Node], demo, sum, [1, 2]),
    [{exit, {exception, boom}}] = erpc:multicall([Node], demo, boom, []),
    [{error, {exception, undef, [{demo, nothing, [], []} | _]}}] = erpc:multicall([Node], demo, nothing, []),
    [{error, {erpc, timeout}}] = erpc:multicall([Node], demo, hold, [multicall], 20),
    released_late(Node, multicall),
    [{ok, 3}, {error, {erpc, noconnection}}] = erpc:multicall([Node, nobody@localhost], demo, sum, [1, 2]),
    {[3], []} = rpc:multicall([Node], demo, sum, [1, 2]),
    {[3], [nobody@localhost]} = rpc:multicall([Node, nobody@localhost], demo, sum, [1, 2]).

send_request_test(Node) ->
    3 = erpc:receive_response(erpc:send_request(Node, demo, sum, [1, 2])),
    Request = erpc:send_request(Node, demo, hold, [request]),
    no_response = erpc:wait_response(Request, 0),
    release(Node, request, ok),
    {response, ok} = erpc:wait_response(Request, 40000),
    Checked = erpc:send_request(Node, demo, sum, [1, 2]),
    receive Message -> {response, 3} = erpc:check_response(Message, Checked) end,
    {exit, {exception, boom}} = caught(fun() ->
        erpc:receive_response(erpc:send_request(Node, demo, boom, []))
    end).

async_call_test(Node) ->
    Key = rpc:async_call(Node, demo, hold, [async]),
    timeout = rpc:nb_yield(Key),
    release(Node, async, ok),
    ok = rpc:yield(Key),
    {badrpc, {'EXIT', boom}} = rpc:yield(rpc:async_call(Node, demo, boom, [])).

many_at_once_test(Node) ->
    Requests = [{I, erpc:send_request(Node, demo, sum, [I, 1])} || I <- lists:seq(1, 1000)],
    [Sum = I + 1 || {I, Request} <- Requests, Sum <- [erpc:receive_response(Request, 20000)]].

large_arguments_and_value_test(Node) ->
    {badrpc, {'EXIT', {undef, [{demo, nothing, [Large], []} | _]}}} =
        rpc:call(Node, demo, nothing, [rand:bytes(2 * 1024 * 1024)]),
    true = is_binary(Large).

%% The processes that were to answer such requests before OTP 23: what matters is that none hangs.
the_old_ways_are_answered_test(Node) ->
    case rpc:block_call(Node, demo, sum, [1, 2]) of
        3 -> ok;
        {badrpc, _} -> ok
    end,
    case rpc:sbcast([Node], no_such_name, hello) of
        {[], [Node]} -> ok
    end.

%% A held function returns, now that nobody waits for its value any more: it is dropped.
released_late(Node, Key) ->
    release(Node, Key, late),
    ok = erpc:call(Node, demo, sleep, [20]).

%% Lets a held function return.
release(Node, Key, Value) ->
    ok = gen_server:call({echo, Node}, {release, Key, Value}).

caught(Fun) ->
    try Fun() of Value -> {returned, Value} catch Class:Reason -> {Class, Reason} end.
