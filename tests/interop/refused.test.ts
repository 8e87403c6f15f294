/** What callers of Erlang and Elixir are told where a server of ours cannot answer: they exit at once, and can read why. */
import { after, test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { atom, GenServer, later, type Node, on, t, tuple } from "../../mod.ts";
import { startElixir } from "../_support/elixir.ts";
import { type ErlangNode, startErlang } from "../_support/erlang.ts";
import { COOKIE } from "../_support/interop.ts";
import { assertNothingLeft, openNow } from "../_support/leaks.ts";
import { OurSide, THEIRS } from "../_support/our_side.ts";
import { needs } from "../_support/runtime.ts";

const OPTIONS = t.options({ format: t.text.default("A4") });

class Pdf extends GenServer {
  override readonly calls = {
    render: on(t.text, OPTIONS, (html, { format }) => `${format}: ${html}`),
    object: () => tuple(atom("ok"), { pages: 1 }),
    soon: () => later(Promise.resolve(new Date(0))),
    fail: () => {
      throw new RangeError("no printer", { cause: { paper: 0 } });
    },
  };
}

const before = openNow();
const ourSide = new OurSide(async (kind, epmdPort) => {
  const options = { name: THEIRS, cookie: COOKIE, epmdPort, hidden: true };
  return kind === "elixir" ? await startElixir(options) : await startErlang(options);
});
after(() => ourSide.close());

/** Runs `fn` with a server on our node, which must be alive at the end. */
async function withPdf(
  kind: string,
  fn: (node: Node, peer: ErlangNode) => Promise<void>,
): Promise<void> {
  const { node, peer } = await ourSide.get(kind);
  const pdf = await node.start(Pdf, [], { register: "pdf" });
  await fn(node, peer);
  assert(node.isAlive(pdf.pid));
  await pdf.stop();
}

test(
  "Erlang: a reply that is no term ends the call at once",
  { skip: needs("erl", "epmd") },
  async () => {
    await withPdf("erlang", async (node, peer) => {
      const failure = (request: string): Promise<string> =>
        peer.eval(
          `try gen_server:call({pdf, '${node.name}'}, ${request}, infinity) of Reply -> Reply
        catch exit:{{What, Where, Text}, {gen_server, call, _}} -> {What, Where, binary_to_list(Text)} end`,
        );
      const hint =
        "does not say what its keys are; use atomMap(object) for atoms, stringMap(object) for text";
      assertEquals(
        await failure("object"),
        `{bad_reply,object,"Cannot send the reply of object: Cannot encode value at [1]: a plain object ${hint}"}`,
      );
      assertEquals(
        await failure("soon"),
        '{bad_reply,soon,"Cannot send the reply of soon: Cannot encode value: a Date has no single form as a term; use date.getTime() or date.toISOString()"}',
      );
      assertEquals(
        await failure('{rendr, <<"x">>, []}'),
        '{bad_request,[],"Cannot serve request rendr/2: Pdf has no such call, did you mean render? It has render, object, soon, fail"}',
      );
      assertEquals(await failure('{render, <<"x">>, []}'), '<<"A4: x">>');
    });
  },
);

test(
  "Elixir: what a handler takes, and what came",
  { skip: needs("erl", "epmd", "elixir") },
  async () => {
    await withPdf("elixir", async (node, peer) => {
      const failure = (request: string): Promise<string> =>
        peer.eval(`try do GenServer.call({:pdf, :"${node.name}"}, ${request})
        catch :exit, {{what, path, text}, _} -> {what, path, text} end`);
      assertEquals(
        await failure('{:render, ~c"x", %{}}'),
        '{:bad_request, [0], "Cannot serve request render/2: a list of 1 element came as argument 1, text is needed; render takes (text, options [format?: text])"}',
      );
      assertEquals(
        await failure('{:render, "x", %{format: :a4}}'),
        '{:bad_request, [1, "format"], "Cannot serve request render/2: an atom came as argument 2 at format, text is needed; render takes (text, options [format?: text])"}',
      );
      assertEquals(
        await failure('{:renderPdf, "x"}'),
        '{:bad_request, [], "Cannot serve request renderPdf/1: Pdf has no such call, did you mean render? It has render, object, soon, fail"}',
      );
    });
  },
);

test(
  "Erlang: the reason of a crash is a term that can be read",
  { skip: needs("erl", "epmd") },
  async () => {
    const { node, peer } = await ourSide.get("erlang");
    await node.start(Pdf, [], { register: "pdf" });
    const reason = await peer.eval(`try gen_server:call({pdf, '${node.name}'}, fail)
    catch exit:{{{js_error, Name, Message}, Stack}, {gen_server, call, _}} ->
      {Name, Message, string:find(Stack, "\\nCaused by: {\\"paper\\":0}") =/= nomatch}
    end`);
    assertEquals(reason, '{<<"RangeError">>,<<"no printer">>,true}');
  },
);

test("nothing is left open", async () => {
  await ourSide.close();
  await assertNothingLeft(before);
});
