%% What an Erlang node does with another one, each thing once, in the order of the protocol's own list: services, calls, signals,
%% terms. What is worth more than one look has a module of its own here.
-module(checklist).
-compile([export_all, nowarn_export_all]).

ping_test(Node) ->
    pong = net_adm:ping(Node),
    true = net_kernel:connect_node(Node),
    yes = gen_server:call({net_kernel, Node}, {is_auth, node()}).

supervisor_test(Node) ->
    [{specs, 3}, {active, 3}, {supervisors, 0}, {workers, 3}] = supervisor:count_children({sup, Node}).

global_sync_test(Node) ->
    pong = net_adm:ping(Node),
    ok = global:sync().

global_register_name_test(Node) ->
    pong = net_adm:ping(Node),
    Name = {?MODULE, name},
    yes = global:register_name(Name, self()),
    Pid = checks:plain(Node),
    no = global:register_name(Name, Pid),
    yes = global:re_register_name(Name, Pid), % a process there has a global name
    Pid = global:whereis_name(Name),
    Pid = global:send(Name, {send, self(), sent}),
    receive sent -> ok end,
    global:unregister_name(Name),
    undefined = global:whereis_name(Name),
    Pid ! {exit, done}.

global_name_of_a_process_that_ends_test(Node) ->
    Pid = checks:plain(Node),
    yes = global:register_name(?MODULE, Pid),
    Ref = monitor(process, Pid),
    Pid ! {exit, done},
    receive {'DOWN', Ref, process, Pid, done} -> ok end,
    wait_until(fun() -> undefined =:= global:whereis_name(?MODULE) end).

global_trans_test(Node) ->
    done = global:trans({?MODULE, self()}, fun() -> done end, [node(), Node | nodes()]),
    true = global:set_lock({?MODULE, self()}, [Node]),
    false = global:set_lock({?MODULE, other}, [Node], 0) andalso checks:is_published(),
    true = global:del_lock({?MODULE, self()}, [Node]),
    true = global:set_lock({?MODULE, other}, [Node], 0),
    true = global:del_lock({?MODULE, other}, [Node]).

rpc_call_test(Node) -> 3 = rpc:call(Node, demo, sum, [1, 2]).
rpc_cast_test(Node) -> true = rpc:cast(Node, demo, sum, [1, 2]).
erpc_call_test(Node) -> 3 = erpc:call(Node, demo, sum, [1, 2]).
erpc_cast_test(Node) -> ok = erpc:cast(Node, demo, sum, [1, 2]).

gen_server_call_test(Node) -> hello = gen_server:call({echo, Node}, {echo, hello}).

gen_server_cast_test(Node) ->
    ok = gen_server:cast({echo, Node}, {to, self(), hello}),
    receive hello -> ok end.

gen_server_multi_call_test(Node) ->
    {[{Node, hello}], []} = gen_server:multi_call([Node], echo, {echo, hello}).

gen_server_send_request_test(Node) ->
    {reply, hello} = gen_server:wait_response(gen_server:send_request({echo, Node}, {echo, hello}), 5000).

spawn_test(Node) -> obeys_and_ends(spawn(Node, demo, loop, [])).

spawn_link_test(Node) ->
    process_flag(trap_exit, true),
    Pid = spawn_link(Node, demo, loop, []),
    obeys_and_ends(Pid),
    receive {'EXIT', Pid, done} -> ok end.

spawn_request_test(Node) ->
    process_flag(trap_exit, true),
    [begin
         Request = spawn_request(Node, demo, loop, [], Options),
         Pid = receive {spawn_reply, Request, ok, Spawned} -> Spawned end,
         obeys_and_ends(Pid),
         lists:member(link, Options) andalso receive {'EXIT', Pid, done} -> ok end,
         lists:keymember(monitor, 1, [{monitor, []} || monitor <- Options] ++ [O || O <- Options, is_tuple(O)])
             andalso receive {'DOWN', Request, process, Pid, done} -> ok end
     end || Options <- [[], [link], [monitor], [link, monitor], [{priority, high}], [monitor, {priority, low}, link],
                        [{min_heap_size, 500}, {fullsweep_after, 5}, {message_queue_data, off_heap}, {max_heap_size, 0}, link]]].

spawn_request_with_an_alias_test(Node) ->
    Request = spawn_request(Node, demo, loop, [], [{monitor, [{alias, reply_demonitor}, {tag, mine}]}]),
    Pid = receive {spawn_reply, Request, ok, Spawned} -> Spawned end,
    Pid ! {send, Request, by_alias},
    receive by_alias -> ok end,
    Pid ! {exit, done}.

send_to_a_pid_test(Node) ->
    Pid = checks:plain(Node),
    Pid ! {send, self(), hello},
    receive hello -> ok end,
    Pid ! {exit, done}.

link_and_unlink_test(Node) ->
    process_flag(trap_exit, true),
    Pid = checks:plain(Node),
    link(Pid),
    unlink(Pid),
    link(Pid),
    obeys_and_ends(Pid),
    receive {'EXIT', Pid, done} -> ok end,
    Other = checks:plain(Node),
    link(Other),
    unlink(Other),
    obeys_and_ends(Other).

link_then_exit_test(Node) ->
    process_flag(trap_exit, true),
    [begin
         Pid = checks:plain(Node),
         link(Pid),
         Pid ! {exit, Reason},
         receive {'EXIT', Pid, Reason} -> ok end
     end || Reason <- [normal, shutdown, boom]].

monitor_by_pid_test(Node) ->
    Pid = checks:plain(Node),
    Ref = monitor(process, Pid),
    Pid ! {exit, boom},
    receive {'DOWN', Ref, process, Pid, boom} -> ok end.

monitor_by_name_test(Node) ->
    Ref = monitor(process, {no_such_name, Node}),
    receive {'DOWN', Ref, process, {no_such_name, Node}, noproc} -> ok end,
    true = demonitor(monitor(process, {echo, Node}), [flush]).

monitor_with_an_alias_test(Node) ->
    Pid = checks:plain(Node),
    Alias = monitor(process, Pid, [{alias, reply_demonitor}]),
    [Pid ! {send, Alias, Message} || Message <- [first, second]],
    checks:sync(Pid),
    receive first -> ok end, % the monitor and the alias end with it
    Pid ! {exit, done}.

exit_signal_test(Node) ->
    [begin
         Pid = checks:plain(Node),
         exit(Pid, normal), % changes nothing
         checks:sync(Pid),
         Ref = monitor(process, Pid),
         exit(Pid, Reason),
         receive {'DOWN', Ref, process, Pid, Down} -> Down = case Reason of kill -> killed; _ -> Reason end end
     end || Reason <- [boom, kill, {shutdown, 1.0}]].

group_leader_test(Node) ->
    Pid = spawn(Node, demo, loop, []),
    true = group_leader(self(), Pid),
    obeys_and_ends(Pid).

sys_get_state_test(Node) ->
    _ = sys:get_state({echo, Node}),
    _ = sys:get_state({echo, Node}, 5000).

sys_get_status_test(Node) ->
    {status, Pid, {module, _}, [Dictionary, running, Parent, Debug, _]} = sys:get_status({echo, Node}),
    true = is_list(Dictionary) andalso (is_pid(Parent) orelse is_atom(Parent)) andalso is_list(Debug),
    Node = node(Pid).

sys_suspend_and_resume_test(Node) ->
    ok = sys:suspend({echo, Node}),
    {status, _, _, [_, suspended | _]} = sys:get_status({echo, Node}),
    Request = gen_server:send_request({echo, Node}, {echo, hello}),
    timeout = gen_server:wait_response(Request, 50),
    ok = sys:resume({echo, Node}),
    {reply, hello} = gen_server:wait_response(Request, 40000).

sys_statistics_test(Node) ->
    ok = sys:statistics({echo, Node}, true),
    hello = gen_server:call({echo, Node}, {echo, hello}),
    {ok, Statistics} = sys:statistics({echo, Node}, get),
    true = proplists:get_value(messages_in, Statistics) >= 1,
    ok = sys:statistics({echo, Node}, false),
    {ok, no_statistics} = sys:statistics({echo, Node}, get).

sys_log_test(Node) ->
    ok = sys:log({echo, Node}, true),
    hello = gen_server:call({echo, Node}, {echo, hello}),
    {ok, [_ | _]} = sys:log({echo, Node}, get),
    ok = sys:log({echo, Node}, false).

pg_join_test(Node) ->
    pong = net_adm:ping(Node),
    {ok, Scope} = pg:start_link(?MODULE),
    Pid = checks:plain(Node),
    ok = pg:join(?MODULE, group, self()),
    [Self] = pg:get_members(?MODULE, group),
    Self = self(),
    {error, _} = try pg:join(?MODULE, group, Pid) catch error:_ -> {error, not_local} end, % a member joins where it runs
    ok = pg:leave(?MODULE, group, self()),
    unlink(Scope),
    exit(Scope, kill),
    Pid ! {exit, done}.

io_put_chars_test(Node) ->
    Leader = gen_server:call({spawner, Node}, {spawn_remote, node(), ?MODULE, leader, [self()]}, 5000),
    User = receive {leader, Leader, There} -> There end,
    Node = node(User),
    ok = io:put_chars(User, "checklist: put_chars\n"),
    ok = io:put_chars(User, <<"checklist: Zoë\n"/utf8>>),
    ok = io:format(User, "checklist: ~p ~ts~n", [{format, 1.0}, "Zoë"]),
    ok = io:nl(User),
    ok = io:requests(User, [{put_chars, unicode, "checklist: one, "}, {format, "~p", [two]}, nl]),
    {error, _} = io:request(User, no_such_request),
    [_ | _] = io:getopts(User).

leader(To) -> To ! {leader, self(), group_leader()}.

%% The leader of a process that the other node has spawned here is there: what it prints goes there.
io_of_a_process_with_a_leader_there_test(Node) ->
    Pid = gen_server:call({spawner, Node}, {spawn_remote, node(), ?MODULE, print, [self()]}, 5000),
    receive {printed, Pid, Leader} -> Node = node(Leader) end,
    group_leader(Leader, self()),
    ok = io:put_chars("checklist: printed here\n"),
    ok = io:format("checklist: ~tw~n", [[printed, here]]).

print(To) ->
    ok = io:put_chars("checklist: printed by a spawned process\n"),
    To ! {printed, self(), group_leader()}.

logger_test(Node) ->
    {logger, Node} ! {log, notice, "checklist: a log event of ~p", [node()], #{pid => self(), gl => self(), time => 0}},
    {logger, Node} ! {log, notice, #{checklist => report}, #{pid => self(), gl => self(), time => 0}},
    here = gen_server:call({echo, Node}, {echo, here}).

%% A message of a traced process: to a pid SEND_SENDER_TT (23) or SEND_TT (12), to a name REG_SEND_TT (16).
seq_trace_test(Node) ->
    seq_trace:set_token(label, {?MODULE, 1 bsl 70}),
    seq_trace:set_token(send, true),
    {echo, Node} ! {info, self(), to_a_name, traced},
    Echo = receive {to_a_name, traced, There} -> There end,
    seq_trace:set_token(label, 17),
    Echo ! {info, self(), to_a_pid, traced},
    receive {to_a_pid, traced, Echo} -> ok end,
    hello = gen_server:call({echo, Node}, {echo, hello}),
    seq_trace:set_token([]).

terms_of_every_type_test(Node) ->
    Ref = make_ref(),
    Closure = fun(X) -> {X, Ref} end,
    Terms = [fun lists:map/2, Closure, <<>>, <<1:1>>, <<"bytes", 5:3>>, 1 bsl 64, -(1 bsl 2000), 1.5, -0.0, 1.0e300, #{}, #{a => #{}},
             "string", lists:seq(1, 70000), [a | b], self(), Ref, hd(erlang:ports()), 'Zoë', '', true, nil, undefined, {}, []],
    [true = Term =:= gen_server:call({echo, Node}, {echo, Term}) || Term <- Terms],
    Terms = gen_server:call({echo, Node}, {echo, Terms}),
    {7, Ref} = (gen_server:call({echo, Node}, {echo, Closure}))(7).

%% OTP 29 has records of its own, which older releases cannot even compile.
a_native_record_comes_back_test(Node) ->
    case list_to_integer(erlang:system_info(otp_release)) >= 29 of
        true ->
            Record = native_record(),
            Record = gen_server:call({echo, Node}, {echo, Record}),
            {[Record], #{Record := Record}} = gen_server:call({echo, Node}, {echo, {[Record], #{Record => Record}}});
        false ->
            error = try native_record() catch error:_ -> error end
    end.

native_record() ->
    Forms = [begin
                 {ok, Tokens, _} = erl_scan:string(Line),
                 {ok, Form} = erl_parse:parse_form(Tokens),
                 Form
             end || Line <- ["-module(native_record).", "-export([make/0]).", "-record #r{a, b = 2}.", "make() -> #r{a = 1}."]],
    {ok, native_record, Code} = compile:forms(Forms),
    {module, native_record} = code:load_binary(native_record, "native_record", Code),
    apply(native_record, make, []).

aliases_test(Node) ->
    Pid = checks:plain(Node),
    Alias = alias(),
    Pid ! {send, Alias, hello},
    receive hello -> ok end,
    true = unalias(Alias),
    Pid ! {send, Alias, dropped},
    checks:sync(Pid),
    Once = alias([reply]),
    [Pid ! {send, Once, Message} || Message <- [first, second]],
    checks:sync(Pid),
    receive first -> ok end,
    Pid ! {exit, done}.

disconnect_test(Node) ->
    Pid = checks:plain(Node),
    monitor_node(Node, true),
    Ref = monitor(process, Pid),
    true = erlang:disconnect_node(Node),
    receive {nodedown, Node} -> ok end,
    receive {'DOWN', Ref, process, Pid, noconnection} -> ok end,
    checks:up(Node),
    checks:sync(Pid),
    Pid ! {exit, done}.

obeys_and_ends(Pid) ->
    Pid ! {send, self(), {obeys, Pid}},
    receive {obeys, Pid} -> ok end,
    Pid ! {exit, done}.

wait_until(Condition) ->
    case Condition() of
        true -> ok;
        false -> receive after 10 -> wait_until(Condition) end
    end.
