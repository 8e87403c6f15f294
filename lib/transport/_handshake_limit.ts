import { clearTimeout, setTimeout } from "node:timers";
import type { NodeSocket } from "./_node_driver.ts";
import type { NodeServer } from "./_node_socket.ts";

/**
 * Closes connections to a TLS server whose handshake takes too long. The `handshakeTimeout` of node:tls does nothing in Deno
 * and Bun, and in Node it only tells.
 *
 * @param ms Milliseconds that a handshake may take.
 * @returns Gives up all that are under way.
 */
export function limitHandshakes(server: NodeServer, ms: number): () => void {
  // The socket that comes with "connection" is another one than that of "secureConnection"; the peer's address is the same.
  const waiting = new Map<string, { socket: NodeSocket; timer: ReturnType<typeof setTimeout> }>();
  function stop(key: string): void {
    clearTimeout(waiting.get(key)?.timer);
    waiting.delete(key);
  }
  server.on("connection", (socket) => {
    const key = peer(socket);
    const timer = setTimeout(() => socket.destroy(), ms);
    timer.unref();
    waiting.set(key, { socket, timer });
    socket.on("close", () => stop(key));
  });
  server.on("secureConnection", (socket) => stop(peer(socket)));
  return () => {
    for (const { socket } of waiting.values()) socket.destroy();
  };
}

function peer(socket: NodeSocket): string {
  return `${socket.remoteAddress}:${socket.remotePort}`;
}
