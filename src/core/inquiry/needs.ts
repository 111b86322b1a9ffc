import { type Need, needKey } from "../call/facts.ts";
import { stringAt } from "../call/json.ts";
import { baseOf, normalise, parentOf } from "../call/path.ts";
import { HOLE } from "../call/word.ts";
import { carryingsOf, needBelow } from "./carry.ts";
import type { Inquiry } from "./inquiry.ts";

/** What has to be found out before a call can be judged; each need once. */
export function needsOf(inquiry: Inquiry): readonly Need[] {
  const needs = new Map<string, Need>();
  const add = (need: Need): void => {
    const key = needKey(need);
    if (!needs.has(key)) needs.set(key, need);
  };
  const { call, context } = inquiry;
  const { managed } = context.policy;
  const guards = context.rules.guardsSomePaths;
  for (const use of inquiry.uses) {
    if (use.glob !== undefined) {
      if (!use.glob.includes(HOLE)) add({ kind: "glob", pattern: use.glob });
      continue;
    }
    if (!use.known) continue;
    add({ kind: "path", path: use.path });
    if (use.action === "delete") add({ kind: "path", path: parentOf(use.path.replace(/\/+$/, "")) });
    if (use.recursive && use.action === "read" && guards && call.sandboxed !== true) {
      add({ kind: "tree", dir: normalise(use.path) });
    }
    if (
      inquiry.class === "edit" &&
      (managed.requireReadFirst !== undefined || baseOf(use.path) === "package.json")
    ) {
      add({ kind: "text", path: normalise(use.path) });
    }
  }
  if (inquiry.uses.length > 0 || managed.allowedDirectories !== undefined) {
    for (const directory of new Set([call.root, call.cwd, ...context.policy.directories])) {
      add({ kind: "path", path: normalise(directory) });
    }
    add({ kind: "path", path: call.cwd });
  }
  for (const { sources } of carryingsOf(inquiry)) {
    for (const { use, below } of sources) {
      const need = below ? needBelow(use, call.home) : undefined;
      if (need !== undefined) add(need);
    }
  }
  for (const { reading, directories } of inquiry.script?.invocations ?? []) {
    if (reading.path[0] === "git" && /^(?:push|send-pack)$/.test(reading.path[1] ?? "")) {
      for (const dir of directories ?? []) add({ kind: "branch", dir });
    }
  }
  if (inquiry.class === "web-fetch") {
    const url = stringAt(call.input, "url");
    if (url !== undefined) add({ kind: "url", url });
  }
  return [...needs.values()];
}
