# The Elixir side of gen_stage.ts: orders, as many as are asked for. gen_stage.ts starts it; by hand:
#
#     elixir --sname orders@localhost --cookie C examples/gen_stage.exs 24
#
# With GenStage from Hex ({:gen_stage, "~> 1.2"}) the module would be this, and its consumers would not see a difference:
#
#     defmodule Orders do
#       use GenStage
#       def start(last), do: GenStage.start(__MODULE__, last, name: __MODULE__)
#       def init(last), do: {:producer, {1, last}}
#       def handle_demand(_demand, {next, last}) when next > last, do: ... stop ...
#       def handle_demand(demand, {next, last}), do: {:noreply, orders, {next + demand, last}}
#     end
#
# Here it is in plain Elixir, so that this runs without a download: the messages that a producer gets, and gives.
defmodule Orders do
  use GenServer

  @cakes ["cheese cake", "sacher torte", "carrot cake"]

  def start(last), do: GenServer.start(__MODULE__, last, name: __MODULE__)

  @impl true
  def init(last), do: {:ok, %{next: 1, last: last, consumers: %{}}}

  @impl true
  def handle_info({:"$gen_producer", {pid, tag}, {:subscribe, _current, _options}}, state) do
    {:noreply, put_in(state.consumers[tag], {pid, Process.monitor(pid)})}
  end

  # All are made: the end of the producer ends the subscriptions, in order.
  def handle_info({:"$gen_producer", _from, {:ask, _}}, %{next: next, last: last} = state) when next > last do
    {:stop, :normal, state}
  end

  def handle_info({:"$gen_producer", {pid, tag}, {:ask, demand}}, %{next: next, last: last} = state) do
    until = min(next + demand - 1, last)
    IO.puts("#{demand} more are asked for: makes #{Enum.join(next..until, " ")}")
    orders = for number <- next..until, do: {number, Enum.at(@cakes, rem(number, 3))}
    send(pid, {:"$gen_consumer", {self(), tag}, orders})
    {:noreply, %{state | next: until + 1}}
  end

  def handle_info({:"$gen_producer", {pid, tag}, {:cancel, reason}}, state) do
    send(pid, {:"$gen_consumer", {self(), tag}, {:cancel, reason}})
    {:noreply, forget(tag, state)}
  end

  def handle_info({:DOWN, ref, :process, _pid, _reason}, state) do
    {tag, _} = Enum.find(state.consumers, fn {_, {_, monitor}} -> monitor == ref end)
    {:noreply, forget(tag, state)}
  end

  defp forget(tag, state) do
    {{_, monitor}, consumers} = Map.pop(state.consumers, tag, {nil, nil})
    if monitor, do: Process.demonitor(monitor, [:flush])
    %{state | consumers: consumers}
  end
end

[last] = System.argv()
{:ok, orders} = Orders.start(String.to_integer(last))
ref = Process.monitor(orders)
IO.puts("ready")

# It ends with its producer, or with the program that has started it, whose end closes this input.
spawn(fn -> IO.read(:eof) && System.halt(1) end)

receive do
  {:DOWN, ^ref, :process, _pid, reason} -> IO.puts("the orders have ended: #{inspect(reason)}")
end
