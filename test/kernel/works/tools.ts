import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = join(dirname(fileURLToPath(import.meta.url)), "../../..");

/** Fetched, exactly these; what the project has itself is taken from there. */
const FETCHED: Readonly<Record<string, string>> = {
  eslint: "10.15.0",
  jest: "30.5.2",
  pnpm: "12.21.0",
  prettier: "3.10.1",
};
/** Programs of the project's own packages. */
const OWN: readonly string[] = ["tsc", "vite", "vitest"];

/** `node_modules/.bin` with a tool in it, below a directory every user of the stage may read. */
export type ToolBox = (tool: string) => string | undefined;

/**
 * Lays out the tools below `base`. They are fetched once, by npm as it is configured here, and kept
 * in .cache; where that fails the tools are undefined, and that is said.
 */
export function openToolBox(base: string): ToolBox {
  const boxes = new Map<string, string | undefined>();
  const box = (name: string, from: () => string | undefined): string | undefined => {
    if (!boxes.has(name)) boxes.set(name, laid(from(), join(base, `tools-${name}`)));
    return boxes.get(name);
  };
  return (tool) => {
    const bin = OWN.includes(tool) ? box("own", () => join(ROOT, "node_modules")) : box("npm", fetched);
    return bin !== undefined && existsSync(join(bin, tool)) ? bin : undefined;
  };
}

/** A copy by links: the repository may lie where other users cannot look. */
function laid(from: string | undefined, to: string): string | undefined {
  if (from === undefined) return undefined;
  const into = join(to, "node_modules");
  mkdirSync(to);
  const linked = spawnSync("cp", ["-al", from, into], { stdio: "ignore" });
  if (linked.status !== 0) {
    spawnSync("rm", ["-rf", into]);
    if (spawnSync("cp", ["-a", from, into], { stdio: "inherit" }).status !== 0) return undefined;
  }
  spawnSync("chmod", ["755", to, into]);
  return join(into, ".bin");
}

function fetched(): string | undefined {
  const names = Object.entries(FETCHED).map(([name, version]) => `${name}@${version}`);
  const directory = join(ROOT, ".cache/kernel-tools", names.join("+").replace(/[^\w.+-]/g, ""));
  const modules = join(directory, "node_modules");
  if (existsSync(join(directory, "whole"))) return modules;
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, "package.json"), "{}");
  // Scripts are run: the program of pnpm is put in place by one.
  const args = ["install", "--no-audit", "--no-fund", "--no-save", "--no-package-lock", "--loglevel=error"];
  const fetching = [...args, "--fetch-retries=1", "--fetch-timeout=20000", ...names];
  const { status } = spawnSync("npm", fetching, {
    cwd: directory,
    stdio: ["ignore", 2, 2],
    timeout: 120_000,
  });
  if (status !== 0) {
    process.stderr.write(`SKIPPED: npm could not fetch ${names.join(", ")}\n`);
    return undefined;
  }
  writeFileSync(join(directory, "whole"), "");
  return modules;
}
