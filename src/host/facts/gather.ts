import { createHash } from "node:crypto";
import { statSync } from "node:fs";
import { dirname } from "node:path";
import {
  type BelowFact,
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
import { codeOf, readWhole } from "../settings/read-file.ts";
import { namesBelow } from "./below.ts";
import { currentBranch } from "./branch.ts";
import { expandGlob, listTree } from "./expand.ts";
import { rememberedLooks, resolvePath } from "./resolve.ts";

/** Largest file whose text becomes a fact, in bytes. */
const LARGEST_TEXT = 2_000_000;

/**
 * Finds out what the core asked for, each thing once. Never throws: what cannot be found out is left
 * out, which the core takes for the worst it can be.
 */
export function gatherFacts(
  needs: readonly Need[],
  more: Partial<Pick<Facts, "hooks" | "grants" | "reads" | "sandboxFault">> = {},
): Facts {
  const paths = new Map<string, PathFact>();
  const globs = new Map<string, GlobFact>();
  const branches = new Map<string, BranchFact>();
  const trees = new Map<string, TreeFact>();
  const below = new Map<string, BelowFact>();
  const texts = new Map<string, TextFact>();
  const urls = new Map<string, UrlFact>();
  const looks = rememberedLooks();
  const met = new Set<string>();
  const isNew = (key: string): boolean => met.size !== met.add(key).size;
  const look = (path: string, key: string): void => {
    const fact = resolvePath(path, looks);
    if (fact !== undefined) paths.set(key, fact);
  };
  for (const need of needs) {
    const key = needKey(need);
    if (!isNew(key)) continue;
    switch (need.kind) {
      case "path":
        look(need.path, key);
        break;
      case "glob": {
        const fact = found(() => expandGlob(need.pattern, looks));
        if (fact !== undefined) globs.set(key, fact);
        for (const path of (fact?.matches ?? []).flatMap((match) => [match, dirname(match)])) {
          const pathKey = needKey({ kind: "path", path });
          if (isNew(pathKey)) look(path, pathKey);
        }
        break;
      }
      case "branch":
        branches.set(key, currentBranch(need.dir));
        break;
      case "tree": {
        const fact = found(() => listTree(need.dir));
        if (fact !== undefined) trees.set(key, fact);
        break;
      }
      case "below": {
        const fact = found(() => namesBelow(need.path, need.glob));
        if (fact !== undefined) below.set(key, fact);
        break;
      }
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
  return { ...NO_FACTS, ...more, paths, globs, branches, trees, below, texts, urls };
}

/** What was found out; undefined where looking itself went wrong. */
function found<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch {
    return undefined;
  }
}

function readText(path: string): TextFact {
  const unknown = { kind: "text", exists: true, text: undefined, hash: undefined } as const;
  try {
    const stat = statSync(path);
    if (!stat.isFile() || stat.size > LARGEST_TEXT) return unknown;
    const reading = readWhole(path, "follow");
    if (reading.kind !== "bytes" || reading.bytes.length > LARGEST_TEXT) return unknown;
    return {
      kind: "text",
      exists: true,
      text: Buffer.from(reading.bytes).toString("utf8"),
      hash: createHash("sha256").update(reading.bytes).digest("hex"),
    };
  } catch (error) {
    return { ...unknown, exists: codeOf(error) !== "ENOENT" };
  }
}

function readUrl(url: string): UrlFact | undefined {
  if (!URL.canParse(url)) return undefined;
  const { protocol, hostname } = new URL(url);
  return { kind: "url", protocol, host: hostname };
}
