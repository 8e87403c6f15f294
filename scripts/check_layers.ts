/**
 * Holds the table of layers and the rules that come with it (.github/ARCHITECTURE.md). Names the
 * file, the line and the broken rule; exits with 1 when there is one.
 *
 *     deno run --allow-read scripts/check_layers.ts
 */

import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, posix } from "node:path";
import process from "node:process";
import { closingParen, lineAt, maskSource } from "./_masked_source.ts";

/** The rooms from top to bottom: a room imports only from rooms below it. */
export const ROOMS = [
  "mod.ts",
  "observer",
  "service",
  "cluster",
  "testing",
  "boot",
  "workers",
  "kernel",
  "gen",
  "node",
  "dist",
  "etf",
  "transport",
  "platform",
  "_util",
] as const;

/** One of the {@linkcode ROOMS}. */
export type Room = typeof ROOMS[number];

/** Imports that point downwards and are forbidden all the same. */
const STRANGERS: Partial<Record<Room, readonly Room[]>> = {
  etf: ["transport"],
  gen: ["dist"],
  cluster: ["dist"],
  service: ["dist"],
};

/** Rooms that reach the outside only through the node's platform, by its types. */
const TYPES_ONLY: readonly Room[] = ["gen", "cluster", "service"];

/** The rooms where the outside enters: time, randomness, sockets, files, processes. */
const OUTSIDE: readonly Room[] = ["transport", "platform"];

/** Global names that stand for the outside. */
const OUTSIDE_NAMES = [
  ...["setTimeout", "setInterval", "setImmediate", "performance"],
  ...["clearTimeout", "clearInterval", "clearImmediate"],
  ...["crypto", "fetch", "WebSocket", "EventSource", "Worker", "MessageChannel"],
  ...["Deno", "Bun", "process", "require"],
];

/** Members of harmless globals that stand for the outside. */
const OUTSIDE_MEMBERS = new RegExp(
  "\\b(?:Date\\.now|Math\\.random|AbortSignal\\.timeout)\\b|(?<![.\\w$])Date\\(\\s*\\)" +
    `|\\bglobalThis\\b[^;]*?\\b(?:${OUTSIDE_NAMES.join("|")})\\b`,
  "g",
);

/** Of every file but the list of exports, which has a line for each. */
const MAX_LINES = 500;

/** One broken rule. */
export interface Violation {
  file: string;
  line: number;
  rule:
    | "room"
    | "layer"
    | "types only"
    | "private file"
    | "import"
    | "node module"
    | "outside"
    | "top-level await"
    | "using"
    | "erasable syntax"
    | "length"
    | "export list";
  message: string;
}

/** The rules that `source`, the text of `file` (`mod.ts` or below `lib/`), breaks. */
export function checkFile(file: string, source: string): Violation[] {
  const masked = maskSource(source);
  const violations: Violation[] = [];
  const report: Report = (offset, rule, message) =>
    violations.push({ file, line: lineAt(source, offset), rule, message });
  const room = roomOf(file);
  if (room === undefined) {
    report(0, "room", `stands in no room of the table: ${ROOMS.join(", ")}`);
    return violations;
  }
  checkImports(file, room, source, masked, report);
  if (!OUTSIDE.includes(room)) checkOutside(masked, report);
  checkSyntax(masked, report);
  checkTopLevelAwait(masked, report);
  if (room === "mod.ts") checkExportList(masked, report);
  const lines = source.split("\n").length - (source.endsWith("\n") ? 1 : 0);
  if (lines > MAX_LINES && file !== "mod.ts") {
    report(source.length, "length", `${lines} lines, at most ${MAX_LINES}`);
  }
  return violations.sort((a, b) => a.line - b.line);
}

type Report = (offset: number, rule: Violation["rule"], message: string) => void;

function roomOf(file: string): Room | undefined {
  const name = file === "mod.ts" ? file : /^lib\/([^/]+)\//.exec(file)?.[1];
  return ROOMS.find((room) => room === name);
}

const IMPORT_FROM =
  /\b(?:import|export)\b(\s+type\b)?\s*(?:[\w$]+\s*,?\s*)?(?:\{[\w$\s,]*\}|\*(?:\s*as\s+[\w$]+)?)?\s*\bfrom\s*["']/g;
const IMPORT_BARE = /(?<![.\w$])import\s*\(?\s*["']/g;

function checkImports(
  file: string,
  room: Room,
  source: string,
  masked: string,
  report: Report,
): void {
  for (const pattern of [IMPORT_FROM, IMPORT_BARE]) {
    for (const found of masked.matchAll(pattern)) {
      const start = found.index + found[0].length;
      const specifier = source.slice(start, masked.indexOf(source[start - 1], start));
      checkImport({ file, room, specifier, typeOnly: found[1] !== undefined }, (rule, message) => {
        report(start, rule, message);
      });
    }
  }
}

function checkImport(
  { file, room, specifier, typeOnly }: {
    file: string;
    room: Room;
    specifier: string;
    typeOnly: boolean;
  },
  report: (rule: Violation["rule"], message: string) => void,
): void {
  if (specifier.startsWith("node:")) {
    const allowed = specifier === "node:zlib" ? room === "etf" : OUTSIDE.includes(room);
    const where = specifier === "node:zlib" ? "lib/etf" : OUTSIDE.map((r) => `lib/${r}`).join(", ");
    if (!allowed) report("node module", `${specifier} is imported only by ${where}`);
    return;
  }
  if (!specifier.startsWith(".")) {
    report("import", `${specifier}: the package has no dependency, relative imports only`);
    return;
  }
  const target = posix.join(dirname(file), specifier);
  const to = roomOf(target);
  if (to === undefined) {
    report("import", `${specifier} leads out of lib/`);
    return;
  }
  if (posix.basename(target).startsWith("_") && !file.startsWith(`${dirname(target)}/`)) {
    report("private file", `${target} is private to ${dirname(target)}/`);
  }
  if (to === room) return;
  if (ROOMS.indexOf(to) < ROOMS.indexOf(room)) {
    report("layer", `${room} imports ${to}, which stands above it`);
  } else if (STRANGERS[room]?.includes(to)) {
    report("layer", `${room} does not know ${to}`);
  } else if (TYPES_ONLY.includes(room) && OUTSIDE.includes(to) && !typeOnly) {
    report("types only", `${room} knows ${to} by its types: use \`import type\``);
  }
}

function checkOutside(masked: string, report: Report): void {
  for (const name of OUTSIDE_NAMES) {
    if (isBound(masked, name)) continue;
    for (const { index } of masked.matchAll(new RegExp(`(?<![.\\w$#])${name}(?![\\w$])`, "g"))) {
      if (isUse(masked, index + name.length)) report(index, "outside", outsideMessage(name));
    }
  }
  for (const found of masked.matchAll(OUTSIDE_MEMBERS)) {
    report(found.index, "outside", outsideMessage(/[\w.]+$/.exec(found[0])?.[0] ?? "new Date()"));
  }
}

function outsideMessage(name: string): string {
  return `${name} belongs to lib/platform or lib/transport: take it from the node's options`;
}

/** Whether the file has a variable, parameter or import of that name, which then hides the global. */
function isBound(masked: string, name: string): boolean {
  return new RegExp(
    `\\b(?:const|let|var|function|class|as|import)\\s+${name}(?![\\w$])` +
      `|[({,]\\s*(?:\\.\\.\\.)?${name}\\s*(?:\\?\\s*)?[,:)=}]` +
      `|(?<![.\\w$])${name}\\s*=>`,
  ).test(masked);
}

/** Whether the name that ends at `end` is used there, and not the name of a member. */
function isUse(masked: string, end: number): boolean {
  const next = nextCharacter(masked, end);
  if (masked[next] !== "(") return !/^\??\s*:/.test(masked.slice(next, next + 10));
  const after = masked[nextCharacter(masked, closingParen(masked, next) + 1)];
  return after !== "{" && after !== ":";
}

function nextCharacter(masked: string, at: number): number {
  while (at < masked.length && /\s/.test(masked[at])) at++;
  return at;
}

const SYNTAX: readonly [RegExp, Violation["rule"], string][] = [
  [/(?<![.\w$])using\s+[\w$]+\s*(?:=|of\b|:)/g, "using", "Node 20 cannot parse `using`"],
  [/(?<![.\w$])enum\s+[\w$]+\s*\{/g, "erasable syntax", "no enum: use an `as const` table"],
  [
    /(?<!declare\s+)(?<![.\w$])(?:namespace|module)\s+[\w$.]+\s*\{/g,
    "erasable syntax",
    "no namespace: use a module",
  ],
  [
    /(?<![.\w$])import\s+[\w$]+\s*=|(?<![.\w$])export\s*=/g,
    "erasable syntax",
    "no import or export assignment",
  ],
];

function checkSyntax(masked: string, report: Report): void {
  for (const [pattern, rule, message] of SYNTAX) {
    for (const { index } of masked.matchAll(pattern)) report(index, rule, message);
  }
  for (const found of masked.matchAll(/(?<![.\w$])constructor\s*\(/g)) {
    const open = found.index + found[0].length - 1;
    const parameters = masked.slice(open, closingParen(masked, open));
    const property = /[(,]\s*(?:public|private|protected|readonly|override)\s+[\w$]/.exec(
      parameters,
    );
    if (property) {
      report(open + property.index, "erasable syntax", "no parameter property: assign the field");
    }
  }
}

/** Finds `await` outside of every function: in the module itself or in a bare or control block. */
function checkTopLevelAwait(masked: string, report: Report): void {
  const blocks: boolean[] = []; // for each open brace, whether the module's own flow runs in it
  for (const found of masked.matchAll(/[{}]|(?<![.\w$#])await(?![\w$])/g)) {
    if (found[0] === "{") blocks.push(isControlBlock(masked.slice(0, found.index)));
    else if (found[0] === "}") blocks.pop();
    else if (blocks.every(Boolean)) {
      const statement = /[^;{}]*$/.exec(masked.slice(0, found.index))![0];
      const after = masked[nextCharacter(masked, found.index + found[0].length)];
      if (!statement.includes("=>") && after !== ":") {
        report(found.index, "top-level await", "breaks `require` of the npm build");
      }
    }
  }
}

function isControlBlock(before: string): boolean {
  const text = before.trimEnd();
  if (text === "" || /[;{}]$/.test(text)) return true;
  if (!text.endsWith(")")) return /(?<![.\w$])(?:else|try|do|finally)$/.test(text);
  let depth = 0;
  let at = text.length;
  do {
    at--;
    if (text[at] === ")") depth++;
    if (text[at] === "(") depth--;
  } while (at > 0 && depth > 0);
  return /(?<![.\w$])(?:if|for|for\s+await|while|switch|catch|with)$/.test(
    text.slice(0, at).trimEnd(),
  );
}

function checkExportList(masked: string, report: Report): void {
  const rest = masked.replace(IMPORT_FROM, (text) => {
    return text.startsWith("export") ? " ".repeat(text.length) : text;
  });
  const stray = /[^\s;"']/.exec(rest);
  if (stray) report(stray.index, "export list", "mod.ts holds `export ... from` and nothing else");
}

function main(): void {
  const root = dirname(import.meta.dirname!);
  const files = readdirSync(join(root, "lib"), { recursive: true, encoding: "utf8" })
    .map((name) => `lib/${name.replaceAll("\\", "/")}`)
    .filter((name) => name.endsWith(".ts"));
  const violations = ["mod.ts", ...files.sort()]
    .flatMap((file) => checkFile(file, readFileSync(join(root, file), "utf8")));
  for (const { file, line, rule, message } of violations) {
    console.error(`${file}:${line}: ${rule}: ${message}`);
  }
  console.log(`layers: ${files.length + 1} files, ${violations.length} broken rules`);
  if (violations.length > 0) process.exit(1);
}

if (import.meta.main) main();
