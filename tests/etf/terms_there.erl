%% What Erlang says of terms, for phash2.test.ts and order.test.ts. Terms come as they are encoded, so that nothing is changed on the way.
-module(terms_there).
-export([hashes/1, hashes/2, order/1, signs/1]).

hashes(Bytes) -> hashes(Bytes, 1 bsl 32).

hashes(Bytes, Range) -> [hash(One, Range) || One <- Bytes].

hash(Bytes, Range) ->
    case term(Bytes) of
        {term, Term} -> erlang:phash2(Term, Range);
        refused -> refused
    end.

%% The places of the terms when they are sorted; those that are == keep their order.
order(Bytes) ->
    Terms = [{binary_to_term(One), Place} || {One, Place} <- lists:zip(Bytes, lists:seq(0, length(Bytes) - 1))],
    [Place || {_, Place} <- lists:sort(fun({A, _}, {B, _}) -> A =< B end, Terms)].

%% Each term beside the next.
signs([One, Other | More]) ->
    [case {term(One), term(Other)} of
         {{term, A}, {term, B}} when A < B -> -1;
         {{term, A}, {term, B}} when A > B -> 1;
         {{term, _}, {term, _}} -> 0;
         _ -> refused
     end | signs([Other | More])];
signs(_) -> [].

term(Bytes) ->
    try {term, binary_to_term(Bytes)}
    catch error:badarg -> refused
    end.
