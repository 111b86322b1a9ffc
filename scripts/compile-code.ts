/**
 * Runs the bundled program once on a sample and keeps the code that was compiled for it, beside
 * each file: see src/cli/code-cache.ts. A second sample adds to what the first one left. What the
 * program says goes to standard output and is of no use.
 *
 * Usage: node scripts/run.mjs scripts/compile-code.ts DIRECTORY hook|ask|check|sandbox
 */
import { mkdtempSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { Readable } from "node:stream";
import { type LoadedFile, cacheOf, programLoader } from "../src/cli/code-cache.ts";

const [directory = "", sample = ""] = process.argv.slice(2);
const program = resolve(directory);

// A home and a project of its own, with settings to read; nothing of this machine is looked at.
const top = mkdtempSync(join(tmpdir(), "cordon-compile-"));
const put = (name: string, text: string): void => {
  mkdirSync(join(top, name, ".."), { recursive: true });
  writeFileSync(join(top, name), text);
};
put(
  "home/.claude/settings.json",
  '{"permissions": {"allow": ["Bash(npm test)", "Read(src/**)"], "deny": ["Read(.env)"]}}',
);
put("app/.git/HEAD", "ref: refs/heads/main\n");
put("app/src/a.ts", "");
process.env["HOME"] = join(top, "home");
process.env["XDG_STATE_HOME"] = join(top, "state");
delete process.env["CLAUDE_PROJECT_DIR"];

const payload = (tool: string, input: object): string =>
  JSON.stringify({
    session_id: "sample",
    cwd: join(top, "app"),
    permission_mode: "default",
    hook_event_name: "PreToolUse",
    tool_name: tool,
    tool_input: input,
  });
const HOOK = ["hook", "claude-code", "pre-tool-use"];
const samples: Readonly<Record<string, { readonly argv: readonly string[]; readonly stdin: string }>> = {
  hook: { argv: HOOK, stdin: payload("Bash", { command: "git status && ls -la | head -5" }) },
  ask: { argv: HOOK, stdin: payload("Edit", { file_path: join(top, "app/src/a.ts") }) },
  check: {
    argv: ["check", "--json", "--cwd", join(top, "app"), "Bash(git push --force origin main > out.txt)"],
    stdin: "",
  },
  // Where nothing can be confined it ends early; less is kept then.
  sandbox: { argv: ["sandbox", "--cwd", join(top, "app"), "--", "true"], stdin: "" },
};
const chosen = samples[sample];
if (chosen === undefined) throw new Error(`there is no sample \`${sample}\``);

const loaded: LoadedFile[] = [];
process.on("exit", () => {
  for (const { file, script } of loaded) writeFileSync(cacheOf(file), script.createCachedData());
  rmSync(top, { recursive: true, force: true });
  // What the program said about the sample is not what became of this one.
  process.exitCode = 0;
});
Object.defineProperty(process, "stdin", { value: Readable.from([Buffer.from(chosen.stdin)]) });
process.argv = [process.execPath, join(program, "cordon.cjs"), ...chosen.argv];
programLoader(program, (one) => loaded.push(one))("./program.cjs");
