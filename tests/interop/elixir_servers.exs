# What a TypeScript node finds on an Elixir node: a GenServer, an Agent, tasks.
defmodule Shop.Order do
  defstruct [:id, :customer, lines: []]
end

defmodule Shop.Orders do
  use GenServer

  def start, do: GenServer.start(__MODULE__, %{}, name: __MODULE__)

  @impl true
  def init(orders), do: {:ok, orders}

  @impl true
  def handle_call({:place, customer, lines}, _from, orders) do
    order = %Shop.Order{id: map_size(orders) + 1, customer: customer, lines: lines}
    {:reply, {:ok, order}, Map.put(orders, order.id, order)}
  end

  def handle_call({:fetch, id}, _from, orders) do
    case orders do
      %{^id => order} -> {:reply, {:ok, order}, orders}
      _ -> {:reply, {:error, :not_found}, orders}
    end
  end

  def handle_call({:slow, ms}, from, orders) do
    spawn(fn ->
      Process.sleep(ms)
      GenServer.reply(from, :done)
    end)

    {:noreply, orders}
  end

  def handle_call({:raise, text}, _from, _orders), do: raise(text)
  def handle_call(:count, _from, orders), do: {:reply, map_size(orders), orders}

  @impl true
  def handle_cast({:forget, id}, orders), do: {:noreply, Map.delete(orders, id)}
  def handle_cast({:stop, reason}, orders), do: {:stop, reason, orders}

  @impl true
  def handle_info({:ping, from}, orders) do
    send(from, {:pong, self()})
    {:noreply, orders}
  end
end

defmodule Shop.Work do
  def fails, do: raise(ArgumentError, "no such colour")
  def ends, do: exit({:shutdown, :done})
  def waits, do: Process.sleep(:infinity)
end

Logger.configure(level: :none)
{:ok, _} = Shop.Orders.start()
{:ok, _} = Agent.start(fn -> %{colour: "grün"} end, name: Shop.Settings)
{:ok, tasks} = Task.Supervisor.start_link(name: Shop.Tasks)
Process.unlink(tasks)
