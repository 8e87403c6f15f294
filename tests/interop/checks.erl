%% Runs the checks of this folder, and holds what they share.
%%
%% A check is a function Name_test(Node) of one of the other modules, where Node is the node that is
%% examined: examples/conformance_node.ts. It holds if it returns, in time, and leaves no message behind.
-module(checks).
-export([run/3, published/1, is_published/0, up/1, plain/1, worker/2, sync/1, ends/1, reasons/0, nobody/1]).

-define(PATIENCE, 50000).

%% Whether the node that is examined is no hidden one: to be told before the first check.
published(Is) ->
    persistent_term:put({?MODULE, published}, Is).

is_published() ->
    persistent_term:get({?MODULE, published}, false).

%% Runs one check in a process of its own.
run(Module, Check, Node) ->
    {Pid, Ref} = spawn_monitor(fun() -> Module:Check(Node), exit({holds, left()}) end),
    receive
        {'DOWN', Ref, process, Pid, {holds, []}} -> ok;
        {'DOWN', Ref, process, Pid, {holds, Left}} -> error({left_in_the_mailbox, Left});
        {'DOWN', Ref, process, Pid, Reason} -> error(Reason)
    after ?PATIENCE ->
        Where = process_info(Pid, [current_stacktrace, messages]),
        exit(Pid, kill),
        error({hangs, Where})
    end.

left() ->
    receive Message -> [Message | left()] after 0 -> [] end.

%% Connects, where the connection may have been lost just now: the first attempts may fail then.
up(Node) ->
    up(Node, 1000).

up(Node, 0) ->
    error({not_reached, Node});
up(Node, Tries) ->
    case net_adm:ping(Node) of
        pong -> ok;
        pang -> receive after 50 -> up(Node, Tries - 1) end
    end.

%% A process there that does what it is told.
plain(Node) ->
    gen_server:call({echo, Node}, plain).

%% Such a process that has linked itself to Pid.
worker(Node, Pid) ->
    gen_server:call({echo, Node}, {worker, Pid}).

%% When this returns, Pid has taken all that we have sent it before.
sync(Pid) ->
    Pid ! {report_to, self()},
    receive ok -> ok end.

%% The reason that Pid ends with.
ends(Pid) ->
    Ref = monitor(process, Pid),
    receive {'DOWN', Ref, process, Pid, Reason} -> Reason end.

%% A process of a node that has ended.
nobody(Node) ->
    Pid = plain(Node),
    Pid ! {exit, normal},
    normal_or_noproc(ends(Pid)),
    Pid.

normal_or_noproc(normal) -> ok;
normal_or_noproc(noproc) -> ok.

%% Reasons to exit with: those that OTP gives a meaning, and terms of every kind.
reasons() ->
    [normal, shutdown, {shutdown, now}, kill, killed, noproc, noconnection, boom, [], {}, #{}, 0, 1.0,
     -0.5, <<>>, <<"bytes">>, <<5:3>>, "text", [improper | list], 1 bsl 100, undefined, true, nil,
     {badmatch, [{a, 1}, #{<<"k">> => [1.0, 2]}]}, make_ref(), self(), fun lists:map/2,
     {{badarg, [{m, f, [1, 2], [{file, "m.erl"}, {line, 7}]}]}, extra}].
