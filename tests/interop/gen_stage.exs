# The other side of our stages in Elixir: a GenServer that is a producer, a consumer, or both.
#
# GenStage is no part of Elixir, and these tests run with what a distribution brings. So this is a peer that was written from
# the protocol (the section "Message protocol overview" of GenStage's documentation, and what GenStage was seen to send). It keeps
# all that it gets, in its order, for the tests to look at: what it says itself the tests know of the other side.
defmodule StagePeer do
  use GenServer

  # A producer counts up from 0, as far as :limit; the dispatcher is :demand, :broadcast or {:partition, names}.
  def producer(name, options \\ []), do: begin(name, [kind: :producer] ++ options)

  # A consumer subscribes as it starts: to: [{stage, options}]; with mode: :manual it asks for nothing by itself.
  def consumer(name, options), do: begin(name, [kind: :consumer] ++ options)

  # Both: each event goes on as {:seen, event}.
  def between(name, options), do: begin(name, [kind: :both] ++ options)

  defp begin(name, options) do
    {:ok, pid} = GenServer.start(__MODULE__, options, name: name)
    pid
  end

  # What a test asks for.
  def log(name), do: GenServer.call(name, :log)
  def events(name), do: GenServer.call(name, :events)
  def count(name), do: GenServer.call(name, :count)
  def ask(name, demand), do: GenServer.call(name, {:say, {:ask, demand}})
  def cancel(name, reason), do: GenServer.call(name, {:say, {:cancel, reason}})
  def duplicate(name), do: GenServer.call(name, {:say, {:subscribe, nil, []}})
  def unknown(name, what), do: GenServer.call(name, {:unknown, what})
  def cancel_all(name, reason), do: GenServer.call(name, {:cancel_all, reason})
  def subscribe(name, to, options), do: GenServer.call(name, {:"$subscribe", nil, to, options})

  def resubscribe(name, reason, to, options),
    do: GenServer.call(name, {:resubscribe, reason, to, options})

  # Ends it: by a reason, from inside, or from outside without a word of its own.
  def stop(name, reason), do: GenServer.stop(name, reason)

  def kill(name) do
    pid = Process.whereis(name)
    ref = Process.monitor(pid)
    Process.exit(pid, :kill)
    receive do: ({:DOWN, ^ref, _, _, reason} -> reason)
  end

  @impl true
  def init(options) do
    state = %{
      kind: options[:kind],
      limit: Keyword.get(options, :limit, :infinity),
      dispatcher: Keyword.get(options, :dispatcher, :demand),
      mode: Keyword.get(options, :mode, :automatic),
      next: 0,
      consumers: %{},
      order: [],
      queues: %{},
      producers: %{},
      waiting: [],
      log: [],
      events: []
    }

    {:ok, Enum.reduce(options[:to] || [], state, fn {to, opts}, acc -> begin_to(to, nil, opts, acc) |> elem(1) end)}
  end

  @impl true
  def handle_call(:log, _from, state), do: {:reply, Enum.reverse(state.log), state}
  def handle_call(:events, _from, state), do: {:reply, Enum.reverse(state.events), state}
  def handle_call(:count, _from, state), do: {:reply, {map_size(state.consumers), map_size(state.producers)}, state}

  def handle_call({:say, what}, _from, state) do
    [{ref, %{to: to}} | _] = Map.to_list(state.producers)
    tell_producer(to, ref, what)
    {:reply, :ok, state}
  end

  def handle_call({:unknown, what}, _from, state) do
    [{_, %{to: to}} | _] = Map.to_list(state.producers)
    tell_producer(to, make_ref(), what)
    {:reply, :ok, state}
  end

  def handle_call({:resubscribe, reason, to, options}, _from, state) do
    [{ref, _} | _] = Map.to_list(state.producers)
    {_ref, state} = begin_to(to, {ref, reason}, options, state)
    {:reply, :ok, state}
  end

  def handle_call({:cancel_all, reason}, _from, state) do
    state = Enum.reduce(Map.keys(state.consumers), state, &end_consumer(&1, reason, &2))
    {:reply, :ok, state}
  end

  def handle_call({:"$subscribe", current, to, options}, _from, state) do
    {ref, state} = begin_to(to, current, options, state)
    {:reply, {:ok, ref}, state}
  end

  def handle_call(:"$estimate_buffered_count", _from, state), do: {:reply, buffered(state), state}

  def handle_call({:"$info", message}, _from, state) do
    {:reply, :ok, %{state | log: [{:info, message} | state.log]}}
  end

  @impl true
  def handle_cast({:"$subscribe", current, to, options}, state) do
    {_ref, state} = begin_to(to, current, options, state)
    {:noreply, state}
  end

  # As a producer

  @impl true
  def handle_info({:"$gen_producer", {pid, ref}, what}, state) do
    state = %{state | log: [what | state.log]}

    case {what, state.consumers} do
      {{:subscribe, _, _}, %{^ref => _}} ->
        tell_consumer(pid, ref, {:cancel, :duplicated_subscription})
        {:noreply, state}

      {{:subscribe, current, options}, _} ->
        state =
          case current do
            nil -> state
            {old, reason} -> end_consumer(old, reason, state)
          end

        {:noreply, admit(pid, ref, options, state)}

      {{:ask, demand}, %{^ref => _}} when is_integer(demand) and demand > 0 ->
        {:noreply, asked(ref, demand, state)}

      {{:ask, _}, %{^ref => _}} ->
        {:noreply, state}

      {{:ask, _}, _} ->
        tell_consumer(pid, ref, {:cancel, :unknown_subscription})
        {:noreply, state}

      {{:cancel, reason}, _} ->
        {:noreply, end_consumer(ref, reason, state)}
    end
  end

  # As a consumer

  def handle_info({:"$gen_consumer", {pid, ref}, events}, state) when is_list(events) do
    case state.producers do
      %{^ref => source} ->
        source = if is_pid(source.to), do: source, else: %{source | to: pid}
        state = put_in(state.producers[ref], source)
        if state.kind == :both, do: {:noreply, take(%{state | waiting: state.waiting ++ [{ref, events}]})}, else: {:noreply, handled(ref, events, state)}

      _ ->
        tell_producer(pid, ref, {:cancel, :unknown_subscription})
        {:noreply, state}
    end
  end

  def handle_info({:"$gen_consumer", {_pid, ref}, {:cancel, reason} = what}, state) do
    state = %{state | log: [what | state.log]}

    case state.producers do
      %{^ref => _} ->
        Process.demonitor(ref, [:flush])
        ended(ref, reason, state)

      _ ->
        {:noreply, state}
    end
  end

  def handle_info({:DOWN, ref, :process, _, reason}, state) do
    state = %{state | log: [{:down, reason} | state.log]}

    cond do
      is_map_key(state.producers, ref) ->
        ended(ref, reason, state)

      true ->
        {tag, _} = Enum.find(state.consumers, fn {_, consumer} -> consumer.monitor == ref end)
        {:noreply, end_consumer(tag, reason, state)}
    end
  end

  # The half that has consumers

  defp admit(pid, ref, options, state) do
    consumer = %{pid: pid, monitor: Process.monitor(pid), demand: 0, partition: options[:partition]}
    %{state | consumers: Map.put(state.consumers, ref, consumer), order: state.order ++ [ref]}
  end

  defp end_consumer(ref, reason, state) do
    case state.consumers do
      %{^ref => consumer} ->
        Process.demonitor(consumer.monitor, [:flush])
        tell_consumer(consumer.pid, ref, {:cancel, reason})
        before = open(state)
        state = %{state | consumers: Map.delete(state.consumers, ref), order: List.delete(state.order, ref)}
        produce(max(0, open(state) - before), state) # a broadcast may have waited for that one

      _ ->
        state
    end
  end

  defp asked(ref, demand, state) do
    before = open(state)
    state = update_in(state.consumers[ref].demand, &(&1 + demand))

    case state.dispatcher do
      :broadcast -> produce(open(state) - before, state)
      _ -> produce(demand, state)
    end
  end

  # What all together have asked for.
  defp open(%{dispatcher: :broadcast, consumers: consumers}) when map_size(consumers) == 0, do: 0

  defp open(%{dispatcher: :broadcast, consumers: consumers}),
    do: consumers |> Enum.map(fn {_, c} -> c.demand end) |> Enum.min()

  defp open(%{consumers: consumers}), do: consumers |> Enum.map(fn {_, c} -> c.demand end) |> Enum.sum()

  defp produce(demand, %{kind: :both} = state) when demand >= 0, do: take(dispatch(state))

  defp produce(demand, state) do
    last = min(state.next + demand, state.limit)
    events = if last > state.next, do: Enum.to_list(state.next..(last - 1)), else: []
    dispatch(queue(events, %{state | next: last}))
  end

  defp queue(events, %{dispatcher: {:partition, names}} = state) do
    Enum.reduce(events, state, fn event, acc ->
      name = Enum.at(names, :erlang.phash2(event, length(names)))
      %{acc | queues: Map.update(acc.queues, name, [event], &(&1 ++ [event]))}
    end)
  end

  defp queue(events, state), do: %{state | queues: Map.update(state.queues, :all, events, &(&1 ++ events))}

  defp buffered(state), do: state.queues |> Enum.map(fn {_, events} -> length(events) end) |> Enum.sum()

  defp dispatch(%{dispatcher: :demand} = state) do
    events = Map.get(state.queues, :all, [])
    greediest = Enum.max_by(state.order, &state.consumers[&1].demand, fn -> nil end)

    if events == [] or greediest == nil or state.consumers[greediest].demand == 0 do
      state
    else
      {now, rest} = Enum.split(events, state.consumers[greediest].demand)
      state = give(greediest, now, state)
      dispatch(%{state | queues: Map.put(state.queues, :all, rest)})
    end
  end

  defp dispatch(%{dispatcher: :broadcast} = state) do
    {now, rest} = Enum.split(Map.get(state.queues, :all, []), open(state))
    if now == [], do: state, else: %{Enum.reduce(state.order, state, &give(&1, now, &2)) | queues: %{all: rest}}
  end

  defp dispatch(%{dispatcher: {:partition, _}} = state) do
    Enum.reduce(state.order, state, fn ref, acc ->
      %{partition: name, demand: demand} = acc.consumers[ref]
      {now, rest} = Enum.split(Map.get(acc.queues, name, []), demand)
      if now == [], do: acc, else: give(ref, now, %{acc | queues: Map.put(acc.queues, name, rest)})
    end)
  end

  defp give(ref, events, state) do
    tell_consumer(state.consumers[ref].pid, ref, events)
    update_in(state.consumers[ref].demand, &(&1 - length(events)))
  end

  defp tell_consumer(pid, ref, what), do: send(pid, {:"$gen_consumer", {self(), ref}, what})

  # The half that has producers

  defp begin_to(to, current, options, state) do
    ref = Process.monitor(to)
    max = Keyword.get(options, :max_demand, 1000)
    min = Keyword.get(options, :min_demand, div(max, 2))
    tell_producer(to, ref, {:subscribe, current, options})
    if state.mode == :automatic, do: tell_producer(to, ref, {:ask, max})
    source = %{to: to, min: min, max: max, left: max, cancel: Keyword.get(options, :cancel, :permanent)}
    {ref, put_in(state.producers[ref], source)}
  end

  # Both: events are taken while some are asked for.
  defp take(%{waiting: [{ref, events} | rest]} = state) do
    if open(state) > buffered(state), do: take(handled(ref, events, %{state | waiting: rest})), else: state
  end

  defp take(state), do: state

  defp handled(_ref, [], state), do: state

  defp handled(ref, events, state) do
    %{max: max, min: min} = state.producers[ref]
    {batch, rest} = if state.mode == :manual, do: {events, []}, else: Enum.split(events, max - min)
    state = %{state | events: Enum.reverse(batch, state.events)}
    state = if state.kind == :both, do: dispatch(queue(Enum.map(batch, &{:seen, &1}), state)), else: state
    handled(ref, rest, if(state.mode == :manual, do: state, else: ask_again(ref, length(batch), state)))
  end

  # Asks again when min or fewer are left.
  defp ask_again(ref, count, state) do
    %{to: to, max: max, min: min, left: left} = state.producers[ref]
    left = left - count

    if left <= min do
      tell_producer(to, ref, {:ask, max - left})
      put_in(state.producers[ref].left, max)
    else
      put_in(state.producers[ref].left, left)
    end
  end

  # The end of a subscription is that of its consumer, where its mode says so.
  defp ended(ref, reason, state) do
    {%{cancel: mode}, producers} = Map.pop(state.producers, ref)
    state = %{state | producers: producers}
    orderly = reason in [:normal, :shutdown] or match?({:shutdown, _}, reason)

    if mode == :permanent or (mode == :transient and not orderly),
      do: {:stop, reason, state},
      else: {:noreply, state}
  end

  defp tell_producer(to, ref, what), do: send(to, {:"$gen_producer", {self(), ref}, what})
end
