import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { environment, freePort, poll, run, type Running } from "./erlang.ts";
import { COOKIE } from "./interop.ts";

/** A server written in Erlang, as Debian packages it, on ports and in a folder of its own. */
export interface Application extends Running {
  /** The node that it is. */
  readonly name: string;
}

/** The first folder in `parent` whose name begins so; `null` where there is none. */
function folderOf(parent: string, prefix: string): string | null {
  if (!existsSync(parent)) return null;
  const name = readdirSync(parent).sort().find((name) => name.startsWith(prefix));
  return name === undefined ? null : join(parent, name);
}

const RABBITMQ = folderOf("/usr/lib/rabbitmq/lib", "rabbitmq_server-");
const LIBRARIES = ["x86_64", "aarch64"].map((machine) => `/usr/lib/${machine}-linux-gnu`)
  .find((folder) => folderOf(folder, "ejabberd-") !== null);

export const needsRabbitmq: string | false = RABBITMQ === null && "RabbitMQ is not installed";
export const needsEjabberd: string | false = LIBRARIES === undefined && "ejabberd is not installed";

/** Starts a broker without plug-ins, and waits until it is up. */
export async function startRabbitmq(epmdPort: number): Promise<Application> {
  const folder = mkdtempSync(join(tmpdir(), "ergo-rabbitmq-"));
  const file = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  const port = String(await freePort());
  const env = {
    ...environment(epmdPort),
    HOME: folder,
    RUNNING_UNDER_SYSTEMD: "1", // the script becomes the broker, so that ending the one ends the other
    RABBITMQ_NODENAME: "rabbit@localhost",
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: `-setcookie ${COOKIE}`,
    RABBITMQ_NODE_PORT: port,
    RABBITMQ_DIST_PORT: String(await freePort()),
    RABBITMQ_CONF_ENV_FILE: "/dev/null",
    RABBITMQ_CONFIG_FILE: file("rabbitmq.conf", `listeners.tcp.1 = 127.0.0.1:${port}\n`),
    RABBITMQ_ADVANCED_CONFIG_FILE: join(folder, "none.config"),
    RABBITMQ_ENABLED_PLUGINS_FILE: file("enabled_plugins", "[]."),
    RABBITMQ_PID_FILE: join(folder, "pid"),
    RABBITMQ_MNESIA_BASE: join(folder, "mnesia"),
    RABBITMQ_LOG_BASE: join(folder, "log"),
    RABBITMQ_LOGS: "-",
  };
  const running = run(join(RABBITMQ!, "sbin", "rabbitmq-server"), [], env);
  return await up(
    "rabbit@localhost",
    folder,
    running,
    () => running.output().includes("Server startup complete"),
  );
}

/** Starts a server with the one virtual host `localhost`, which listens nowhere, and waits until it is up. */
export async function startEjabberd(epmdPort: number): Promise<Application> {
  const folder = mkdtempSync(join(tmpdir(), "ergo-ejabberd-"));
  const config = join(folder, "ejabberd.yml");
  writeFileSync(config, "hosts: [localhost]\nloglevel: info\nlisten: []\nmodules: {}\n");
  const spool = join(folder, "spool");
  mkdirSync(spool);
  const env = {
    ...environment(epmdPort),
    HOME: folder,
    ERL_LIBS: LIBRARIES,
    EJABBERD_CONFIG_PATH: config,
    EJABBERD_LOG_PATH: join(folder, "ejabberd.log"),
  };
  const name = "ejabberd@localhost";
  const running = run("erl", [
    ...["-noinput", "-sname", name, "-setcookie", COOKIE, "-start_epmd", "false"],
    ...["-mnesia", "dir", JSON.stringify(spool), "-s", "ejabberd"],
  ], env);
  return await up(
    name,
    folder,
    running,
    () => /ejabberd .*is started in the node/.test(running.output()),
  );
}

async function up(
  name: string,
  folder: string,
  running: Running,
  isUp: () => boolean,
): Promise<Application> {
  const remove = (): void => rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  process.on("exit", remove);
  const kill = async (): Promise<void> => {
    await running.kill();
    process.off("exit", remove);
    remove();
  };
  const ended = running.exited.then(() => {
    throw new Error(`${name} has ended:\n${running.output()}`);
  });
  try {
    await Promise.race([poll(isUp, running, 60_000), ended]);
  } catch (error) {
    await kill();
    throw error;
  }
  ended.catch(() => {});
  return { ...running, name, kill, [Symbol.asyncDispose]: kill };
}
