import { readdirSync } from "node:fs";
import { join } from "node:path";
import { isObject } from "../../core/call/json.ts";
import { readDocument, valueOf } from "../../core/settings/document.ts";
import type { RepositoryLook } from "../../core/settings/proposal.ts";
import { readWhole, utf8 } from "../settings/read-file.ts";

/** Most names, scripts and targets that are looked at: a repository is somebody else's text. */
const MOST = 500;

/**
 * Looks at the top of a repository. Runs nothing and follows no link; what cannot be read is as if
 * it were not there.
 */
export function lookAt(root: string): RepositoryLook {
  const names = new Set(namesIn(root));
  const text = (name: string): string => (names.has(name) ? textOf(join(root, name)) : "");
  const python = [
    "pyproject.toml",
    "setup.cfg",
    "tox.ini",
    "noxfile.py",
    "pytest.ini",
    "mypy.ini",
    "ruff.toml",
  ]
    .map((name) => `${names.has(name) ? name : ""}\n${text(name)}`)
    .join("\n");
  return {
    names,
    scripts: scriptsOf(text("package.json")),
    targets: targetsOf(text("Makefile") || text("makefile") || text("GNUmakefile"), /^([\w.:-]+)\s*:(?!=)/gm),
    recipes: targetsOf(text("justfile") || text("Justfile"), /^@?([\w-]+)(?:\s[^:\n]*)?:(?!=)/gm),
    pythonTools: ["pytest", "ruff", "mypy", "tox", "nox"].filter((tool) => isSetUp(tool, python)),
  };
}

function namesIn(root: string): readonly string[] {
  try {
    return readdirSync(root).slice(0, MOST * 20);
  } catch {
    return [];
  }
}

function textOf(file: string): string {
  const read = readWhole(file, "refuse");
  return read.kind === "bytes" ? (utf8(read.bytes) ?? "") : "";
}

function scriptsOf(text: string): readonly string[] {
  const { root } = readDocument(text);
  const manifest = root === undefined ? undefined : valueOf(root, 3);
  const scripts = isObject(manifest) ? manifest["scripts"] : undefined;
  return isObject(scripts) ? Object.keys(scripts).slice(0, MOST) : [];
}

function targetsOf(text: string, line: RegExp): readonly string[] {
  const found = [...text.slice(0, 500_000).matchAll(line)].map(([, name]) => name ?? "");
  return [...new Set(found)].filter((name) => name !== "" && !name.startsWith(".")).slice(0, MOST);
}

/** The tool has a section, a file or a line of its own; being a dependency is not enough. */
function isSetUp(tool: string, text: string): boolean {
  return new RegExp(`^(?:\\[(?:tool[.:])?${tool}\\b|${tool}(?:\\.ini|\\.toml|file\\.py)$)`, "m").test(text);
}
