// Builds cordon's launcher from native/*.c with the C compiler of the machine, where there is one.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { chmodSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const sources = fileURLToPath(new URL("../native", import.meta.url));
const COMPILERS = ["cc", "gcc", "clang"];
const FLAGS = ["-std=gnu11", "-Os", "-static", "-s", "-fstack-protector-strong", "-Wall", "-Wextra"];

export function buildLauncher(directory, { strict = false } = {}) {
  if (process.platform !== "linux") return { built: false, why: "it is for Linux" };
  const path = join(directory, "cordon-launcher");
  const files = readdirSync(sources)
    .filter((name) => name.endsWith(".c"))
    .map((name) => join(sources, name));
  mkdirSync(directory, { recursive: true, mode: 0o755 });
  chmodSync(directory, 0o755);
  let why = "there is no C compiler (cc, gcc, clang)";
  for (const compiler of COMPILERS) {
    const { status, stderr, error } = spawnSync(
      compiler,
      [...FLAGS, ...(strict ? ["-Werror"] : []), "-o", path, ...files],
      { encoding: "utf8" },
    );
    if (error !== undefined) continue;
    if (status === 0) {
      chmodSync(path, 0o555);
      const sha256 = createHash("sha256").update(readFileSync(path)).digest("hex");
      writeFileSync(join(directory, "launcher.json"), `${JSON.stringify({ sha256 })}\n`, { mode: 0o644 });
      return { built: true, path, sha256 };
    }
    why = `${compiler}: ${stderr.trim().split("\n").at(-1) ?? "it failed"}`;
  }
  rmSync(path, { force: true });
  return { built: false, why };
}
