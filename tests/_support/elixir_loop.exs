# Evaluates what comes on a connection to the port that it is given, and ends with it. See erlang.ts for the protocol.
[port] = System.argv()
{:ok, socket} = :gen_tcp.connect({127, 0, 0, 1}, String.to_integer(port), [:binary, packet: 4, active: true])

answer = fn id, tag, text -> :gen_tcp.send(socket, [<<id::32, tag>>, text]) end

evaluate = fn id, text ->
  try do
    {value, _binding} = Code.eval_string(text)
    answer.(id, ?o, inspect(value, limit: :infinity))
  catch
    kind, reason -> answer.(id, ?e, Exception.format(kind, reason, __STACKTRACE__))
  end
end

loop = fn loop ->
  receive do
    {:tcp, ^socket, <<id::32, text::binary>>} ->
      spawn(fn -> evaluate.(id, text) end)
      loop.(loop)

    {:tcp_closed, ^socket} ->
      System.halt()
  end
end

loop.(loop)
