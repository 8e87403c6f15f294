%% Where the programs begin: bench:main(Suite, Name, Unit, Ms, Argument), as scripts/bench_compare.mjs calls it.
-module(bench).
-export([main/5]).

main(Suite, Name, Unit, Ms, Argument) ->
    try suite(Suite, Name, Unit, Ms, Argument) of
        _ -> halt(0)
    catch
        Class:Reason:Stack ->
            io:format(standard_error, "~p:~p ~p~n", [Class, Reason, Stack]),
            halt(1)
    end.

suite(local, Name, Unit, Ms, Count) -> bench_local:main(Name, Unit, Ms, Count);
suite(remote, Name, Unit, Ms, Node) -> bench_remote:main(Name, Unit, Ms, Node);
suite(codec, Name, Unit, Ms, File) -> bench_codec:main(Name, Unit, Ms, File).
