%% term_to_binary and binary_to_term over a file of the corpus.
-module(bench_codec).
-export([main/4]).

main(Way, Unit, Ms, File) ->
    {ok, Bytes} = file:read_file(File),
    Term = binary_to_term(Bytes),
    Rounds = max(1, min(1_000, 80_000 div byte_size(Bytes))),
    bench_measure:report(Way, Unit, Ms, fun() -> repeat(Way, Rounds, Term, Bytes, none), Rounds end).

%% The result is handed on: a term_to_binary whose result nobody takes is none.
repeat(_, 0, _, _, Last) -> Last;
repeat("encode", Count, Term, Bytes, _) ->
    repeat("encode", Count - 1, Term, Bytes, term_to_binary(Term));
repeat("decode", Count, Term, Bytes, _) ->
    repeat("decode", Count - 1, Term, Bytes, binary_to_term(Bytes)).
