%% The supervisor `sup`, asked and told what there is to ask and tell by OTP's modules supervisor and sys.
-module(supervisors).
-compile([export_all, nowarn_export_all]).

sup(Node) -> {sup, Node}.

child(Node, Id) ->
    {Id, Pid, worker, [_]} = lists:keyfind(Id, 1, supervisor:which_children(sup(Node))),
    Pid.

which_children_test(Node) ->
    [{crasher, C, worker, [M]}, {b, B, worker, [N]}, {a, A, worker, [N]}] = supervisor:which_children(sup(Node)),
    [Node, Node, Node] = [node(Pid) || Pid <- [A, B, C]],
    true = is_atom(M) andalso is_atom(N),
    0 = gen_server:call(A, get).

which_child_test(Node) ->
    A = child(Node, a),
    case erlang:function_exported(supervisor, which_child, 2) of
        true -> % OTP 28
            {ok, {a, A, worker, [_]}} = supervisor:which_child(sup(Node), a),
            {error, not_found} = supervisor:which_child(sup(Node), nobody);
        false -> ok
    end.

count_children_test(Node) ->
    [{specs, 3}, {active, 3}, {supervisors, 0}, {workers, 3}] = supervisor:count_children(sup(Node)).

get_childspec_test(Node) ->
    {ok, #{id := a, start := {M, F, Args}, restart := permanent, shutdown := 5000, type := worker, modules := [M],
           significant := false} = Spec} = supervisor:get_childspec(sup(Node), a),
    true = is_atom(F) andalso is_list(Args),
    7 = map_size(Spec),
    {error, not_found} = supervisor:get_childspec(sup(Node), nobody).

terminate_restart_and_delete_child_test(Node) ->
    Sup = sup(Node),
    Pid = child(Node, b),
    Ref = monitor(process, Pid),
    {error, running} = supervisor:restart_child(Sup, b),
    {error, running} = supervisor:delete_child(Sup, b),
    ok = supervisor:terminate_child(Sup, b),
    receive {'DOWN', Ref, process, Pid, shutdown} -> ok end,
    undefined = child(Node, b),
    [{specs, 3}, {active, 2}, {supervisors, 0}, {workers, 3}] = supervisor:count_children(Sup),
    ok = supervisor:terminate_child(Sup, b),
    {ok, Again} = supervisor:restart_child(Sup, b),
    Again = child(Node, b),
    [{error, not_found} = supervisor:F(Sup, nobody) || F <- [terminate_child, restart_child, delete_child]].

start_child_test(Node) ->
    Sup = sup(Node),
    {ok, Spec} = supervisor:get_childspec(Sup, a),
    {ok, Pid} = supervisor:start_child(Sup, Spec#{id := c, restart := temporary}),
    Pid = child(Node, c),
    5 = gen_server:call(Pid, {add, 5}),
    {error, {already_started, Pid}} = supervisor:start_child(Sup, Spec#{id := c}),
    [{c, Pid, _, _} | _] = supervisor:which_children(Sup),
    ok = supervisor:terminate_child(Sup, c),
    {error, not_found} = supervisor:terminate_child(Sup, c),
    #{start := Start, modules := Modules} = Spec,
    {ok, Old} = supervisor:start_child(Sup, {{any, <<"term">>}, Start, permanent, brutal_kill, worker, Modules}),
    {ok, #{restart := permanent, shutdown := brutal_kill}} = supervisor:get_childspec(Sup, {any, <<"term">>}),
    Ref = monitor(process, Old),
    ok = supervisor:terminate_child(Sup, {any, <<"term">>}),
    receive {'DOWN', Ref, process, Old, killed} -> ok end,
    {error, already_present} = supervisor:start_child(Sup, Spec#{id := {any, <<"term">>}}),
    ok = supervisor:delete_child(Sup, {any, <<"term">>}).

start_child_that_is_wrong_test(Node) ->
    Sup = sup(Node),
    {ok, #{start := Start} = Spec} = supervisor:get_childspec(Sup, a),
    [{error, Reason} = supervisor:start_child(Sup, Wrong)
     || {Wrong, Reason} <- [{none, {invalid_child_spec, none}},
                            {#{start => Start}, missing_id},
                            {#{id => c}, missing_start},
                            {#{id => c, start => {a, b}}, {invalid_mfa, {a, b}}},
                            {Spec#{id := c, restart := always}, {invalid_restart_type, always}},
                            {Spec#{id := c, shutdown := -1}, {invalid_shutdown, -1}},
                            {Spec#{id := c, type := boss}, {invalid_child_type, boss}},
                            {Spec#{id := c, modules := m}, {invalid_modules, m}},
                            {Spec#{id := c, modules := [1]}, {invalid_module, 1}},
                            {Spec#{id := c, significant := 1}, {invalid_significant, 1}},
                            {Spec#{id := c, significant := true},
                             {bad_combination, [{auto_shutdown, never}, {significant, true}]}}]],
    Nothing = {no_such_module, start_link, [1]},
    {error, {{'EXIT', {undef, [{no_such_module, start_link, [1], []} | _]}},
             {child, undefined, c, Nothing, permanent, false, 5000, worker, [no_such_module]}}} =
        supervisor:start_child(Sup, #{id => c, start => Nothing}),
    [{specs, 3} | _] = supervisor:count_children(Sup).

a_child_that_crashes_is_restarted_test(Node) ->
    [begin
         Pid = child(Node, crasher),
         Ref = monitor(process, Pid),
         Crash(Pid),
         receive {'DOWN', Ref, process, Pid, Reason} -> true = Is(Reason) end,
         wait_until(fun() -> New = child(Node, crasher), is_pid(New) andalso New =/= Pid end)
     end || {Crash, Is} <-
                [{fun(P) -> {'EXIT', {{any, [term, 1.0]}, _}} = (catch gen_server:call(P, {exit, {any, [term, 1.0]}})) end,
                  fun(R) -> R =:= {any, [term, 1.0]} end},
                 {fun(P) -> gen_server:cast(P, throw) end, fun(R) -> is_tuple(R) end}]].

too_many_restarts_end_it_test(Node) ->
    Sup = sup(Node),
    Ref = monitor(process, Sup),
    crash_until(Node, Ref, shutdown),
    wait_until(fun() -> is_list(catch supervisor:which_children(Sup)) end), % its own supervisor has started it again
    which_children_test(Node).

crash_until(Node, Ref, Reason) ->
    receive
        {'DOWN', Ref, process, _, Reason} -> ok
    after 0 ->
        try gen_server:cast(child(Node, crasher), {exit, boom}) catch exit:_ -> ok; error:_ -> ok end,
        crash_until(Node, Ref, Reason)
    end.

sys_test(Node) ->
    Sup = sup(Node),
    _ = sys:get_state(Sup),
    {status, Pid, {module, gen_server}, [Dictionary, running, Parent, [], Items]} = sys:get_status(Sup),
    true = is_list(Dictionary) andalso is_pid(Parent),
    [{header, "Status for generic server sup"}, {data, _}, {data, [{"State", _}]} | Rest] = Items,
    Module = supervisor:get_callback_module(Pid),
    true = is_atom(Module) andalso (Rest =:= [{supervisor, [{"Callback", Module}]}] orelse Rest =:= []), % nothing in OTP 29
    ok = sys:suspend(Sup),
    {status, Pid, _, [_, suspended | _]} = sys:get_status(Sup),
    Request = gen_server:send_request(Sup, count_children),
    timeout = gen_server:wait_response(Request, 50),
    ok = sys:resume(Sup),
    {reply, [{specs, 3} | _]} = gen_server:wait_response(Request, 40000).

what_nobody_expects_does_no_harm_test(Node) ->
    sup(Node) ! {what, is, this},
    sup(Node) ! {'EXIT', self(), boom},
    sup(Node) ! {'EXIT', not_a_pid, boom},
    count_children_test(Node).

wait_until(Fun) ->
    case Fun() of
        true -> ok;
        _ -> receive after 10 -> wait_until(Fun) end
    end.
