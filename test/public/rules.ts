import type { JsonObject } from "../../src/core/call/json.ts";
import { PLAIN_WORLD, type Setting, type World, inquireIn, judgeIn } from "../core/cases/world.ts";
import { type Row, rowsOf } from "./shared.ts";

const ALICE = { root: "/Users/alice/proj", cwd: "/Users/alice/proj", home: "/Users/alice" };
const EMPTY: World = { files: [], directories: ["/", "/Users/alice/proj"], links: {} };

/** A row of the documented rule semantics and whether cordon reads it the same way. */
export interface RuleScore {
  readonly row: Row;
  readonly got: string;
  readonly holds: boolean;
}

/** The rows of rules_paths.jsonl that state the reference semantics, each through a whole decision. */
export function scoreRules(): readonly RuleScore[] {
  return rowsOf("cases/rules_paths.jsonl")
    .filter(({ kind }) => kind?.startsWith("claude-docs-") === true)
    .map((row) => {
      const got = answer(row);
      return { row, got, holds: got === row.expect };
    });
}

function answer(row: Row): string {
  switch (row.kind) {
    case "claude-docs-bash":
      return matches(row, "Bash", { command: row.command ?? "" });
    case "claude-docs-tool":
      return matches(row, row.tool ?? "", row.input ?? {});
    case "claude-docs-path":
      return matches(row, row.rule?.startsWith("Edit") === true ? "Edit" : "Read", {
        file_path: row.path ?? "",
        old_string: "a",
        new_string: "b",
      });
    case "claude-docs-domain":
      return matches({ ...row, rule_type: "deny" }, "WebFetch", { url: `https://${row.host ?? ""}/` });
    case "claude-docs-cd":
      return matches({ ...row, rule_type: "deny" }, "Cd", { path: row.path ?? "" });
    case "claude-docs-readonly": {
      const decision = judgeIn({ mode: undefined }, "Bash", { command: row.command ?? "" });
      return decision.verdict === "allow" ? "silent" : "ask";
    }
    case "claude-docs-order":
      return judgeIn({ settings: rules(row) }, row.tool ?? "Bash", { command: row.command ?? "" }).verdict;
    case "claude-docs-symlink": {
      const target = (row.symlink_to ?? "").replace("~", PLAIN_HOME);
      const world = { ...PLAIN_WORLD, links: { "/code/project/project/key": target } };
      return judgeIn({ settings: rules(row), world }, "Read", { file_path: "/code/project/project/key" })
        .verdict;
    }
    default:
      return "unknown kind";
  }
}

const PLAIN_HOME = "/home/user";

function rules({ allow = [], ask = [], deny = [] }: Row): JsonObject {
  return { permissions: { allow: [...allow], ask: [...ask], deny: [...deny] } };
}

/** `match` where the rule alone decides: an allow rule lets the whole call pass, any other is named. */
function matches(row: Row, tool: string, input: JsonObject): string {
  const effect = row.rule_type ?? "deny";
  const settings = { permissions: { [effect]: [row.rule ?? ""] } };
  const setting: Setting =
    row.settings === "user"
      ? { place: ALICE, world: EMPTY, user: settings }
      : { place: ALICE, world: EMPTY, settings };
  const { opinions } = judgeIn(setting, tool, input);
  const named = opinions.some((opinion) => opinion.rule?.text === row.rule && opinion.effect === effect);
  // An allow rule matches a command where every part that the shell itself starts is allowed.
  const outermost = (inquireIn(setting, tool, input).script?.invocations ?? []).filter(
    ({ parent }) => parent === undefined,
  );
  const covered =
    effect !== "allow" ||
    outermost.every(({ id }) =>
      opinions.some((opinion) => opinion.effect === "allow" && opinion.part === id),
    );
  return named && covered ? "match" : "no-match";
}
