%% The codec's test vectors (scripts/make_vectors.escript), as terms that go there and come back.
-module(vectors).
-export([every_vector_comes_back_test/1, every_vector_as_an_exit_reason_test/1, what_releases_disagree_about_test/1]).

every_vector_comes_back_test(Node) ->
    Terms = terms(),
    true = length(Terms) > 4000,
    [] = [{Term, Reply} || {Term, Request} <- requests(Node, Terms),
                           Reply <- [reply(Request)], not same(Term, Reply)].

%% Reasons take another way than messages, through another decoder or the same.
every_vector_as_an_exit_reason_test(Node) ->
    [] = [{Term, Reason} || Term <- lists:sublist(terms(), 1000),
                            Reason <- [ends_with(checks:plain(Node), Term)], not same(Term, Reason)].

%% Up to OTP 26 both zeros are one key, and ports of other nodes have at most 28 bits; from 27 on native code makes
%% maps in another order. Each is as this release has it.
what_releases_disagree_about_test(Node) ->
    Zeros = maps:from_list([{0.0, plus}, {-0.0, minus}]),
    Release = list_to_integer(erlang:system_info(otp_release)),
    1 = map_size(Zeros) - (case Release >= 27 of true -> 1; false -> 0 end),
    Port = <<131, 120, 119, 3, "a@b", 16#0fffffff:32, 16#ffffffff:32, 7:32>>,
    Terms = [Zeros, #{1 => a, 1.0 => b}, #{Zeros => Zeros}, binary_to_term(Port), maps:from_keys(lists:seq(1, 100), x),
             #{b => 1, a => 2, c => 3, nil => 4}],
    [] = [{Term, Reply} || {Term, Request} <- requests(Node, Terms), Reply <- [reply(Request)], not same(Term, Reply)].

ends_with(Pid, Term) ->
    Ref = monitor(process, Pid),
    Pid ! {exit, Term},
    receive {'DOWN', Ref, process, Pid, Reason} -> Reason end.

%% All under way at once: in a single term they are too much for OTP 25 itself, which drops the connection.
requests(Node, Terms) ->
    [{Term, gen_server:send_request({echo, Node}, {echo, Term})} || Term <- Terms].

reply(Request) ->
    {reply, Reply} = gen_server:receive_response(Request, 20000),
    Reply.

%% Equal, and of the same bytes: 0.0 =:= -0.0 here.
same(A, B) ->
    A =:= B andalso encoded(A) =:= encoded(B).

encoded(Term) ->
    term_to_binary(Term, [{minor_version, 2}]).

%% The terms that Erlang encodes, and those that it reads in an old or odd encoding.
terms() ->
    File = filename:join([filename:dirname(code:which(?MODULE)), "..", "etf", "vectors", "otp25.txt.gz"]),
    {ok, Zipped} = file:read_file(File),
    Lines = binary:split(zlib:gunzip(Zipped), <<"\n">>, [global, trim]),
    [binary_to_term(base64:decode(Bytes)) || Line <- Lines, [Kind, Bytes | _] <- [binary:split(Line, <<"\t">>, [global])],
                                             Kind =/= <<"!">>].
