#!/usr/bin/env escript
%%! +pc unicode +S 1
%% Writes the test vectors of the codec: terms as a real Erlang encodes, reads and prints them.
%%
%%   escript scripts/make_vectors.escript | gzip -9n > tests/etf/vectors/otp25.txt.gz
%%
%% One vector a line, fields separated by tabs:
%%
%%   =  base64  text     canonical: Erlang encodes the term as these bytes (minor version 2, OTP 26's default)
%%   ~  base64  base64   Erlang reads the first and encodes what it has read as the second
%%   !  base64           Erlang refuses them
%%
%% The text is what ~0tp prints; "-" where it depends on the node (pids, ports, references) or is long.
%% What Erlang does not say is not here: junk behind a term (it reads on), and 0.0 beside -0.0 as keys (OTP 27 changed it).

-mode(compile).

main(_) ->
    io:setopts([{encoding, unicode}]),
    rand:seed(exsss, {2, 7, 1828}),
    emit(fun canonical/1, atoms() ++ integers() ++ floats() ++ lists_() ++ tuples() ++ maps_() ++ binaries() ++
             identifiers() ++ funs()),
    emit(fun canonical/1, [term(4) || _ <- lists:seq(1, 1500)]),
    emit(fun read/1, old_encodings()),
    emit(fun read/1, handmade()),
    emit(fun read/1, truncated()),
    emit(fun read/1, mutated(1500)).

emit(Fun, Items) ->
    lists:foreach(fun(Item) ->
                      case get({seen, Item}) of
                          undefined -> put({seen, Item}, true), io:put_chars(Fun(Item));
                          true -> ok
                      end
                  end, Items).

canonical(Term) ->
    Bytes = encode(Term),
    Text = case byte_size(Bytes) =< 2000 andalso not local(Term) andalso not wide(Term) of
               true -> io_lib:format("~0tp", [Term]);
               false -> "-"
           end,
    ["=\t", base64:encode(Bytes), "\t", Text, "\n"].

%% LOCAL_EXT is refused by all but the node that made it, FUN_EXT since OTP 23; ours keeps both as they are.
read(<<131, Tag, _/binary>>) when Tag =:= 117; Tag =:= 121 ->
    [];
read(Bytes) ->
    try binary_to_term(Bytes, [used]) of
        {Term, Used} when Used =:= byte_size(Bytes) ->
            ["~\t", base64:encode(Bytes), "\t", base64:encode(encode(Term)), "\n"];
        _ ->
            []
    catch
        error:badarg -> ["!\t", base64:encode(Bytes), "\n"]
    end.

encode(Term) ->
    term_to_binary(Term, [{minor_version, 2}]).

%% Whether the printed form depends on the node that prints.
local(T) when is_pid(T); is_port(T); is_reference(T) -> true;
local([H | T]) -> local(H) orelse local(T);
local(T) when is_tuple(T) -> local(tuple_to_list(T));
local(T) when is_map(T) -> map_size(T) > 32 orelse local(maps:to_list(T));
local(T) when is_function(T) -> element(2, erlang:fun_info(T, type)) =:= local;
local(_) -> false.

%% Whether a list is printed as text with +pc unicode, which binaries need here, but not without.
wide(T) when is_list(T) ->
    (T =/= [] andalso io_lib:printable_unicode_list(T) andalso not io_lib:printable_latin1_list(T)) orelse wide_items(T);
wide(T) when is_tuple(T) -> wide_items(tuple_to_list(T));
wide(T) when is_map(T) -> wide_items(maps:to_list(T));
wide(_) -> false.

wide_items([H | T]) -> wide(H) orelse wide_items(T);
wide_items(T) -> T =/= [] andalso wide(T).

%% --- terms ---

atoms() ->
    [list_to_atom(S) || S <- ["", "ok", "true", "false", "nil", "undefined", "null", "a", "A", "hello world", "Elixir.Foo.Bar",
        "a@b", "'", "\"", "\\", "a\nb", "end", "when", "x_1", "_x", "1x", "é", "É", "ÿ", "×", "÷", "ß", "日本", "Ωmega", "😀",
        "a\x{7f}", "a\x{85}", [0], lists:seq(1, 31), lists:duplicate(255, $a), lists:duplicate(255, 16#E9),
        lists:duplicate(127, 16#E9), lists:duplicate(128, 16#E9), lists:duplicate(255, 16#20AC), lists:duplicate(255, 16#1F600),
        [16#D7FF], [16#E000], [16#FFFF], [16#10000], [16#10FFFF], [16#7FF, 16#800]]]
    ++ [list_to_atom([C]) || C <- lists:seq(0, 255)]
    ++ [list_to_atom([$b, C]) || C <- lists:seq(32, 255)].

integers() ->
    Powers = [7, 8, 9, 15, 16, 24, 27, 28, 31, 32, 33, 40, 47, 48, 52, 53, 54, 55, 56, 57, 59, 60, 62, 63, 64, 65, 72, 80, 96, 127,
              128, 129, 256, 512, 1024, 2032, 2039, 2040, 2041, 2048, 2049, 4096, 16384],
    [0, 1, 2, 9, 10, 99, 127, 128, 200, 254, 255, 256, 257, -1, -2, -127, -128, -129, -255, -256, -257]
    ++ [S * ((1 bsl P) + D) || P <- Powers, D <- [-2, -1, 0, 1, 2], S <- [1, -1]]
    ++ [S * rand:uniform(1 bsl P) || P <- lists:seq(1, 130), S <- [1, -1]].

floats() ->
    Bits = [0, 1, 2, 16#000FFFFFFFFFFFFF, 16#0010000000000000, 16#0010000000000001, 16#7FEFFFFFFFFFFFFF, 16#3FF0000000000000,
            16#3FEFFFFFFFFFFFFF, 16#3FF0000000000001, 16#4340000000000000, 16#433FFFFFFFFFFFFF, 16#4340000000000001],
    [F || B <- Bits, S <- [0, 1], F <- [double((S bsl 63) bor B)]]
    ++ [0.1, 0.2, 0.3, 1.5, -1.5, 100.0, 1.0e3, 1.0e5, 123456.0, 1.2e6, 1.0e14, 1.0e15, 1.0e16, 1.0e21, 1.0e22, 1.0e23, 1.0e100,
        0.01, 0.001, 1.0e-4, 1.2e-4, 1.0e-5, 1.5e-5, 1.0e-7, 1.0e-100, 3.141592653589793, 4.0e15, 9007199254740991.0,
        9007199254740992.0, 9007199254740993.0, 1.7976931348623157e308, 2.2250738585072014e-308]
    ++ [1.0 * I || I <- lists:seq(-20, 300, 20)]
    ++ [math:pow(10, P) || P <- lists:seq(-30, 30)]
    ++ [F || _ <- lists:seq(1, 300), F <- [random_float()]].

double(Bits) -> <<F/float>> = <<Bits:64>>, F.

random_float() ->
    case <<(rand:uniform(1 bsl 64) - 1):64>> of
        <<F/float>> -> F;
        _ -> 0.5
    end.

lists_() ->
    Byte = fun(N) -> [I band 255 || I <- lists:seq(1, N)] end,
    [[], [[]], [[], []], [0], [255], [256], [-1], [0, 256], [0, a], "abc", "Zoë", "a\"b\\c\n\t\v\b\f\e\r", [7], [127], [160], [128], [8364],
     [128512], [55295], [57344], [65533], [65534], [1.0], [1 | 2], [a | b], [1, 2 | c], [97, 98 | 99], [[1 | 2] | [3]], [[] | a],
     [{a, 1}, {b, 2}], [a, [b, [c, [d]]]], Byte(100), Byte(255), Byte(256), Byte(65534), Byte(65535), Byte(65536), Byte(65537),
     lists:seq(1, 1000), lists:duplicate(300, a), [1 bsl 60 | 2], [alias | external_ref([1, 2, 3])]].

tuples() ->
    [{}, {{}}, {a}, {ok, 1}, {ok, {error, []}}, list_to_tuple(lists:seq(1, 254)), list_to_tuple(lists:seq(1, 255)),
     list_to_tuple(lists:seq(1, 256)), list_to_tuple(lists:seq(1, 70000)), {'$gen_call', {external_pid(), external_ref([1, 2, 3])}, get}].

maps_() ->
    [#{}, #{a => 1}, #{a => 1, b => 2}, #{1 => a, 1.0 => b}, #{<<"a">> => 1, "a" => 2, a => 3}, #{[] => {}, {} => []}, #{#{} => #{}},
     #{#{a => 1} => #{b => 2}}, #{[1, 2] => 1, [1, 2.0] => 2, {1, 2} => 3, {1.0, 2} => 4}, #{true => 1, false => 2, nil => 3, undefined => 4},
     #{'__struct__' => 'Elixir.User', name => <<"Zoë"/utf8>>, age => 33}, #{0.5 => 1, -0.0 => 2, 1 => 3}, #{(1 bsl 64) => 1, (1 bsl 53) => 2},
     #{external_pid() => 1, external_ref([5]) => 2}, #{<<1:3>> => 1, <<1:8>> => 2}, #{fun lists:map/2 => 1}, #{[a | b] => 1, [a, b] => 2},
     maps:from_list([{I, I * I} || I <- lists:seq(1, 31)]), maps:from_list([{I, I * I} || I <- lists:seq(1, 32)]),
     maps:from_list([{I, I * I} || I <- lists:seq(1, 33)]), maps:from_list([{integer_to_binary(I), I} || I <- lists:seq(1, 100)]),
     maps:from_list([{list_to_atom("k" ++ integer_to_list(I)), I} || I <- lists:seq(1, 100)]),
     maps:from_list([{{I, I}, [I]} || I <- lists:seq(1, 300)]), maps:from_list([{I * 1.0, I} || I <- lists:seq(1, 50)])].

binaries() ->
    [<<>>, <<0>>, <<255>>, <<"a">>, <<"hello">>, <<"Zoë"/utf8>>, <<"Zoë">>, <<"日本"/utf8>>, <<"😀"/utf8>>, <<200, 201>>, <<128, 129>>, <<7>>, <<127>>,
     <<160>>, <<194, 160>>, <<194, 133>>, <<239, 191, 190>>, <<239, 187, 191, 97>>, <<"\n\t\"\\\e">>, <<"a", 0>>, <<97, 200>>, <<237, 160, 128>>, <<192, 128>>]
    ++ [random_bytes(N) || N <- [2, 3, 4, 7, 8, 9, 16, 31, 32, 33, 48, 49, 63, 64, 65, 127, 128, 129, 255, 256, 257, 511, 512, 513, 1023,
                                 1024, 1025, 4095, 4096, 65535, 65536]]
    ++ [<<(binary:copy(<<"x">>, N))/binary>> || N <- [8, 9, 16, 17, 128, 129, 2000]]
    ++ [<<V:S>> || S <- lists:seq(1, 7), V <- [0, 1, (1 bsl S) - 1]]
    ++ [<<"ab", V:S>> || S <- lists:seq(1, 7), V <- [0, 1, (1 bsl S) - 1]].

random_bytes(N) -> << <<(rand:uniform(256) - 1)>> || _ <- lists:seq(1, N) >>.

%% Identifiers are built from bytes, so that each run gives the same.
identifiers() ->
    Words = [[1], [1, 2], [1, 2, 3], [16#3FFFF, 16#FFFFFFFF, 16#FFFFFFFF], [0, 0, 0], [1, 2, 3, 4], [1, 2, 3, 4, 5], [16#FFFFFFFF], []],
    [pid(N, I, S, C) || N <- ['a@b', 'nonode@nohost', 'é@ü', x], I <- [0, 1, 16#7FFF, 16#8000, 16#FFFFFFF], S <- [0, 1, 8191], C <- [1, 4, 16#FFFFFFFF]]
    ++ [pid('a@b', 16#FFFFFFFF, 16#FFFFFFFF, 7), pid('nonode@nohost', 1, 2, 0), pid(list_to_atom(lists:duplicate(255, 16#20AC)), 1, 2, 3)]
    ++ [term_of(<<131, 120, (atom_bytes('a@b'))/binary, I:64, C:32>>)
        || I <- [0, 1, 16#FFFFFFF, 16#10000000, 16#FFFFFFFF, 16#100000000, (1 bsl 53) - 1, 1 bsl 53, (1 bsl 64) - 1], C <- [1, 5]]
    ++ [external_ref(W) || W <- Words]
    ++ [term_of(<<131, 90, 3:16, (atom_bytes('nonode@nohost'))/binary, 0:32, 1:32, 2:32, 3:32>>)].

pid(Node, Id, Serial, Creation) ->
    term_of(<<131, 88, (atom_bytes(Node))/binary, Id:32, Serial:32, Creation:32>>).

external_pid() -> pid('a@b', 12, 0, 1700000000).

external_ref(Words) ->
    term_of(<<131, 90, (length(Words)):16, (atom_bytes('a@b'))/binary, 1700000000:32, << <<W:32>> || W <- Words >>/binary>>).

term_of(Bytes) -> binary_to_term(Bytes).

atom_bytes(Atom) -> <<131, Bytes/binary>> = encode(Atom), Bytes.

funs() ->
    [fun lists:map/2, fun erlang:self/0, fun 'Elixir.Enum':'map!'/2, fun 'hello world':'X'/255, fun true:nil/3]
    ++ [fun_term(M, Free) || M <- ['erl_eval', 'é', true], Free <- [[], [1], [1.0, 2, <<"x">>], [{a, [b | c]}, #{k => external_pid()}]]].

%% A closure of a module that is not loaded here, as other nodes send them.
fun_term(Module, Free) ->
    Body = <<1, (random_bytes(16))/binary, 42:32, (length(Free)):32, (atom_bytes(Module))/binary, 97, 42, 98, 3316493:32,
             88, (atom_bytes('a@b'))/binary, 9:32, 0:32, 5:32, << <<(binary:part(B, 1, byte_size(B) - 1))/binary>> || B <- [encode(T) || T <- Free] >>/binary>>,
    term_of(<<131, 112, (byte_size(Body) + 4):32, Body/binary>>).

term(0) ->
    leaf(rand:uniform(16));
term(Depth) ->
    N = rand:uniform(5) - 1,
    case rand:uniform(12) of
        1 -> [term(Depth - 1) || _ <- lists:seq(1, N)];
        2 -> list_to_tuple([term(Depth - 1) || _ <- lists:seq(1, N)]);
        3 -> maps:from_list([{term(Depth - 2 * (Depth div 2)), term(Depth - 1)} || _ <- lists:seq(1, N)]);
        4 -> improper([term(Depth - 1) || _ <- lists:seq(1, N + 1)], leaf(rand:uniform(9)));
        5 -> [rand:uniform(256) - 1 || _ <- lists:seq(1, N * 3)];
        6 -> maps:from_list([{leaf(5), term(Depth - 1)} || _ <- lists:seq(1, N)]);
        7 -> {leaf(5), term(Depth - 1)};
        8 -> [{leaf(5), term(Depth - 1)} || _ <- lists:seq(1, N)];
        _ -> leaf(rand:uniform(16))
    end.

improper(Elements, Tail) -> lists:foldr(fun(E, T) -> [E | T] end, Tail, Elements).

leaf(1) -> rand:uniform(256) - 1;
leaf(2) -> rand:uniform(1 bsl 33) - (1 bsl 32);
leaf(3) -> (rand:uniform(1 bsl 70) - (1 bsl 69)) bsr rand:uniform(64);
leaf(4) -> random_float();
leaf(5) -> element(rand:uniform(10), {ok, error, a, b, true, false, nil, undefined, 'hello world', 'é'});
leaf(6) -> random_bytes(rand:uniform(12) - 1);
leaf(7) -> << <<(96 + rand:uniform(26))>> || _ <- lists:seq(1, rand:uniform(20)) >>;
leaf(8) -> <<(rand:uniform(64) - 1):6>>;
leaf(9) -> fun lists:map/2;
leaf(10) -> external_pid();
leaf(11) -> external_ref([rand:uniform(1000), 2, 3]);
leaf(12) -> [];
leaf(13) -> {};
leaf(14) -> #{};
leaf(15) -> unicode:characters_to_binary([rand:uniform(16#500) || _ <- lists:seq(1, rand:uniform(5))]);
leaf(16) -> rand:uniform(1 bsl 600).

%% --- bytes that Erlang reads but does not write ---

old_encodings() ->
    Some = [ok, 'é', 1.5, -0.0, 1.0e300, [a, 1.5, <<1:3>>], {a, #{b => 2.5}}, "abc", lists:seq(1, 300), binary:copy(<<"abc">>, 100), external_pid()],
    [term_to_binary(T, [{minor_version, V}]) || T <- Some ++ floats() ++ atoms(), V <- [0, 1]]
    ++ [term_to_binary(T, [compressed]) || T <- [lists:duplicate(50, hello), binary:copy(<<"abc">>, 100), lists:seq(1, 300)]]
    ++ [term_to_binary(lists:duplicate(50, {a, 1.5}), [{compressed, L}]) || L <- lists:seq(1, 9)].

handmade() ->
    A = atom_bytes('a@b'),
    [<<131, B/binary>> || B <-
        [<<>>, <<131, 97, 1>>, <<97>>, <<98, 1, 2, 3>>, <<98, 0, 0, 0, 1>>, <<98, 255, 255, 255, 255>>]
        ++ [<<T>> || T <- lists:seq(0, 255), T =/= 113]
        ++ [<<T, 0>> || T <- lists:seq(0, 255), T =/= 113] ++ [<<T, 0, 0, 0, 0>> || T <- lists:seq(0, 255), T =/= 113, T =/= 77]
        %% integers
        ++ [<<110, N, S, D/binary>> || {N, D} <- [{0, <<>>}, {1, <<0>>}, {1, <<5>>}, {4, <<1, 0, 0, 0>>}, {4, <<255, 255, 255, 255>>}, {8, <<0:64>>}, {8, <<0, 0, 0, 0, 0, 0, 32, 0>>},
                                                     {7, <<255, 255, 255, 255, 255, 255, 31>>}, {7, <<255, 255, 255, 255, 255, 255, 32>>}, {9, <<255:72>>}, {9, <<1, 0:64>>}, {20, <<1, 0:152>>}],
                                       S <- [0, 1, 2, 255]]
        ++ [<<111, N:32, S, D/binary>> || {N, D} <- [{0, <<>>}, {1, <<7>>}, {8, <<1:64>>}, {300, <<1, 0:(299 * 8)>>}, {16#FFFFFFFF, <<1>>}], S <- [0, 1, 3]]
        %% floats: NaN, infinities, text
        ++ [<<70, B:64>> || B <- [16#7FF0000000000000, 16#FFF0000000000000, 16#7FF8000000000000, 16#7FF0000000000001, 16#FFFFFFFFFFFFFFFF, 16#7FEFFFFFFFFFFFFF]]
        ++ [<<99, (pad(T))/binary>> || T <- [<<"1.5e0">>, <<" 1.5">>, <<"15">>, <<"1.5x">>, <<"+1.5">>, <<".5">>, <<"5.">>, <<"5.0e999">>, <<"-5.0E+3">>, <<"5.0e-999">>, <<"nan">>, <<"inf">>,
                                             <<"1.", (binary:copy(<<"1">>, 28))/binary>>, binary:copy(<<"1">>, 30), <<"-1.5", 0, "9">>, <<>>, <<"0.0">>, <<"-0.0">>, <<"1e5">>, <<"1.0e">>]]
        %% atoms
        ++ [<<T, (byte_size(N)):8, N/binary>> || T <- [115, 119], N <- texts()]
        ++ [<<T, (byte_size(N)):16, N/binary>> || T <- [100, 118], N <- texts() ++ [binary:copy(<<"a">>, 256), binary:copy(<<16#F0, 16#9F, 16#98, 16#80>>, 255), binary:copy(<<16#F0, 16#9F, 16#98, 16#80>>, 256),
                                                                                  binary:copy(<<16#C3, 16#A9>>, 256), binary:copy(<<200>>, 256)]]
        %% lists
        ++ [<<107, 0, 0>>, <<107, 0, 2, 1, 2>>, <<107, 0, 2, 1>>, <<108, 0:32, 106>>, <<108, 0:32, 97, 3>>, <<108, 1:32, 97, 1, 108, 1:32, 97, 2, 106>>, <<108, 1:32, 97, 1, 107, 0, 2, 5, 6>>,
            <<108, 1:32, 97, 1, 108, 0:32, 108, 1:32, 97, 2, 97, 3>>, <<108, 2:32, 97, 1, 97, 2, 106>>, <<108, 2:32, 97, 1, 97, 2>>, <<108, 16#FFFFFFFF:32, 97, 1>>, <<108, 1:32, 97, 1, 107, 0, 0>>,
            <<108, 1:32, 106, 106>>, <<108, 1:32, 97, 200, 106>>, <<108, 1:32, 98, 200:32, 106>>]
        %% tuples, binaries, maps
        ++ [<<104, 1, 106>>, <<105, 1:32, 106>>, <<105, 0:32>>, <<105, 16#FFFFFFFF:32>>, <<109, 3:32, 1, 2, 3>>, <<109, 3:32, 1, 2>>, <<109, 16#FFFFFFFF:32>>, <<116, 16#FFFFFFFF:32>>]
        ++ [<<77, N:32, B, D/binary>> || {N, D} <- [{1, <<255>>}, {2, <<1, 255>>}], B <- lists:seq(0, 9)] ++ [<<77, 0:32, B>> || B <- lists:seq(1, 9)]
        ++ [<<116, 2:32, K1/binary, 97, 0, K2/binary, 97, 0>> || K1 <- keys(), K2 <- keys()]
        %% identifiers
        ++ [<<103, A/binary, I:32, S:32, C>> || I <- [0, 1, 16#FFFFFFFF], S <- [0, 16#FFFFFFFF], C <- [0, 3, 4, 255]]
        ++ [<<102, A/binary, I:32, C>> || I <- [0, 1, 16#FFFFFFF, 16#FFFFFFFF], C <- [0, 3, 4]] ++ [<<89, A/binary, I:32, C:32>> || I <- [0, 16#FFFFFFF, 16#10000000, 16#FFFFFFFF], C <- [0, 1]]
        ++ [<<120, A/binary, I:64, 7:32>> || I <- [0, 16#FFFFFFF, 16#10000000]]
        ++ [<<101, A/binary, I:32, C>> || I <- [0, 1, 16#3FFFF, 16#40000], C <- [0, 3, 4]]
        ++ [<<114, N:16, A/binary, C, 1:32, 16#FFFFFFFF:32, 3:32, 4:32, 5:32, 6:32>> || N <- [6], C <- [0, 3]]
        ++ [<<114, N:16, A/binary, C, (binary:part(<<1:32, 16#FFFFFFFF:32, 3:32, 4:32, 5:32>>, 0, N * 4))/binary>> || N <- lists:seq(1, 5), C <- [0, 3, 4]]
        ++ [<<114, 1:16, A/binary, 1, 16#40000:32>>]
        ++ [<<90, N:16, A/binary, 9:32, (binary:part(<<16#40000:32, 16#FFFFFFFF:32, 3:32, 4:32, 5:32, 6:32>>, 0, N * 4))/binary>> || N <- lists:seq(0, 6)]
        ++ [<<T, 97, 1, 0:200>> || T <- [88, 103, 89, 102, 120]] ++ [<<88, 119, 4, "true", 1:32, 2:32, 3:32>>, <<88, 106, 1:32, 2:32, 3:32>>]
        %% exports; an arity beyond 255 harms some releases, so none here
        ++ [<<113, 119, 1, $a, 119, 1, $b, 97, 5>>, <<113, 119, 1, $a, 119, 1, $b, 98, 0, 0, 0, 5>>, <<113, 100, 0, 1, $a, 115, 1, 200, 97, 0>>, <<113, 119, 1, $a, 119, 1, $b>>, <<113, 97, 1, 119, 1, $b, 97, 1>>]
        %% funs
        ++ [<<112, 0:32>>]
        %% compressed
        ++ compressed()].

keys() ->
    [<<97, 1>>, <<98, 1:32>>, <<110, 1, 0, 1>>, <<70, 1.0/float>>, <<107, 0, 1, $a>>, <<108, 1:32, 97, $a, 106>>, <<109, 1:32, $a>>, <<119, 1, $a>>, <<100, 0, 1, $a>>, <<118, 0, 1, $a>>, <<115, 1, $a>>,
     <<106>>, <<104, 0>>, <<105, 0:32>>, <<104, 1, 97, 1>>, <<105, 1:32, 98, 1:32>>, <<104, 1, 70, 1.0/float>>, <<116, 0:32>>, <<116, 1:32, 97, 1, 97, 2>>, <<116, 1:32, 98, 1:32, 97, 2>>,
     <<116, 2:32, 97, 1, 97, 2, 97, 3, 97, 4>>, <<116, 2:32, 97, 3, 97, 4, 97, 1, 97, 2>>, <<77, 1:32, 3, 32>>, <<77, 1:32, 3, 63>>, <<77, 1:32, 8, $a>>, <<108, 1:32, 97, 1, 97, 2>>,
     <<88, (atom_bytes('a@b'))/binary, 1:32, 2:32, 3:32>>, <<103, (atom_bytes('a@b'))/binary, 1:32, 2:32, 3>>, <<110, 9, 0, 0:64, 1>>, <<111, 9:32, 0, 0:64, 1>>, <<98, 2:32>>,
     <<113, 119, 1, $a, 119, 1, $b, 97, 5>>, <<113, 119, 1, $a, 119, 1, $b, 98, 5:32>>].

texts() ->
    [<<>>, <<"a">>, <<"true">>, <<"nil">>, <<200>>, <<200, 201>>, <<16#C3, 16#A9>>, <<16#C0, 16#80>>, <<16#C1, 16#BF>>, <<16#E0, 16#80, 16#80>>, <<16#E0, 16#9F, 16#BF>>, <<16#E0, 16#A0, 16#80>>,
     <<16#ED, 16#9F, 16#BF>>, <<16#ED, 16#A0, 16#80>>, <<16#ED, 16#BF, 16#BF>>, <<16#EE, 16#80, 16#80>>, <<16#EF, 16#BF, 16#BF>>, <<16#F0, 16#80, 16#80, 16#80>>, <<16#F0, 16#8F, 16#BF, 16#BF>>,
     <<16#F0, 16#90, 16#80, 16#80>>, <<16#F4, 16#8F, 16#BF, 16#BF>>, <<16#F4, 16#90, 16#80, 16#80>>, <<16#F5, 16#80, 16#80, 16#80>>, <<16#C3>>, <<16#E2, 16#82>>, <<16#F0, 16#9F, 16#98>>, <<"a", 16#80>>,
     <<16#FF>>, <<16#FE>>, <<0>>, <<127>>, <<128>>, binary:copy(<<"a">>, 255), binary:copy(<<200>>, 255), binary:copy(<<16#C3, 16#A9>>, 127)].

pad(Text) -> <<Text/binary, 0:((31 - byte_size(Text)) * 8)>>.

compressed() ->
    <<131, Plain/binary>> = encode(lists:duplicate(40, abc)),
    Z = zlib:compress(Plain),
    N = byte_size(Plain),
    [<<80, N:32, Z/binary>>, <<80, (N + 1):32, Z/binary>>, <<80, (N - 1):32, Z/binary>>, <<80, 0:32, Z/binary>>, <<80, 16#FFFFFFFF:32, Z/binary>>, <<80, N:32>>, <<80, N:32, (binary:part(Z, 0, byte_size(Z) - 5))/binary>>,
     <<80, 2:32, (zlib:compress(<<97, 1>>))/binary>>, <<80, 1:32, (zlib:compress(<<97>>))/binary>>, <<80, 3:32, (zlib:compress(<<131, 97, 1>>))/binary>>,
     <<104, 1, 80, N:32, Z/binary>>, <<80, (byte_size(Z) + 5):32, (zlib:compress(<<80, N:32, Z/binary>>))/binary>>].

%% Every prefix of some terms.
truncated() ->
    [binary:part(B, 0, N) || T <- [{ok, [1, 300, 1 bsl 40, 1.5, <<"abc">>, "str", [a | b], #{k => v}, <<1:3>>, fun lists:map/2]}, external_pid(), external_ref([1, 2, 3]), fun_term(m, [1, a])],
                             B <- [encode(T)], N <- lists:seq(0, byte_size(B) - 1)].

%% One or two bytes of canonical terms changed.
mutated(N) ->
    Sources = [B || T <- [term(3) || _ <- lists:seq(1, N)], B <- [encode(T)], byte_size(B) < 300],
    [B || S <- Sources, B <- [mutate(S), mutate(mutate(S))], binary:match(B, <<113>>) =:= nomatch].

mutate(Bytes) ->
    At = rand:uniform(byte_size(Bytes)) - 1,
    <<Before:At/binary, Byte, After/binary>> = Bytes,
    case rand:uniform(4) of
        1 -> <<Before/binary, (rand:uniform(256) - 1), After/binary>>;
        2 -> <<Before/binary, (Byte bxor (1 bsl (rand:uniform(8) - 1))), After/binary>>;
        3 -> <<Before/binary, (66 + rand:uniform(56)), After/binary>>;
        4 -> <<Before/binary, After/binary>>
    end.
