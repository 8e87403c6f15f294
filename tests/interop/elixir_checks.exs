# The conformance node, driven from Elixir: each function Name_test is a check, as in the .erl files.
defmodule ElixirChecks do
  defmodule User do
    defstruct [:name, :age, tags: []]
  end

  def run(check, node) do
    task = Task.async(fn ->
      Process.flag(:trap_exit, false)
      apply(__MODULE__, check, [node])
      Process.info(self(), :messages)
    end)

    {:messages, []} = Task.await(task, 50_000)
    :ok
  end

  def connect_and_ping_test(node) do
    true = Node.connect(node)
    :pong = Node.ping(node)
    published = :checks.is_published()
    ^published = node in Node.list()
    ^published = node not in Node.list(:hidden)
  end

  def call_test(node) do
    :hello = GenServer.call({:echo, node}, {:echo, :hello})
    pid = pid_of(node)
    :hello = GenServer.call(pid, {:echo, :hello})
    :hello = GenServer.call(pid, {:echo, :hello}, :infinity)
  end

  def cast_test(node) do
    :ok = GenServer.cast({:counter, node}, :reset)
    for n <- 1..100, do: :ok = GenServer.cast({:counter, node}, {:add, n})
    5050 = GenServer.call({:counter, node}, :get)
    :abcast = GenServer.abcast([node], :counter, :reset)
    0 = GenServer.call({:counter, node}, :get)
  end

  def multi_call_test(node) do
    {[{^node, :hello}], []} = GenServer.multi_call([node], :echo, {:echo, :hello})
    {[], [^node]} = GenServer.multi_call([node], :no_such_name, :hello, 20_000)
  end

  def send_test(node) do
    me = self()
    send({:echo, node}, {:info, me, "tag", %{a: 1.0}})
    receive do: ({"tag", %{a: 1.0}, pid} when node(pid) == node -> :ok)
    :ok = Process.send({:echo, node}, {:info, me, 2, nil}, [:noconnect])
    receive do: ({2, nil, _} -> :ok)
    send(plain(node), {:send, me, :from_plain})
    receive do: (:from_plain -> :ok)
  end

  def supervisor_test(node) do
    sup = {:sup, node}
    %{specs: 3, active: 3, supervisors: 0, workers: 3} = Supervisor.count_children(sup)
    [:crasher, :b, :a] = for {id, pid, :worker, _} <- Supervisor.which_children(sup), is_pid(pid), do: id
    {:ok, spec} = :supervisor.get_childspec(sup, :a)
    {:ok, pid} = Supervisor.start_child(sup, %{spec | id: {:user, "Zoë"}})
    3 = GenServer.call(pid, {:add, 3})
    {:error, {:already_started, ^pid}} = Supervisor.start_child(sup, %{spec | id: {:user, "Zoë"}})
    :ok = Supervisor.terminate_child(sup, {:user, "Zoë"})
    {:ok, pid} = Supervisor.restart_child(sup, {:user, "Zoë"})
    0 = GenServer.call(pid, :get)
    {:error, :running} = Supervisor.delete_child(sup, {:user, "Zoë"})
    :ok = Supervisor.terminate_child(sup, {:user, "Zoë"})
    :ok = Supervisor.delete_child(sup, {:user, "Zoë"})
    {:error, :not_found} = Supervisor.restart_child(sup, {:user, "Zoë"})
  end

  def a_late_reply_is_dropped_test(node) do
    {:timeout, _} = catch_exit(fn -> GenServer.call({:echo, node}, {:hold, :elixir}, 20) end)
    :ok = GenServer.call({:echo, node}, {:release, :elixir, :late})
    :fence = GenServer.call({:echo, node}, {:later, 20, :fence})
  end

  def call_to_nobody_test(node) do
    {:noproc, _} = catch_exit(fn -> GenServer.call({:no_such_name, node}, :hello) end)

    {{:bad_request, [], message}, {GenServer, :call, _}} =
      catch_exit(fn -> GenServer.call({:echo, node}, :no_such_request) end)

    true = String.valid?(message)
  end

  def every_kind_of_term_comes_back_test(node) do
    terms = [
      nil, true, false, :undefined, :null, Elixir, :"Elixir.Zoë", 0, -1, 2 ** 64, -(2 ** 2000), 1.0, -0.5, 1.0e300,
      "", "Zoë", "日本", <<255, 0>>, <<5::3>>, ~c"charlist", ~c"Zoë", [], [1 | 2], {}, {:ok, "x"}, %{}, %{1 => 1, 1.0 => 2},
      %{"k" => %{nested: [1.0, nil]}}, [a: 1, b: 2], %User{name: "Zoë", age: 7}, %User{tags: [%User{}]},
      1..10, 1..10//3, MapSet.new([1, :a, "b"]), ~D[2024-02-29], ~T[12:30:00.000001], ~U[2024-02-29 12:30:00Z],
      ~N[2024-02-29 12:30:00], ~r/a+/i, %RuntimeError{message: "boom"}, %URI{host: "localhost", port: 80},
      self(), make_ref(), hd(Port.list()), &String.length/1, fn x -> x end, node()
    ]

    for term <- terms do
      reply = GenServer.call({:echo, node}, {:echo, term})
      true = reply === term
      true = :erlang.term_to_binary(reply) == :erlang.term_to_binary(term)
    end
  end

  def a_large_binary_comes_back_test(node) do
    binary = :crypto.strong_rand_bytes(16 * 1024 * 1024)
    ^binary = GenServer.call({:echo, node}, {:echo, binary}, 20_000)
  end

  def monitor_test(node) do
    for reason <- [:normal, :shutdown, {:shutdown, :x}, :boom, :kill, {%RuntimeError{message: "x"}, []}, "text", nil, 1.0] do
      pid = plain(node)
      ref = Process.monitor(pid)
      send(pid, {:exit, reason})
      receive do: ({:DOWN, ^ref, :process, ^pid, down} -> true = down === reason)
    end

    ref = Process.monitor({:no_such_name, node})
    receive do: ({:DOWN, ^ref, :process, {:no_such_name, ^node}, :noproc} -> :ok)
    pid = plain(node)
    ref = Process.monitor(pid)
    Process.exit(pid, :kill)
    receive do: ({:DOWN, ^ref, :process, ^pid, :killed} -> :ok)
  end

  def monitor_taken_back_test(node) do
    pid = plain(node)
    [ref, other] = [Process.monitor(pid), Process.monitor(pid)]
    true = Process.demonitor(ref)
    send(pid, {:exit, :boom})
    receive do: ({:DOWN, ^other, :process, ^pid, :boom} -> :ok)
  end

  def link_test(node) do
    Process.flag(:trap_exit, true)
    pid = plain(node)
    Process.link(pid)
    send(pid, {:exit, {:shutdown, "Zoë"}})
    receive do: ({:EXIT, ^pid, {:shutdown, "Zoë"}} -> :ok)
    unlinked = plain(node)
    Process.link(unlinked)
    Process.unlink(unlinked)
    send(unlinked, {:exit, :boom})
    down(unlinked)
  end

  def spawn_test(node) do
    Process.flag(:trap_exit, true)
    pid = Node.spawn_link(node, :demo, :loop, [])
    send(pid, {:send, self(), :obeys})
    receive do: (:obeys -> :ok)
    send(pid, {:exit, :boom})
    receive do: ({:EXIT, ^pid, :boom} -> :ok)
    {pid, ref} = Node.spawn_monitor(node, :demo, :nothing, [1])
    receive do: ({:DOWN, ^ref, :process, ^pid, {:undef, [{:demo, :nothing, [1], []}]}} -> :ok)
    fun = fn -> :ok end
    closure = Node.spawn_link(node, fun)
    receive do: ({:EXIT, ^closure, {:undef, [{:erlang, :apply, [^fun, []], []}]}} -> :ok)
  end

  def erpc_test(node) do
    3 = :erpc.call(node, :demo, :sum, [1, 2])
    {:exit, {:exception, :boom}} = caught(fn -> :erpc.call(node, :demo, :boom, []) end)
    {:error, %ErlangError{original: {:exception, :undef, _}}} = caught(fn -> :erpc.call(node, Demo, :sum, []) end)
    {:badrpc, {:EXIT, {:undef, _}}} = :rpc.call(node, Demo, :sum, [])
  end

  def tasks_call_at_once_test(node) do
    answers =
      1..200
      |> Task.async_stream(&GenServer.call({:echo, node}, {:later, rem(&1, 7), &1}), max_concurrency: 200)
      |> Enum.map(fn {:ok, answer} -> answer end)

    true = answers == Enum.to_list(1..200)
  end

  def reconnect_test(node) do
    for n <- 1..5 do
      true = Node.disconnect(node)
      up(node, 1000)
      ^n = GenServer.call({:echo, node}, {:echo, n})
    end
  end

  def it_calls_a_gen_server_here_test(node) do
    {:ok, server} = Agent.start_link(fn -> %{count: 1.0} end)
    # an Agent of another node takes functions by name only, as {M, F, A}
    %{count: 1.0} = GenServer.call({:spawner, node}, {:call, server, {:get, {Function, :identity, []}}})
    {:error, :noproc} = GenServer.call({:spawner, node}, {:call, {NoSuchServer, node()}, :hello})
    Agent.stop(server)
  end

  defp up(node, tries) when tries > 0 do
    if Node.ping(node) == :pang do
      Process.sleep(50)
      up(node, tries - 1)
    end
  end

  defp plain(node), do: GenServer.call({:echo, node}, :plain)

  defp pid_of(node) do
    send({:echo, node}, {:info, self(), :tag, :term})
    receive do: ({:tag, :term, pid} -> pid)
  end

  defp down(pid) do
    ref = Process.monitor(pid)
    receive do: ({:DOWN, ^ref, :process, ^pid, _} -> :ok)
  end

  defp catch_exit(fun), do: with({:exit, reason} <- caught(fun), do: reason)

  defp caught(fun) do
    {:returned, fun.()}
  rescue
    error -> {:error, error}
  catch
    kind, reason -> {kind, reason}
  end
end
