%% What is ours: requests that no handler takes, and functions that a BEAM would have.
-module(refusals).
-compile([export_all, nowarn_export_all]).

a_request_that_nobody_handles_test(Node) ->
    refused(Node, {no_such_request, 1}),
    refused(Node, no_such_request),
    refused(Node, "text"),
    refused(Node, {}),
    refused(Node, {constructor, 1}),
    refused(Node, {'__proto__', 1}),
    here = gen_server:call({echo, Node}, {echo, here}).

arguments_that_do_not_parse_test(Node) ->
    {bad_request, [0], Message} = refused(Node, {big, not_a_number}),
    true = is_binary(Message),
    refused(Node, {tally, 1, 2}),
    refused(Node, tally),
    here = gen_server:call({echo, Node}, {echo, here}).

a_response_can_be_a_refusal_test(Node) ->
    Request = gen_server:send_request({echo, Node}, no_such_request),
    {error, {{bad_request, [], _}, {echo, Node}}} = gen_server:receive_response(Request, 40000).

a_cast_or_message_that_nobody_handles_is_dropped_test(Node) ->
    gen_server:cast({echo, Node}, no_such_request),
    gen_server:cast({echo, Node}, {to, not_a_pid, x}),
    {echo, Node} ! {no, one, expects, this},
    {echo, Node} ! {'$gen_call', not_a_from, hello},
    {echo, Node} ! {'$gen_cast', a, b},
    {echo, Node} ! {'EXIT', self(), boom},
    {echo, Node} ! {system, not_a_from, get_state},
    here = gen_server:call({echo, Node}, {echo, here}).

a_refused_caller_of_an_old_kind_hears_it_from_its_monitor_test(Node) ->
    Ref = monitor(process, {echo, Node}),
    {echo, Node} ! {'$gen_call', {self(), Ref}, no_such_request},
    receive {'DOWN', Ref, process, {echo, Node}, {bad_request, _, _}} -> ok end.

a_closure_cannot_run_there_test(Node) ->
    Closure = fun() -> ok end,
    Undef = {undef, [{erlang, apply, [Closure, []], []}]},
    {Pid, Ref} = spawn_monitor(Node, Closure),
    receive {'DOWN', Ref, process, Pid, Undef} -> ok end,
    {error, {exception, {badfun, <<"Cannot run a fun: ", _/binary>>}, [{erlang, apply, 2, []}]}} =
        try erpc:call(Node, Closure) catch Class:Reason -> {Class, Reason} end.

nothing_but_what_is_provided_can_be_called_test(Node) ->
    [{badrpc, {'EXIT', {undef, [{M, F, A, []}]}}} = rpc:call(Node, M, F, A)
     || {M, F, A} <- [{erlang, halt, []}, {erlang, node, []}, {os, cmd, ["id"]}, {demo, constructor, []},
                      {demo, '__proto__', []}, {constructor, constructor, []}, {erpc, no_such_function, []}]].

refused(Node, Request) ->
    try gen_server:call({echo, Node}, Request) of
        Reply -> error({answered, Reply})
    catch
        exit:{{bad_request, Path, Message}, {gen_server, call, _}} -> {bad_request, Path, Message}
    end.
