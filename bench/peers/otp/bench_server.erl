%% The server of all measurements: `get`, {echo, Term}, and {seen, Count}, which is answered once so many messages have come.
-module(bench_server).
-behaviour(gen_server).
-export([init/1, handle_call/3, handle_cast/2, handle_info/2]).

-record(state, {seen = 0, wanted = infinity, from}).

init([]) -> {ok, #state{}}.

handle_call(get, _From, State) -> {reply, 5, State};
handle_call({echo, Term}, _From, State) -> {reply, Term, State};
handle_call({seen, Count}, From, State) -> check(State#state{wanted = Count, from = From}).

handle_cast(_, State) -> {noreply, State}.

handle_info(_, State) -> check(State#state{seen = State#state.seen + 1}).

check(#state{seen = Seen, wanted = Wanted, from = From}) when Seen >= Wanted ->
    gen_server:reply(From, true),
    {noreply, #state{}};
check(State) -> {noreply, State}.
