import { assert, assertEquals } from "@std/assert";
import { test } from "node:test";
import {
  address,
  brokenError,
  codeOf,
  connectError,
  listenError,
  unsupported,
} from "../../lib/transport/_errors.ts";

function coded(code: string): Error {
  return Object.assign(new Error("as the runtime says it"), { code });
}

test("codes are the system's, whatever a runtime calls the fault", () => {
  assertEquals(codeOf(coded("ECONNREFUSED")), "ECONNREFUSED");
  assertEquals(codeOf(coded("EAI_AGAIN")), "ENOTFOUND");
  assertEquals(codeOf(new Error("failed to lookup address information: unknown")), "ENOTFOUND");
  assertEquals(codeOf(coded("UNABLE_TO_VERIFY_LEAF_SIGNATURE")), "EPROTO");
  assertEquals(codeOf(coded("ERR_TLS_CERT_ALTNAME_INVALID")), "EPROTO");
  for (
    const [name, code] of [["NotCapable", "EACCES"], ["TimedOut", "ETIMEDOUT"], [
      "AddrInUse",
      "EADDRINUSE",
    ]]
  ) {
    assertEquals(codeOf(Object.assign(new Error(), { name })), code);
  }
  assertEquals(codeOf(new Error("whatever")), "EIO");
  assertEquals(codeOf(undefined), "EIO");
});

test("a message names what was tried, the state and the code, and keeps the cause", () => {
  const cause = coded("ETIMEDOUT");
  const error = connectError("::1", 4369, cause);
  assertEquals(error.message, "Cannot connect to [::1]:4369: no answer (ETIMEDOUT)");
  assert(error.cause === cause);
  assertEquals(
    listenError("0.0.0.0", 80, coded("EACCES")).message,
    "Cannot listen on 0.0.0.0:80: not permitted (EACCES)",
  );
  assertEquals(
    brokenError({ host: "10.0.0.1", port: 5 }, coded("EWEIRD")).message,
    "Cannot keep the connection to 10.0.0.1:5: as the runtime says it (EWEIRD)",
  );
  assertEquals(
    connectError("a", 1, undefined).message,
    "Cannot connect to a:1: the reason is not known (EIO)",
  );
});

test("an error of this room is passed on as it is", () => {
  const error = unsupported("this", "tls", "leave it out");
  assert(connectError("a", 1, error) === error);
  assertEquals(
    [error.code, error.message],
    ["ENOTSUP", "Cannot use the option `tls`: this does not support it, leave it out"],
  );
});

test("an IPv4 address is shown as one where it came in over IPv6", () => {
  assertEquals(address("::ffff:10.0.0.1", 4), { host: "10.0.0.1", port: 4 });
  assertEquals(address("::1", 4), { host: "::1", port: 4 });
  assertEquals(address(undefined, undefined), { host: "", port: 0 });
});
