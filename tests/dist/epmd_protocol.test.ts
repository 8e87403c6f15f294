import { test } from "node:test";
import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  decodeAliveResponse,
  decodeDump,
  decodeEpmdRequest,
  decodeNames,
  decodePortResponse,
  encodeAliveResponse,
  encodeDump,
  encodeEpmdRequest,
  encodeKillResponse,
  encodeNames,
  encodePortResponse,
  encodeStopResponse,
  type EpmdNode,
  EpmdProtocolError,
  type EpmdRequest,
} from "../../lib/dist/epmd_protocol.ts";

const NODE: EpmdNode = {
  name: "ab",
  port: 0x1234,
  type: 72,
  protocol: 0,
  highest: 6,
  lowest: 5,
  extra: Uint8Array.of(7, 8, 9),
};
const NODE_BYTES = [0x12, 0x34, 72, 0, 0, 6, 0, 5, 0, 2, 97, 98, 0, 3, 7, 8, 9];

const REQUESTS: readonly [request: EpmdRequest, bytes: readonly number[]][] = [
  [{ type: "alive2", node: NODE }, [0, 18, 120, ...NODE_BYTES]],
  [{ type: "port_please2", name: "ab" }, [0, 3, 122, 97, 98]],
  [{ type: "names" }, [0, 1, 110]],
  [{ type: "dump" }, [0, 1, 100]],
  [{ type: "kill" }, [0, 1, 107]],
  [{ type: "stop", name: "é" }, [0, 3, 115, 0xc3, 0xa9]],
];

for (const [request, bytes] of REQUESTS) {
  test(`${request.type}: to the byte, both ways, and complete with its last byte`, () => {
    assertEquals([...encodeEpmdRequest(request)], bytes);
    assertEquals(decodeEpmdRequest(Uint8Array.from(bytes)), request);
    assertEquals(decodeEpmdRequest(Uint8Array.from([...bytes, 1, 2])), request);
    for (let length = 0; length < bytes.length; length++) {
      assertEquals(decodeEpmdRequest(Uint8Array.from(bytes.slice(0, length))), null);
    }
  });
}

test("what erl 25 registers with", () => {
  const request = [0, 14, 120, 0x9d, 0x3d, 77, 0, 0, 6, 0, 6, 0, 1, 97, 0, 0];
  const node = { name: "a", port: 40253, type: 77, protocol: 0, highest: 6, lowest: 6 };
  assertEquals(decodeEpmdRequest(Uint8Array.from(request)), {
    type: "alive2",
    node: { ...node, extra: new Uint8Array(0) },
  });
});

test("requests that are none: typed errors", () => {
  const wrong: readonly (readonly number[])[] = [
    [0, 0],
    [0, 1, 63],
    [0, 1, 122], // no name
    [0, 1, 115],
    [0, 2, 122, 0],
    [0, 2, 122, 0xe9], // Latin-1
    [0, 2, 122, 0x20],
    [0, 2, 122, 0x0a],
    [0, 1, 120],
    [0, 10, 120, ...NODE_BYTES.slice(0, 9)],
    [0, 17, 120, ...NODE_BYTES.slice(0, 16)], // extra ends too early
    [0, 13, 120, ...NODE_BYTES.slice(0, 12)], // no extra
    [0, 13, 120, 0, 1, 77, 0, 0, 6, 0, 5, 0, 0, 0, 0], // no name
    [0, 13, 120, 0, 1, 77, 0, 0, 6, 0, 5, 255, 255, 97, 0],
  ];
  for (const bytes of wrong) {
    assertThrows(
      () => decodeEpmdRequest(Uint8Array.from(bytes)),
      EpmdProtocolError,
      "Cannot read ",
      `${bytes}`,
    );
  }
});

test("a request beyond the limit is refused before it is complete", () => {
  assertThrows(() => decodeEpmdRequest(Uint8Array.of(8, 1), 2048), EpmdProtocolError, "2049 bytes");
  assertEquals(decodeEpmdRequest(Uint8Array.of(8, 0), 2048), null);
});

test("names have 1 to 255 characters, of one to four bytes", () => {
  for (const name of ["a", "é".repeat(255), "😀".repeat(255)]) {
    const request: EpmdRequest = { type: "port_please2", name };
    assertEquals(decodeEpmdRequest(encodeEpmdRequest(request)), request);
  }
  for (const name of ["", "a".repeat(256), "a b", "a\n", "a\0"]) {
    assertThrows(() => encodeEpmdRequest({ type: "port_please2", name }), RangeError, "at EPMD");
  }
});

test("ALIVE2_X_RESP and ALIVE2_RESP, to the byte, both ways", () => {
  const wide = [118, 0, 0xfe, 0xdc, 0xba, 0x98];
  assertEquals([...encodeAliveResponse({ result: 0, creation: 0xfedcba98 }, true)], wide);
  assertEquals(decodeAliveResponse(Uint8Array.from(wide)), { result: 0, creation: 0xfedcba98 });
  const narrow = [121, 1, 0x00, 0x63];
  assertEquals([...encodeAliveResponse({ result: 1, creation: 99 }, false)], narrow);
  assertEquals(decodeAliveResponse(Uint8Array.from(narrow)), { result: 1, creation: 99 });
  for (const bytes of [wide, narrow]) {
    for (let length = 0; length < bytes.length; length++) {
      assertEquals(decodeAliveResponse(Uint8Array.from(bytes.slice(0, length))), null);
    }
  }
  assertThrows(() => decodeAliveResponse(Uint8Array.of(119)), EpmdProtocolError);
});

test("PORT2_RESP, to the byte, both ways", () => {
  const found = [119, 0, ...NODE_BYTES];
  assertEquals([...encodePortResponse(NODE)], found);
  assertEquals(decodePortResponse(Uint8Array.from(found)), { node: NODE });
  for (let length = 0; length < found.length; length++) {
    assertEquals(decodePortResponse(Uint8Array.from(found.slice(0, length))), null);
  }
  assertEquals([...encodePortResponse(null)], [119, 1]);
  assertEquals(decodePortResponse(Uint8Array.of(119, 1)), { node: null });
  assertThrows(() => decodePortResponse(Uint8Array.of(118)), EpmdProtocolError);
});

test("the extra bytes of a node are its own, not a view of what was received", () => {
  const bytes = Uint8Array.of(119, 0, ...NODE_BYTES);
  const node = decodePortResponse(bytes)?.node;
  bytes.fill(0);
  assertEquals(node, NODE);
});

test("NAMES_RESP, to the byte, both ways", () => {
  const nodes = [{ name: "a", port: 1 }, { name: "zoë", port: 65535 }];
  const bytes = [0, 0, 0x11, 0x11, ...utf8("name a at port 1\nname zoë at port 65535\n")];
  assertEquals([...encodeNames(4369, nodes)], bytes);
  assertEquals(decodeNames(Uint8Array.from(bytes)), { port: 4369, nodes });
  assertEquals(decodeNames(Uint8Array.of(0, 0, 0x11, 0x11)), { port: 4369, nodes: [] });
  assertThrows(() => decodeNames(Uint8Array.of(0, 0, 0x11)), EpmdProtocolError, "too early");
});

test("a line of names that is not understood is skipped, one of Latin-1 is not lost", () => {
  const lines = "name a at port 1\nnode b at port 2\nname at port x\nname c d at port 3\nname e at";
  assertEquals(decodeNames(Uint8Array.of(0, 0, 0, 1, ...utf8(lines))).nodes, [
    { name: "a", port: 1 },
    { name: "c d", port: 3 },
  ]);
  const latin = [...utf8("name zo"), 0xeb, ...utf8(" at port 7\n")];
  assertEquals(decodeNames(Uint8Array.of(0, 0, 0, 1, ...latin)).nodes, [{ name: "zoë", port: 7 }]);
});

test("DUMP_RESP, to the byte, both ways", () => {
  const nodes = [
    { active: true, name: "a", port: 1, fd: 5 },
    { active: false, name: "b", port: 2, fd: 6 },
  ];
  const text = "active name     a at port 1, fd = 5\nold/unused name b at port 2, fd = 6 \n";
  const bytes = [0, 0, 0x11, 0x11, ...utf8(text)];
  assertEquals([...encodeDump(4369, nodes)], bytes);
  assertEquals(decodeDump(Uint8Array.from(bytes)), { port: 4369, nodes });
  // What the daemon of OTP 25 sends:
  const real =
    "active name     <a> at port 1, fd = 5\n\0old/unused name <b>, port = 2, fd = 6 \n\0";
  assertEquals(decodeDump(Uint8Array.of(0, 0, 0x11, 0x11, ...utf8(real))), { port: 4369, nodes });
});

test("the answers to KILL_REQ and STOP_REQ", () => {
  assertEquals([...encodeKillResponse(true)], [0x4f, 0x4b]);
  assertEquals([...encodeKillResponse(false)], [0x4e, 0x4f]);
  assertEquals([...encodeStopResponse(true)], utf8("STOPPED"));
  assertEquals([...encodeStopResponse(false)], utf8("NOEXIST"));
});

test("random bytes: a message, more to come, or a typed error", () => {
  let state = 3;
  const random = (limit: number): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor(state / 2 ** 32 * limit);
  };
  const tags = [120, 122, 110, 100, 107, 115, 118, 119, 121];
  for (let round = 0; round < 20_000; round++) {
    const bytes = Uint8Array.from({ length: random(30) }, () => random(3) === 0 ? random(256) : 0);
    const decoders = [decodeEpmdRequest, decodeAliveResponse, decodePortResponse, decodeNames];
    const decode = decoders[random(decoders.length)];
    if (decode === decodeEpmdRequest) {
      bytes.set([0, random(30), tags[random(9)]].slice(0, bytes.length));
    } else bytes.set([tags[random(9)]].slice(0, bytes.length));
    try {
      decode(bytes);
    } catch (error) {
      assert(error instanceof EpmdProtocolError, `${bytes} ${error}`);
    }
  }
});

function utf8(text: string): number[] {
  return [...new TextEncoder().encode(text)];
}
