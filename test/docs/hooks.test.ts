import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { join, resolve } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { command as run } from "../../src/cli/run.ts";
import { createGate } from "../../src/host/gate.ts";
import { openCallHooks } from "../../src/host/hooks/call-hooks.ts";
import { judgeWithHooks } from "../../src/host/run/judge.ts";
import { type Scene, runIn, scene } from "../cli/scene.ts";

const page = readFileSync(resolve(import.meta.dirname, "../../docs/hooks.md"), "utf8");
const chapter = /^## Examples\n([\s\S]*?)^## /m.exec(page)?.[1] ?? "";

/** One example of the page: files that it names, and what is typed and printed. */
interface Example {
  readonly title: string;
  readonly files: readonly { readonly name: string; readonly text: string }[];
  readonly typed: string;
  readonly printed: string;
}

const examples: readonly Example[] = chapter
  .split(/^### /m)
  .slice(1)
  .map((text) => {
    const [, typed = "", printed = ""] = /^```console\n\$ (.*)\n([\s\S]*?)^```$/m.exec(text) ?? [];
    const files = [...text.matchAll(/^`([\w.]+)`.*:\n\n```\w+\n([\s\S]*?)^```$/gm)].map(
      ([, name = "", body = ""]) => ({ name, text: body }),
    );
    return { title: text.split("\n")[0] ?? "", files, typed, printed };
  });

const children: ChildProcess[] = [];
afterAll(() => {
  for (const child of children) child.kill();
});

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((done) => server.once("listening", done));
  const { port } = server.address() as AddressInfo;
  await new Promise((done) => server.close(done));
  return port;
}

/** Writes the files, with a port that is free here, and starts the server among them. */
async function setUp(at: Scene, { files }: Example): Promise<void> {
  const port = String(await freePort());
  for (const { name, text } of files)
    at.put(join("home/.config/cordon", name), text.replaceAll("8377", port));
  if (!files.some(({ name }) => name === "server.mjs")) return;
  const child = spawn(process.execPath, [join(at.home, ".config/cordon/server.mjs")], { stdio: "ignore" });
  children.push(child);
  for (;;) {
    const up = await fetch(`http://127.0.0.1:${port}/`, { method: "POST", body: "{}" }).catch(
      () => undefined,
    );
    if (up !== undefined) return;
    if (child.exitCode !== null) throw new Error("the server of the page ended");
  }
}

describe("the examples of the page about hooks", () => {
  it("are a program, a module and a server, each with its settings", () => {
    expect(examples.map(({ title, files }) => [title, ...files.map(({ name }) => name)])).toEqual([
      ["A program", "guard.sh", "settings.json"],
      ["A module", "guard.mjs", "settings.json"],
      ["A server", "server.mjs", "settings.json"],
    ]);
  });

  it.each(examples)("$title does what the page shows", async (example) => {
    const at = scene();
    await setUp(at, example);
    const [, token, typed = ""] = /^(?:GUARD_TOKEN='([^']*)' )?cordon run -- (.*)$/.exec(example.typed) ?? [];
    const argv = ["--", ...(typed.startsWith("'") ? [typed.slice(1, -1)] : typed.split(" "))];
    const env = { ...at.env, ...(token === undefined ? {} : { GUARD_TOKEN: token }) };
    const { status, out, err } = await runIn(at, run, argv, { env });
    expect({ status, out }).toEqual({ status: 126, out: "" });
    expect(
      err.replaceAll(at.home, "/home/bob").replace(/http:\/\/127.0.0.1:\d+/, "http://127.0.0.1:8377"),
    ).toBe(example.printed);
    if (token !== undefined) expect((await runIn(at, run, argv)).err).toContain("status 401");
  });

  it.each(examples)("$title lets other calls be decided as without it", async (example) => {
    const at = scene();
    await setUp(at, example);
    const env = { ...at.env, GUARD_TOKEN: "open sesame" };
    const gate = createGate({ cwd: at.project, home: at.home, env });
    const judged = async (command: string) =>
      judgeWithHooks(gate, { tool: "Bash", input: { command } }, {}, openCallHooks(gate, "s", undefined));
    const { decision, ran } = await judged("ls");
    expect([decision.verdict, decision.code, ran.length]).toEqual(["allow", "cmd.read-only", 1]);
    const { input } = await judged("npm install");
    const other = example.title === "A module" ? "npm ci --ignore-scripts" : "npm install";
    expect(input.input).toEqual({ command: other });
  });
});
