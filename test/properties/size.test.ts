/** A policy of many rules costs a call no more than one of few: most rules are never looked at. */
import { describe, expect, it } from "vitest";
import type { ToolCall } from "../../src/core/call/call.ts";
import { judge, prepare } from "../../src/core/gate.ts";
import { type GateContext, examine } from "../../src/core/inquiry/inquiry.ts";
import { needsOf } from "../../src/core/inquiry/needs.ts";
import { buildPolicy } from "../../src/core/settings/merge.ts";
import { gatherFacts } from "../../src/host/facts/gather.ts";
import { builtInTables } from "../../src/host/tables.ts";

const place = { root: process.cwd(), cwd: process.cwd(), home: "/home/user" };

/** A quarter of each kind, three in five to allow. */
function contextWith(count: number): GateContext {
  const lists: Record<string, string[]> = { allow: [], ask: [], deny: [] };
  for (let at = 0; at < count; at++) {
    const effect = ["deny", "ask", "allow", "allow", "allow"][at % 5] ?? "allow";
    const kinds = [
      `Bash(task${at} run *)`,
      `Bash(tool${at} build --all)`,
      `Read(**/dir${at}/*.txt)`,
      `Edit(//srv/dir${at}/**)`,
    ];
    lists[effect]?.push(kinds[at % 4] ?? "");
  }
  const text = JSON.stringify({ permissions: lists });
  const source = { scope: "user", text, trusted: true, repository: false, anchor: "/", base: "/" } as const;
  return prepare(buildPolicy([source], place, ""), place, builtInTables());
}

/** The list, and how many of its items were taken from it. */
function counted<T>(list: readonly T[]): { readonly list: readonly T[]; readonly taken: () => number } {
  let taken = 0;
  const seen = new Proxy(list, {
    get: (target, key, receiver) => {
      if (typeof key === "string" && /^\d+$/.test(key)) taken++;
      return Reflect.get(target, key, receiver);
    },
  });
  return { list: seen, taken: () => taken };
}

describe("10,000 rules", () => {
  it.each([
    ["Bash", { command: "npm run build && git status" }],
    ["Bash", { command: "cat package.json | grep -n name" }],
    ["Bash", { command: "ls -R src" }],
    ["Read", { file_path: `${place.root}/package.json` }],
    ["Read", { file_path: "/home/user/.aws/credentials" }],
    ["Edit", { file_path: `${place.root}/src/index.ts`, old_string: "a", new_string: "b" }],
    ["Write", { file_path: "/srv/other/x", content: "" }],
    ["WebFetch", { url: "https://example.com/", prompt: "" }],
    ["mcp__srv__tool", {}],
  ])("are not gone through for %s %j", (tool, input) => {
    const context = contextWith(10_000);
    const commands = counted(context.rules.allCommands);
    const paths = counted(context.rules.allPaths);
    const rules = { ...context.rules, allCommands: commands.list, allPaths: paths.list };
    const call: ToolCall = { ...place, tool, input };
    const inquiry = examine({ ...context, rules }, call);
    judge(inquiry, gatherFacts(needsOf(inquiry)));
    expect({ commands: commands.taken(), paths: paths.taken() }).toEqual({ commands: 0, paths: 0 });
  });
});
