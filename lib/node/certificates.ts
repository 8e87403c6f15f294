import { namesInstead } from "../_util/fields.ts";
import type { NodeTls, TlsOption } from "./remote/tls_option.ts";
import type { Platform } from "../platform/contract.ts";
import type { TlsOptions } from "../transport/contract.ts";

/** Whom the settings are to serve. */
export type TlsSide = "client" | "server";

const NAMES: Readonly<Record<keyof NodeTls, true>> = {
  cert: true,
  key: true,
  ca: true,
  serverName: true,
  verify: true,
  requestCert: true,
  minVersion: true,
  maxVersion: true,
};

/** TLS settings with the texts of their files, which can be read again. */
export class Certificates {
  readonly #what: string;
  readonly #sides: readonly TlsSide[];
  readonly #platform: Pick<Platform, "readTextFile">;
  #option: TlsOption;
  #current: TlsOptions | null = null;

  private constructor(
    what: string,
    option: TlsOption,
    sides: readonly TlsSide[],
    platform: Pick<Platform, "readTextFile">,
  ) {
    this.#what = what;
    this.#option = option;
    this.#sides = sides;
    this.#platform = platform;
  }

  /**
   * @param what The verb and the thing for messages, as "start a node with option tls".
   * @throws {TypeError} if there is something in the settings that does not exist.
   * @throws {TransportError} if they cannot be used.
   */
  static async load(
    what: string,
    option: TlsOption,
    sides: readonly TlsSide[],
    platform: Pick<Platform, "readTextFile">,
  ): Promise<Certificates> {
    const certificates = new Certificates(what, option, sides, platform);
    await certificates.reload();
    return certificates;
  }

  /** The settings for a connection that begins now. */
  async current(): Promise<TlsOptions> {
    if (this.#current !== null) return this.#current;
    return await this.#read(this.#option);
  }

  /** Reads the files again, or takes new settings. Where that fails the old ones stay. */
  async reload(option: TlsOption = this.#option): Promise<void> {
    const read = await this.#read(option);
    this.#option = option;
    this.#current = typeof option === "function" ? null : read;
  }

  async #read(option: TlsOption): Promise<TlsOptions> {
    const settings = typeof option === "function" ? await option() : option;
    checkShape(this.#what, settings);
    const { cert, key, ca, ...rest } = settings;
    const options: TlsOptions = {
      ...rest,
      cert: await this.#text("cert", cert),
      key: await this.#text("key", key),
      ca: ca === undefined
        ? undefined
        : await Promise.all([ca].flat().map((one) => this.#text("ca", one) as Promise<string>)),
    };
    const { checkSettings } = await import("../transport/tls_settings.ts");
    for (const side of this.#sides) checkSettings(this.#what, side, options);
    return options;
  }

  async #text(name: string, text: string | undefined): Promise<string | undefined> {
    if (text === undefined || text.includes("-----BEGIN ")) return text;
    if (text === "" || text.includes("\n")) {
      throw new TypeError(
        `Cannot ${this.#what}: \`${name}\` is no PEM text (-----BEGIN ...), give one, or the path of its file`,
      );
    }
    try {
      return await this.#platform.readTextFile(text);
    } catch (cause) {
      const why = (cause as Error).message;
      throw new TypeError(`Cannot ${this.#what}: the file of \`${name}\` cannot be read: ${why}`, {
        cause,
      });
    }
  }
}

/** Refuses what is no TLS settings at all. @throws {TypeError} */
export function checkTlsOption(what: string, option: unknown): asserts option is TlsOption {
  if (typeof option !== "function") checkShape(what, option);
}

function checkShape(what: string, settings: unknown): asserts settings is NodeTls {
  if (typeof settings !== "object" || settings === null) {
    throw new TypeError(
      `Cannot ${what}: ${
        String(settings)
      } are no TLS settings, give { cert, key, ca } or a function that gives them`,
    );
  }
  for (const [name, value] of Object.entries(settings)) {
    if (!Object.hasOwn(NAMES, name)) {
      const instead = namesInstead(name, Object.keys(NAMES));
      throw new TypeError(`Cannot ${what}: TLS has no setting ${name}, ${instead}`);
    }
    if (value === undefined) continue;
    const wanted = name === "verify" || name === "requestCert" ? "boolean" : "string";
    const fits = typeof value === wanted ||
      name === "ca" && Array.isArray(value) && value.every((one) => typeof one === "string");
    if (!fits) throw new TypeError(`Cannot ${what}: TLS setting ${name} must be a ${wanted}`);
  }
}
