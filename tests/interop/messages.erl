%% Order, size and number of messages.
-module(messages).
-compile([export_all, nowarn_export_all]).

-define(MANY, 5000).

four_senders_are_heard_in_order_test(Node) ->
    Pid = checks:plain(Node),
    Self = self(),
    [spawn_link(fun() -> [Pid ! {send, Self, {Sender, I}} || I <- lists:seq(1, ?MANY)] end)
     || Sender <- lists:seq(1, 4)],
    in_order().

four_processes_there_answer_in_order_test(Node) ->
    Pids = [{Sender, checks:plain(Node)} || Sender <- lists:seq(1, 4)],
    [Pid ! {send, self(), {Sender, I}} || I <- lists:seq(1, ?MANY), {Sender, Pid} <- Pids],
    in_order().

casts_and_messages_to_one_process_keep_their_order_test(Node) ->
    [case I rem 2 of
         0 -> gen_server:cast({echo, Node}, {to, self(), I});
         1 -> {echo, Node} ! {info, self(), I, same}
     end || I <- lists:seq(1, ?MANY)],
    [receive
         I -> 0 = I rem 2;
         {I, same, _} -> 1 = I rem 2
     after 40000 -> error({missing, I})
     end || I <- lists:seq(1, ?MANY)].

calls_in_a_row_test(Node) ->
    [I = gen_server:call({echo, Node}, {echo, I}) || I <- lists:seq(1, 2000)].

a_binary_of_16_MiB_goes_there_and_back_test(Node) ->
    Binary = rand:bytes(16 * 1024 * 1024),
    Binary = gen_server:call({echo, Node}, {echo, Binary}, 40000).

a_binary_of_16_MiB_is_made_there_test(Node) ->
    Size = 16 * 1024 * 1024,
    Binary = gen_server:call({echo, Node}, {big, Size}, 40000),
    Size = byte_size(Binary),
    Binary = binary:copy(<<7>>, Size).

many_binaries_at_once_test(Node) ->
    Binaries = [rand:bytes(1024 * 1024) || _ <- lists:seq(1, 16)],
    Requests = [gen_server:send_request({echo, Node}, {echo, Binary}) || Binary <- Binaries],
    Binaries = [begin {reply, Reply} = gen_server:receive_response(R, 40000), Reply end || R <- Requests].

large_terms_test(Node) ->
    Terms = [lists:seq(1, 300000),
             list_to_tuple(lists:seq(1, 100000)),
             maps:from_list([{I, integer_to_binary(I)} || I <- lists:seq(1, 50000)]),
             lists:foldl(fun(_, Term) -> {Term} end, nested, lists:seq(1, 100000)),
             lists:foldl(fun(_, Term) -> [Term] end, [], lists:seq(1, 100000)),
             1 bsl 500000, -(1 bsl 500000),
             lists:duplicate(65535, $a), lists:duplicate(65536, $a)],
    [Term = gen_server:call({echo, Node}, {echo, Term}, 40000) || Term <- Terms].

a_small_message_overtakes_no_large_one_test(Node) ->
    Pid = checks:plain(Node),
    Large = binary:copy(<<1>>, 4 * 1024 * 1024),
    [Pid ! {send, self(), {I, Part}} || I <- lists:seq(1, 8), Part <- [Large, small]],
    [receive {I, Part} -> ok after 40000 -> error(missing) end || I <- lists:seq(1, 8), Part <- [Large, small]].

%% What is sent while seq_trace is on goes by other control messages, with a token.
traced_signals_arrive_test(Node) ->
    process_flag(trap_exit, true),
    [seq_trace:set_token(Flag, true) || Flag <- [send, 'receive', timestamp]],
    seq_trace:set_token(label, {label, 1.0}),
    hello = gen_server:call({echo, Node}, {echo, hello}),
    Pid = spawn_link(Node, demo, loop, []),
    Pid ! {send, self(), obeys},
    receive obeys -> ok end,
    Ref = monitor(process, Pid),
    exit(Pid, {boom, 1.0}),
    receive {'DOWN', Ref, process, Pid, {boom, 1.0}} -> ok end,
    receive {'EXIT', Pid, {boom, 1.0}} -> ok end,
    {echo, Node} ! {info, self(), by_name, 2},
    receive {by_name, 2, _} -> ok end,
    Trapping = checks:plain(Node),
    Trapping ! {trap, self()},
    receive trapping -> ok end,
    checks:sync(Trapping),
    {Mine, MineRef} = spawn_monitor(fun() -> link(Trapping), seq_trace:set_token(label, 7), exit(traced) end),
    receive {trapped, Mine, traced} -> ok end,
    receive {'DOWN', MineRef, process, Mine, traced} -> ok end,
    seq_trace:set_token([]),
    Trapping ! {exit, done}.

%% OTP's own services have to do with all the nodes that they see: ours, being hidden, does not hold them up.
global_is_not_held_up_test(Node) ->
    pong = net_adm:ping(Node),
    ok = global:sync(),
    yes = global:register_name(messages_name, self()),
    done = global:trans({messages_lock, self()}, fun() -> done end),
    Self = self(),
    Self = global:whereis_name(messages_name),
    global:unregister_name(messages_name),
    {ok, Scope} = pg:start_link(messages_scope),
    ok = pg:join(messages_scope, group, self()),
    [Self] = pg:get_members(messages_scope, group),
    unlink(Scope),
    exit(Scope, kill).

%% The messages of four senders, each in its order.
in_order() ->
    in_order(#{1 => 0, 2 => 0, 3 => 0, 4 => 0}, 4 * ?MANY).

in_order(Last, 0) ->
    #{1 := ?MANY, 2 := ?MANY, 3 := ?MANY, 4 := ?MANY} = Last;
in_order(Last, Left) ->
    receive
        {Sender, I} ->
            I = map_get(Sender, Last) + 1,
            in_order(Last#{Sender := I}, Left - 1)
    after 40000 -> error({missing, Last})
    end.
