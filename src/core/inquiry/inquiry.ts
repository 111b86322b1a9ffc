import type { Span, ToolCall } from "../call/call.ts";
import { isObject, stringAt } from "../call/json.ts";
import type { Mode } from "../call/mode.ts";
import { escapeGlob } from "../call/glob.ts";
import { absolute, baseOf, expandHome } from "../call/path.ts";
import { HOLE, type Word, guessedWord, holdsMatches, isKnown } from "../call/word.ts";
import type { Tables } from "../knowledge/tables.ts";
import type { Policy } from "../settings/policy.ts";
import { TOOLS, type ToolClass, canonicalTool, toolClass } from "../settings/tools.ts";
import { analyse } from "../shell/analyse.ts";
import type { Script } from "../shell/script.ts";
import type { RuleIndex } from "./rule-index.ts";
import { effectiveMode } from "./effective-mode.ts";
import type { PathClasses } from "./path-classes.ts";

/** What a gate is made of; built once for a policy and shared by all its calls. */
export interface GateContext {
  readonly policy: Policy;
  readonly rules: RuleIndex;
  readonly tables: Tables;
  readonly paths: PathClasses;
  readonly destructive: DestructiveWords;
}

/** Words that destroy, for commands no table describes (data/destructive.json). */
export interface DestructiveWords {
  readonly verbs: ReadonlySet<string>;
  readonly code: readonly string[];
  readonly sql: ReadonlySet<string>;
}

/** One path that a call would touch, before anybody has looked where it leads. */
export interface PathUse {
  readonly action: "read" | "write" | "delete" | "run";
  /** Absolute, `..` and links unresolved; holds `HOLE` where it is not known. */
  readonly path: string;
  /** A pathname pattern, absolute, for bash to expand. */
  readonly glob?: string | undefined;
  readonly known: boolean;
  readonly part?: number | undefined;
  /** Everything below it too. */
  readonly recursive: boolean;
  /** Made by a redirect: it needs a permission of its own, whatever the command. */
  readonly redirect: boolean;
  readonly span?: Span | undefined;
  /** Only a name in a piece of code: it counts for what it means, not for scope. */
  readonly hint?: boolean | undefined;
  /** The hint is a word that a loop is known to run over: there it will lead. */
  readonly tried?: boolean | undefined;
  /** As the agent wrote it. */
  readonly shown: string;
}

/** A call with everything that can be said about it without looking at the machine. */
export interface Inquiry {
  readonly context: GateContext;
  readonly call: ToolCall;
  /** Canonical name. */
  readonly tool: string;
  readonly class: ToolClass;
  /** The mode the call is judged in. */
  readonly mode: Mode;
  /** Bash only. */
  readonly script: Script | undefined;
  readonly uses: readonly PathUse[];
  /** The call lacks what its tool needs. */
  readonly fault: string | undefined;
}

/** Reads a call. Never throws; a malformed input becomes a `fault`. */
export function examine(context: GateContext, given: ToolCall): Inquiry {
  // The type is a promise of the caller; what a host was sent may break it.
  const sound = isObject(given.input);
  const call = sound ? given : { ...given, input: {} };
  const tool = canonicalTool(call.tool);
  const kind = toolClass(tool);
  const mode = effectiveMode(context.policy.mode, call);
  const base = { context, call, tool, class: kind, mode, script: undefined, uses: [], fault: undefined };
  if (!sound) return { ...base, fault: "the input is no object" };
  switch (kind) {
    case "shell": {
      const command = stringAt(call.input, "command");
      if (command === undefined) return { ...base, fault: "the input has no `command`" };
      const script = analyse(command, call.cwd, call.home, context.tables);
      return { ...base, script, uses: [...shellUses(script, call), ...openedUses(call)] };
    }
    case "read":
    case "edit":
      return fileUses(base, tool, kind);
    case "web-fetch":
      return stringAt(call.input, "url") === undefined ? { ...base, fault: "the input has no `url`" } : base;
    case "web-search":
    case "agent":
    case "skill":
    case "internal":
    case "interaction":
    case "mcp":
    case "unknown":
      return base;
  }
}

function fileUses(base: Inquiry, tool: string, kind: "read" | "edit"): Inquiry {
  const { call } = base;
  const fields = TOOLS.get(tool)?.paths ?? [];
  const given = fields.map((field) => stringAt(call.input, field)).find((value) => value !== undefined);
  const searches = tool === "Glob" || tool === "Grep" || tool === "LS";
  if (given === undefined && !searches)
    return { ...base, fault: `the input has no \`${fields[0] ?? "path"}\`` };
  if (given?.includes("\0") === true) return { ...base, fault: "the path holds a NUL character" };
  const path = absolute(call.cwd, expandHome(given ?? call.cwd, call.home));
  const shown = given ?? ".";
  const use = (at: string, text: string, recursive: boolean, glob?: string): PathUse => ({
    action: kind === "edit" ? "write" : "read",
    path: at,
    glob,
    known: glob === undefined && !at.includes(HOLE),
    recursive,
    redirect: false,
    shown: text,
  });
  const uses = [use(path, shown, tool === "Grep")];
  const pattern =
    tool === "Glob"
      ? stringAt(call.input, "pattern")
      : tool === "Grep"
        ? stringAt(call.input, "glob")
        : undefined;
  // A Glob pattern may itself be absolute or climb out of the directory.
  if (
    tool === "Glob" &&
    pattern !== undefined &&
    (/^[/~]/.test(pattern) || pattern.split("/").includes(".."))
  ) {
    const start = /^[^*?[{]*/.exec(expandHome(pattern, call.home))?.[0] ?? "";
    const directory = absolute(
      path,
      start.slice(0, Math.max(start.lastIndexOf("/"), 0)) || (start.startsWith("/") ? "/" : ""),
    );
    uses.push(use(directory, pattern, true));
  }
  // Which files are searched is said by name; `!x` leaves some out.
  if (tool === "Grep" && pattern !== undefined && !pattern.startsWith("!")) {
    for (const name of alternatives(baseOf(pattern))) {
      const at = absolute(path, name);
      const glob = /[*?[]/.test(name) ? `${escapeGlob(path)}/${name}` : undefined;
      uses.push({ ...use(at, name, false, glob), hint: true });
    }
  }
  return { ...base, uses };
}

/** The names a pattern with one pair of braces stands for. */
function alternatives(name: string): readonly string[] {
  const [, before = "", inner = "", after = ""] = /^([^{}]*)\{([^{}]*)\}([^{}]*)$/.exec(name) ?? [];
  return inner === "" ? [name] : inner.split(",").map((each) => `${before}${each}${after}`);
}

/** What is to be opened in the sandbox is used, whatever the command says of it. */
function openedUses({ opens }: ToolCall): readonly PathUse[] {
  return (opens?.paths ?? []).map(({ access, path }) => ({
    action: access,
    path,
    known: !path.includes(HOLE),
    recursive: false,
    redirect: false,
    shown: path,
  }));
}

function shellUses(script: Script, call: ToolCall): readonly PathUse[] {
  const uses: PathUse[] = [];
  for (const invocation of script.invocations) {
    if (invocation.remote) continue;
    const quoted = invocation.nesting === "code";
    for (const url of invocation.reading.urls) uses.push(...fileUrl(url, invocation.id));
    for (const effect of invocation.reading.effects) {
      if (effect.unlessFed === true && (invocation.pipe?.stage ?? 0) > 0) continue;
      let directories = invocation.directories;
      for (const base of effect.bases) directories = within(directories, base, call);
      const place = {
        part: invocation.id,
        recursive: effect.recursive,
        redirect: false,
        hint: quoted || effect.hint,
        tried: invocation.tried,
      };
      const word =
        effect.hint === true && effect.word.text.startsWith("~/")
          ? { ...effect.word, text: expandHome(effect.word.text, call.home) }
          : effect.word;
      uses.push(...usesOf(effect.action, word, directories, place));
    }
  }
  for (const redirect of script.redirects) {
    const place = {
      part: redirect.part,
      recursive: false,
      redirect: true,
      hint: redirect.hint,
      tried: redirect.tried,
    };
    uses.push(...usesOf(redirect.action, redirect.word, redirect.directories, place, redirect.span));
  }
  return uses;
}

/** `file:///x` is a path in the clothes of an address. */
function fileUrl(url: Word, part: number): readonly PathUse[] {
  const path = /^file:\/\/[^/]*(\/.*)$/i.exec(url.text)?.[1];
  if (path === undefined) return [];
  const place = { part, recursive: false, redirect: false };
  return usesOf("read", { ...url, text: path, glob: undefined }, [], place);
}

function within(
  directories: readonly string[] | undefined,
  base: Word,
  call: ToolCall,
): readonly string[] | undefined {
  if (!isKnown(base)) return undefined;
  if (base.text.startsWith("/")) return [base.text];
  return directories?.map((directory) => absolute(directory, expandHome(base.text, call.home)));
}

function usesOf(
  action: PathUse["action"],
  word: Word,
  directories: readonly string[] | undefined,
  place: Pick<PathUse, "part" | "recursive" | "redirect" | "hint" | "tried">,
  span: Span = word.span,
): readonly PathUse[] {
  // `-` is standard input or output; what a process substitution hands over is judged where it stands.
  if (word.text === "-" && word.unknown === undefined) return [];
  if (/^\/dev\/(?:null|zero|full|u?random|tty|std(?:in|out|err)|fd\/\d+)$/.test(word.text)) return [];
  const text = word.text;
  // Where the directory is what a pattern matches, the whole is a pattern.
  const matched = directories?.find(holdsMatches);
  if (matched !== undefined && !text.startsWith("/")) {
    const start = guessedWord(matched, span);
    const end = word.glob ?? escapeGlob(text);
    return usesOf(
      action,
      { ...word, text: absolute(start.text, text), glob: absolute(start.glob ?? "", end) },
      [],
      place,
      span,
    );
  }
  const starts = text.startsWith("/") ? [""] : (directories ?? [HOLE]);
  return starts.map((start): PathUse => {
    const path = start === "" ? text : absolute(start, text);
    const glob =
      word.glob === undefined
        ? undefined
        : start === ""
          ? word.glob
          : absolute(start.replace(/[\\*?[\]]/g, "\\$&"), word.glob);
    return {
      action,
      path,
      ...(glob === undefined ? {} : { glob }),
      known: word.unknown === undefined && glob === undefined && !path.includes(HOLE),
      ...place,
      span,
      shown: word.raw === "" ? text.replaceAll(HOLE, "…") : word.raw,
    };
  });
}
