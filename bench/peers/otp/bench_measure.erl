%% Runs a piece of work over and over for Ms, after Warm milliseconds that do not count, and prints the line that the comparison reads.
-module(bench_measure).
-export([report/4, figure/3]).

%% Work() gives how often it did its thing, or {Count, Microseconds} where not all of its time counts.
report(Name, Unit, {Warm, Ms}, Work) ->
    _ = repeat(Warm * 1000, Work, 0, 0),
    {Before, _} = erlang:statistics(runtime),
    {Count, Us} = repeat(Ms * 1000, Work, 0, 0),
    {After, _} = erlang:statistics(runtime),
    Value = case Unit of
        "us" -> Us / Count;
        "/s" -> Count / Us * 1.0e6
    end,
    %% What all threads of this program have taken of the processors, in microseconds for each.
    Processor = (After - Before) * 1000 / Count,
    io:format("{\"name\":\"~s\",\"value\":~.6f,\"unit\":\"~s\",\"processor\":~.6f}~n",
        [Name, float(Value), Unit, float(Processor)]).

figure(Name, Unit, Value) ->
    io:format("{\"name\":\"~s\",\"value\":~.6f,\"unit\":\"~s\"}~n", [Name, float(Value), Unit]).

repeat(Limit, Work, Count, Us) ->
    Began = erlang:monotonic_time(),
    {Done, Took} = case Work() of
        {N, T} -> {N, T};
        N ->
            Ended = erlang:monotonic_time(),
            {N, erlang:convert_time_unit(Ended - Began, native, nanosecond) / 1000}
    end,
    case Us + Took of
        Sum when Sum < Limit -> repeat(Limit, Work, Count + Done, Sum);
        Sum -> {Count + Done, Sum}
    end.
