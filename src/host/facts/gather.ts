import { createHash } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { dirname } from "node:path";
import {
  type BranchFact,
  type Facts,
  type GlobFact,
  NO_FACTS,
  type Need,
  type PathFact,
  type TextFact,
  type TreeFact,
  type UrlFact,
  needKey,
} from "../../core/call/facts.ts";
import { currentBranch } from "./branch.ts";
import { expandGlob, listTree } from "./expand.ts";
import { resolvePath } from "./resolve.ts";

/** Largest file whose text becomes a fact, in bytes. */
const LARGEST_TEXT = 2_000_000;

/**
 * Finds out what the core asked for. Never throws: what cannot be found out is left out, which
 * the core takes for the worst it can be.
 */
export function gatherFacts(
  needs: readonly Need[],
  more: Partial<Pick<Facts, "hooks" | "grants" | "reads" | "sandboxFault">> = {},
): Facts {
  const paths = new Map<string, PathFact>();
  const globs = new Map<string, GlobFact>();
  const branches = new Map<string, BranchFact>();
  const trees = new Map<string, TreeFact>();
  const texts = new Map<string, TextFact>();
  const urls = new Map<string, UrlFact>();
  const look = (path: string): void => {
    const key = needKey({ kind: "path", path });
    const fact = paths.has(key) ? undefined : resolvePath(path);
    if (fact !== undefined) paths.set(key, fact);
  };
  for (const need of needs) {
    const key = needKey(need);
    switch (need.kind) {
      case "path":
        look(need.path);
        break;
      case "glob": {
        const fact = expandGlob(need.pattern);
        globs.set(key, fact);
        for (const match of fact.matches) {
          look(match);
          look(dirname(match));
        }
        break;
      }
      case "branch":
        branches.set(key, currentBranch(need.dir));
        break;
      case "tree":
        trees.set(key, listTree(need.dir));
        break;
      case "text":
        texts.set(key, readText(need.path));
        break;
      case "url": {
        const fact = readUrl(need.url);
        if (fact !== undefined) urls.set(key, fact);
        break;
      }
    }
  }
  return { ...NO_FACTS, ...more, paths, globs, branches, trees, texts, urls };
}

function readText(path: string): TextFact {
  try {
    const stat = statSync(path);
    if (!stat.isFile() || stat.size > LARGEST_TEXT)
      return { kind: "text", exists: true, text: undefined, hash: undefined };
    const bytes = readFileSync(path);
    return {
      kind: "text",
      exists: true,
      text: bytes.toString("utf8"),
      hash: createHash("sha256").update(bytes).digest("hex"),
    };
  } catch (error) {
    const missing = error instanceof Error && "code" in error && error.code === "ENOENT";
    return { kind: "text", exists: !missing, text: undefined, hash: undefined };
  }
}

function readUrl(url: string): UrlFact | undefined {
  if (!URL.canParse(url)) return undefined;
  const { protocol, hostname } = new URL(url);
  return { kind: "url", protocol, host: hostname };
}
