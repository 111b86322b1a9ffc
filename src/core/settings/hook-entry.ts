import { type Node, propertiesOf, valueOf } from "./document.ts";
import type { HookAction, HookEvent } from "./hooks.ts";
import { nearest } from "./keys.ts";
import { resolvePath } from "./resolve.ts";
import { readRuleText } from "./rule-entry.ts";
import type { RuleReading } from "./rule.ts";
import type { Place, SourcePlace } from "./source.ts";

/** Something wrong in a handler, at its place. */
export interface HookSlip {
  readonly node: Node;
  readonly message: string;
  readonly hint?: string | undefined;
}

/** A handler as it reads; `slips` say why the action is `none`, `notes` what does less than it says. */
export interface HandlerReading {
  readonly action: HookAction;
  readonly name: string;
  readonly conditions: readonly RuleReading[] | undefined;
  /** Seconds. */
  readonly timeout: number;
  readonly onFailure: "block" | "continue";
  readonly isAsync: boolean;
  readonly slips: readonly HookSlip[];
  readonly notes: readonly HookSlip[];
}

const UNSUPPORTED: readonly string[] = ["mcp_tool", "prompt", "agent"];
const TYPES: readonly string[] = ["command", "http", "module", ...UNSUPPORTED];
/** Most seconds a handler may take, and what one takes that ends a session. */
const LONGEST = 86_400;
const LONGEST_END = 60;
/** Characters of a handler that prompts and records show. */
const NAME = 80;

/** The fields of a handler; of equal names the last. */
type Fields = ReadonlyMap<string, Node>;

function textOf(node: Node | undefined): string | undefined {
  return node?.type === "string" && node.value !== "" ? String(node.value) : undefined;
}

/**
 * Reads one handler. Never throws: what cannot be read has the action `none`, and slips that say
 * why.
 */
export function readHandler(node: Node, event: HookEvent, source: SourcePlace, place: Place): HandlerReading {
  const fields: Fields = new Map(
    node.type === "object" ? propertiesOf(node).map(({ name, value }) => [name, value]) : [],
  );
  const slips: HookSlip[] = [];
  const notes: HookSlip[] = [];
  const slip = (message: string, hint?: string, at: Node = node): void => {
    slips.push({ node: at, message, hint });
  };
  const type = textOf(fields.get("type"));
  if (node.type !== "object" || type === undefined || !TYPES.includes(type)) {
    const near = type === undefined ? undefined : nearest(type, TYPES);
    slip(
      node.type === "object" ? "the hook has no `type` that cordon knows" : "the hook is no object",
      near === undefined
        ? 'write `{"type": "command", "command": "..."}`'
        : `did you mean \`"type": "${near}"\`?`,
      fields.get("type") ?? node,
    );
  }
  const read =
    type === undefined || slips.length > 0 ? undefined : actionOf(type, fields, event, source, place, slip);
  const conditions = conditionsOf(fields.get("if"), slip);
  const timeout = timeoutOf(fields.get("timeout"), event, type, slip);
  const failure = fields.get("onFailure");
  if (failure !== undefined && failure.value !== "block" && failure.value !== "continue") {
    const message = '`onFailure` must be `"block"` or `"continue"`; a failure blocks';
    notes.push({ node: failure, message });
  }
  return {
    action: slips.length > 0 || read === undefined ? { kind: "none", why: reasonOf(slips) } : read,
    name: nameOf(fields, type ?? "hook"),
    conditions,
    timeout,
    onFailure: failure?.value === "continue" ? "continue" : "block",
    isAsync: fields.get("async")?.value === true || fields.get("asyncRewake")?.value === true,
    slips,
    notes,
  };
}

function reasonOf(slips: readonly HookSlip[]): string {
  return slips[0]?.message ?? "it cannot be read";
}

function nameOf(fields: Fields, type: string): string {
  const shown = ["command", "url", "path", "tool", "prompt"]
    .map((name) => textOf(fields.get(name)))
    .find((text) => text !== undefined);
  const args = fields.get("args");
  const words = args?.type === "array" ? (args.children ?? []).map((word) => String(word.value)) : [];
  const text = [shown ?? type, ...words].join(" ").replace(/\s+/g, " ").trim();
  return text.length <= NAME ? text : `${text.slice(0, NAME - 3)}...`;
}

type Slip = (message: string, hint?: string, at?: Node) => void;

function actionOf(
  type: string,
  fields: Fields,
  event: HookEvent,
  source: SourcePlace,
  place: Place,
  slip: Slip,
): HookAction | undefined {
  switch (type) {
    case "command":
      return commandOf(fields, slip);
    case "http":
      return httpOf(fields, slip);
    case "module": {
      const text = textOf(fields.get("path"));
      if (event !== "PreToolUse") {
        slip("hooks of type `module` answer PreToolUse only", "write a hook of type `command`");
        return undefined;
      }
      const { path } = text === undefined ? {} : resolvePath(text, source.base, place.home);
      if (path === undefined) {
        slip(
          "a hook of type `module` needs a `path`",
          'write `"path": "hooks/guard.mjs"`',
          fields.get("path"),
        );
        return undefined;
      }
      return { kind: "module", path };
    }
    default:
      slip(
        `hooks of type \`${type}\` are not supported yet`,
        "write a hook of type `command`, `http` or `module`",
        fields.get("type"),
      );
      return undefined;
  }
}

function commandOf(fields: Fields, slip: Slip): HookAction | undefined {
  const command = textOf(fields.get("command"));
  const args = fields.get("args");
  const shell = fields.get("shell");
  if (command === undefined) {
    slip(
      "a hook of type `command` needs a `command`",
      'write `"command": "./check.sh"`',
      fields.get("command"),
    );
    return undefined;
  }
  if (shell !== undefined && shell.value !== "bash") {
    slip('`shell` must be `"bash"`: cordon runs hooks in no other', "remove it", shell);
  }
  const words = args === undefined ? undefined : stringsOf(args);
  if (args !== undefined && words === undefined) {
    slip("`args` must be a list of strings", "leave it out for a text that bash reads", args);
  }
  const texts = [command, ...(words ?? [])];
  if (texts.some((text) => text.includes("\0"))) slip("the command holds a NUL character");
  const plugin = texts.some((text) => /CLAUDE_PLUGIN_(?:ROOT|DATA)/.test(text));
  if (plugin) slip("the command belongs to a plug-in, and cordon has none", "write the path out");
  return { kind: "command", command, args: words };
}

function httpOf(fields: Fields, slip: Slip): HookAction | undefined {
  const url = textOf(fields.get("url"));
  const headers = fields.get("headers");
  const variables = fields.get("allowedEnvVars");
  const names = variables === undefined ? [] : stringsOf(variables);
  if (url === undefined || !/^https?:\/\/[^/]/i.test(url)) {
    slip(
      "a hook of type `http` needs a `url` that begins with `http://` or `https://`",
      undefined,
      fields.get("url"),
    );
    return undefined;
  }
  const pairs = headers?.type === "object" ? propertiesOf(headers) : [];
  if (
    headers !== undefined &&
    (headers.type !== "object" || pairs.some(({ value }) => value.type !== "string"))
  ) {
    slip("`headers` must be an object of strings", undefined, headers);
  }
  if (names === undefined) slip("`allowedEnvVars` must be a list of names", undefined, variables);
  return {
    kind: "http",
    url,
    headers: Object.fromEntries(pairs.map(({ name, value }) => [name, String(value.value)])),
    variables: names ?? [],
  };
}

function stringsOf(node: Node): readonly string[] | undefined {
  const value = valueOf(node);
  if (!Array.isArray(value)) return undefined;
  const texts = value.filter((each): each is string => typeof each === "string");
  return texts.length === value.length ? texts : undefined;
}

/** `if` is one rule, read as widely as a deny would be: the hook runs rather once too often. */
function conditionsOf(node: Node | undefined, slip: Slip): readonly RuleReading[] | undefined {
  if (node === undefined) return undefined;
  const text = textOf(node);
  const { readings, faults } = text === undefined ? { readings: [], faults: [] } : readRuleText(text, "ask");
  const broken = text === undefined || faults.some(({ severity }) => severity === "error");
  if (broken) slip("`if` must be one permission rule", 'write `"if": "Bash(git push *)"`', node);
  return broken ? undefined : readings;
}

function timeoutOf(node: Node | undefined, event: HookEvent, type: string | undefined, slip: Slip): number {
  const longest = event === "SessionEnd" ? LONGEST_END : LONGEST;
  const usual = event === "SessionEnd" ? 1.5 : type === "module" ? 10 : 600;
  if (node === undefined) return usual;
  const seconds = node.type === "number" ? Number(node.value) : Number.NaN;
  if (seconds > 0 && seconds <= LONGEST) return Math.min(seconds, longest);
  slip(`\`timeout\` must be a number of seconds above 0, at most ${LONGEST}`, 'write `"timeout": 60`', node);
  return usual;
}
