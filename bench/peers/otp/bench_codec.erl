%% term_to_binary and binary_to_term over a file of the corpus.
-module(bench_codec).
-export([main/4]).

main("encode", Unit, Ms, File) ->
    {Bytes, Rounds} = read(File),
    Term = binary_to_term(Bytes),
    bench_measure:report("encode", Unit, Ms, fun() -> encode(Rounds, Term, none), Rounds end);
%% What is not needed must not be on the heap: with the term of a large file there, each collection takes longer than the decoding.
main("decode", Unit, Ms, File) ->
    {Bytes, Rounds} = read(File),
    bench_measure:report("decode", Unit, Ms, fun() -> decode(Rounds, Bytes, none), Rounds end).

read(File) ->
    {ok, Bytes} = file:read_file(File),
    {Bytes, max(1, min(1_000, 80_000 div byte_size(Bytes)))}.

%% The result is handed on: a term_to_binary whose result nobody takes is none.
encode(0, _, Last) -> Last;
encode(Count, Term, _) -> encode(Count - 1, Term, term_to_binary(Term)).

decode(0, _, Last) -> Last;
decode(Count, Bytes, _) -> decode(Count - 1, Bytes, binary_to_term(Bytes)).
