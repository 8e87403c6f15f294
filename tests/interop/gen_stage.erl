%% The other side of our stages: a producer and a consumer that speak the protocol of Elixir's GenStage.
%%
%% GenStage is no part of Elixir, and these tests run with what a distribution brings. So this is a peer that was written from
%% the protocol (the section "Message protocol overview" of GenStage's documentation, and what GenStage was seen to send): who
%% monitors whom, what is answered to what, and when a consumer asks again. It keeps what it gets, for the tests to look at.
-module(gen_stage).
-export([producer/1, producer/2, consumer/3, consumer/4, log/1, events/1, state/1, stop/2, cancel/2, ask/2, unknown/2,
         duplicate/1, resubscribe/3, gone/1, calls/2]).

%% Starts a producer that counts up from 0, as far as Limit.
producer(Name) -> producer(Name, infinity).
producer(Name, Limit) ->
    start(Name, fun() -> produce(#{next => 0, limit => Limit, consumers => #{}, log => []}) end).

produce(#{next := Next, limit := Limit, consumers := Consumers, log := Log} = S) ->
    receive
        {'$gen_producer', {Pid, Ref}, What} ->
            S1 = S#{log := [What | Log]},
            case {What, Consumers} of
                {{subscribe, _, _}, #{Ref := _}} ->
                    Pid ! {'$gen_consumer', {self(), Ref}, {cancel, duplicated_subscription}},
                    produce(S1);
                {{subscribe, {Old, Reason}, _}, _} ->
                    produce(subscribed(Pid, Ref, cancelled(Old, Reason, S1)));
                {{subscribe, nil, _}, _} ->
                    produce(subscribed(Pid, Ref, S1));
                {{ask, N}, #{Ref := _}} ->
                    Last = min(Next + N, Limit),
                    Next < Last andalso (Pid ! {'$gen_consumer', {self(), Ref}, lists:seq(Next, Last - 1)}),
                    produce(S1#{next := Last});
                {{ask, _}, _} ->
                    Pid ! {'$gen_consumer', {self(), Ref}, {cancel, unknown_subscription}},
                    produce(S1);
                {{cancel, Reason}, _} ->
                    produce(cancelled(Ref, Reason, S1))
            end;
        {'DOWN', Mon, process, _, Reason} ->
            [Ref] = [R || {R, {_, M}} <- maps:to_list(Consumers), M =:= Mon],
            produce(cancelled(Ref, Reason, S#{log := [{down, Reason} | Log]}));
        {control, From, {cancel_all, Reason}} ->
            reply(From, ok),
            produce(lists:foldl(fun(Ref, Acc) -> cancelled(Ref, Reason, Acc) end, S, maps:keys(Consumers)));
        {control, From, log} -> reply(From, lists:reverse(Log)), produce(S);
        {control, From, state} -> reply(From, maps:size(Consumers)), produce(S);
        {control, From, {stop, Reason}} -> reply(From, ok), exit(Reason)
    end.

subscribed(Pid, Ref, #{consumers := Consumers} = S) ->
    S#{consumers := Consumers#{Ref => {Pid, monitor(process, Pid)}}}.

cancelled(Ref, Reason, #{consumers := Consumers} = S) ->
    case Consumers of
        #{Ref := {Pid, Mon}} ->
            demonitor(Mon, [flush]),
            Pid ! {'$gen_consumer', {self(), Ref}, {cancel, Reason}},
            S#{consumers := maps:remove(Ref, Consumers)};
        _ -> S
    end.

%% Starts a consumer that subscribes to To.
consumer(Name, To, Options) -> consumer(Name, To, Options, automatic).
consumer(Name, To, Options, Mode) ->
    start(Name, fun() -> consume(subscribe(To, nil, Options, Mode)) end).

subscribe(To, Current, Options, Mode) ->
    Ref = monitor(process, To),
    To ! {'$gen_producer', {self(), Ref}, {subscribe, Current, Options}},
    Max = proplists:get_value(max_demand, Options, 1000),
    Min = proplists:get_value(min_demand, Options, Max div 2),
    Mode =:= automatic andalso (To ! {'$gen_producer', {self(), Ref}, {ask, Max}}),
    #{to => To, ref => Ref, max => Max, min => Min, mode => Mode, left => Max, log => [], events => []}.

consume(#{to := To, ref := Ref, log := Log, events := Events} = S) ->
    receive
        {'$gen_consumer', {Pid, Ref}, New} when is_list(New) ->
            consume(handled(Pid, New, S#{events := lists:reverse(New, Events)}));
        {'$gen_consumer', {_, Tag}, {cancel, Reason}} ->
            consume(S#{log := [{cancel, Reason, Tag =:= Ref} | Log]});
        {'DOWN', Ref, process, _, Reason} ->
            consume(S#{log := [{down, Reason} | Log]});
        {control, From, log} -> reply(From, lists:reverse(Log)), consume(S);
        {control, From, events} -> reply(From, lists:reverse(Events)), consume(S);
        {control, From, {cancel, Reason}} -> reply(From, ok), tell(S, {cancel, Reason}), consume(S);
        {control, From, {ask, N}} -> reply(From, ok), tell(S, {ask, N}), consume(S);
        {control, From, {unknown, What}} ->
            reply(From, ok),
            To ! {'$gen_producer', {self(), make_ref()}, What},
            consume(S);
        {control, From, duplicate} -> reply(From, ok), tell(S, {subscribe, nil, []}), consume(S);
        {control, From, {resubscribe, Reason, Options}} ->
            reply(From, ok),
            New = subscribe(To, {Ref, Reason}, Options, automatic),
            consume(New#{log := Log, events := Events});
        {control, From, {stop, Reason}} -> reply(From, ok), exit(Reason)
    end.

tell(#{to := To, ref := Ref}, What) -> To ! {'$gen_producer', {self(), Ref}, What}.

%% Asks again when Min or fewer are left.
handled(_, _, #{mode := manual} = S) -> S;
handled(_, [], S) -> S;
handled(Pid, Events, #{ref := Ref, max := Max, min := Min, left := Left} = S) ->
    {Batch, Rest} = lists:split(min(Max - Min, length(Events)), Events),
    case Left - length(Batch) of
        Less when Less =< Min ->
            Pid ! {'$gen_producer', {self(), Ref}, {ask, Max - Less}},
            handled(Pid, Rest, S#{left := Max});
        Less ->
            handled(Pid, Rest, S#{left := Less})
    end.

%% What a test does with them.
log(Name) -> control(Name, log).
events(Name) -> control(Name, events).
state(Name) -> control(Name, state).
stop(Name, Reason) -> Mon = monitor(process, Name), control(Name, {stop, Reason}), receive {'DOWN', Mon, _, _, R} -> R end.
cancel(Name, Reason) ->
    case whereis(Name) of
        undefined -> undefined;
        _ -> control(Name, {cancel, Reason})
    end.
ask(Name, N) -> control(Name, {ask, N}).
unknown(Name, What) -> control(Name, {unknown, What}).
duplicate(Name) -> control(Name, duplicate).
resubscribe(Name, Reason, Options) -> control(Name, {resubscribe, Reason, Options}).
%% Ends all subscriptions of a producer.
gone(Name) -> control(Name, {cancel_all, bye}).
%% As GenStage.sync_subscribe and the like.
calls(To, Request) -> gen_server:call(To, Request).

start(Name, Fun) ->
    Self = self(),
    Ref = make_ref(),
    Pid = spawn(fun() -> register(Name, self()), Self ! {Ref, ready}, Fun() end),
    receive {Ref, ready} -> Pid end.

control(Name, What) ->
    Ref = make_ref(),
    Name ! {control, {self(), Ref}, What},
    receive {Ref, Answer} -> Answer after 40000 -> timeout end.

reply({Pid, Ref}, Answer) -> Pid ! {Ref, Answer}.
