import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { NO_HOOKS } from "../../src/core/settings/hooks.ts";
import type { LimitPolicy, Policy, Rung, SandboxPolicy } from "../../src/core/settings/policy.ts";
import type { Rule } from "../../src/core/settings/rule.ts";
import { SandboxError } from "../../src/host/sandbox/error.ts";
import { shellCommand } from "../../src/host/sandbox/linux/arguments.ts";
import { landlockAbi } from "../../src/host/sandbox/linux/landlock.ts";
import { probeSandbox } from "../../src/host/sandbox/linux/probe.ts";
import { type Sandbox, openSandbox, placeOf } from "../../src/host/sandbox/sandbox.ts";

/** One command for the driver, which runs as the user under test. One line of JSON. */
export interface Request {
  readonly id: number;
  readonly confined: boolean;
  /** What carries the plan out; default bubblewrap. */
  readonly rung?: Rung | undefined;
  readonly root: string;
  readonly cwd?: string | undefined;
  readonly environment: Readonly<Record<string, string>>;
  readonly command: string | readonly string[];
  readonly stdin?: string | undefined;
  readonly timeLimit?: number | undefined;
  readonly outputLimit?: number | undefined;
  /** Milliseconds after which the caller aborts. */
  readonly abortAfter?: number | undefined;
  readonly sandbox?: Partial<SandboxPolicy> | undefined;
  readonly limits?: LimitPolicy | undefined;
  readonly rules?: readonly Rule[] | undefined;
  readonly directories?: readonly string[] | undefined;
  readonly blockReadsOutside?: boolean | undefined;
  /** The terminal's or the caller's own descriptors. */
  readonly inherit?: boolean | undefined;
}

export function policyOf(
  request: Pick<Request, "sandbox" | "limits" | "rules" | "directories" | "blockReadsOutside">,
): Policy {
  return {
    fingerprint: "",
    hooks: NO_HOOKS,
    rules: request.rules ?? [],
    mode: { value: "default" },
    directories: request.directories ?? [],
    managed: { notEnforced: [] },
    limitsOfPaths: {
      protectedPaths: [],
      runsLater: [],
      secretPaths: [],
      blockReadsOutside: request.blockReadsOutside === true ? { scope: "user" } : undefined,
    },
    sandbox: {
      enabled: true,
      failIfUnavailable: false,
      autoAllowBashIfSandboxed: false,
      allowUnsandboxedCommands: false,
      allowWrite: [],
      denyWrite: [],
      denyRead: [],
      allowRead: [],
      allowedDomains: [],
      deniedDomains: [],
      ...request.sandbox,
    },
    cordon: {
      approvalTimeout: 60,
      audit: { required: false },
      hook: { autoApprove: false, rewriteIntoSandbox: false },
      limits: request.limits ?? {},
    },
    problems: [],
    ignored: { rules: 0, files: [] },
  };
}

type Run = (request: Request) => Promise<object>;

function openDriver(lists: string, launcher?: string): Run {
  const probe = probeSandbox();
  if (probe.kind === "unavailable") throw new Error(`${probe.why}: ${probe.cure}`);
  const abi = launcher === undefined ? 0 : landlockAbi(launcher);
  const open = (setup: { readonly rung: Rung; readonly bubblewrap?: string }): Sandbox =>
    openSandbox({
      footing: { ...setup, launcher, abi, passed: [] },
      lists: JSON.parse(readFileSync(lists, "utf8")),
      environment: process.env,
    });
  const floor = open({ rung: "bubblewrap", bubblewrap: probe.bubblewrap ?? "" });
  const native = launcher === undefined ? undefined : open({ rung: "native" });
  const alone = abi === 0 ? undefined : open({ rung: "landlock" });
  const rungs: Readonly<Record<Rung, Sandbox | undefined>> = {
    native,
    bubblewrap: floor,
    landlock: alone,
  };
  return async (request) => {
    const command = request.command;
    if (!request.confined) return await plainly(request);
    const sandbox = rungs[request.rung ?? "bubblewrap"];
    if (sandbox === undefined) throw new Error(`the rung ${request.rung} cannot be had`);
    for (const name of Object.keys(process.env)) delete process.env[name];
    Object.assign(process.env, request.environment);
    const plan = sandbox.plan(
      policyOf(request),
      placeOf(request.root, request.cwd ?? request.root, request.environment),
    );
    if (plan.kind === "refused") return { refused: plan.why };
    const argv = typeof command === "string" ? shellCommand(plan, command) : command;
    const result = await sandbox.run(plan, argv, {
      stdin: request.inherit === true ? "inherit" : Buffer.from(request.stdin ?? ""),
      output: request.inherit === true ? "inherit" : "collect",
      timeLimit: request.timeLimit,
      outputLimit: request.outputLimit,
      signal: request.abortAfter === undefined ? undefined : AbortSignal.timeout(request.abortAfter),
    });
    return {
      ...result,
      stdout: Buffer.from(result.stdout ?? []).toString("utf8"),
      stderr: Buffer.from(result.stderr ?? []).toString("utf8"),
      notes: plan.notes.map(({ what }) => what),
    };
  };
}

async function answer(run: Run, line: string): Promise<string> {
  const request: Request = JSON.parse(line);
  const told = await run(request).catch((error: unknown) => ({
    thrown: error instanceof Error ? error.message : String(error),
    fault: error instanceof SandboxError ? error.fault : undefined,
  }));
  return `${JSON.stringify({ id: request.id, ...told })}\n`;
}

/** The same command without any sandbox: what the attack would do. */
function plainly(request: Request): Promise<object> {
  const [file = "", ...args] =
    typeof request.command === "string"
      ? ["/bin/bash", "--noprofile", "--norc", "-c", request.command]
      : request.command;
  return new Promise((resolve) => {
    const child = spawn(file, args, { cwd: request.cwd ?? request.root, env: request.environment });
    const output = { stdout: "", stderr: "" };
    child.stdout.on("data", (data: Buffer) => (output.stdout += data.toString("utf8")));
    child.stderr.on("data", (data: Buffer) => (output.stderr += data.toString("utf8")));
    child.stdin.on("error", () => undefined);
    child.stdin.end(request.stdin ?? "");
    child.on("error", (error) => resolve({ thrown: error.message }));
    child.on("exit", (code, signal) => resolve({ status: code ?? 128, signal, ...output }));
  });
}

const [, , how, lists = "", request = ""] = process.argv;
if (how === "serve") {
  const run = openDriver(lists, request === "" ? undefined : request);
  for await (const line of createInterface({ input: process.stdin }))
    process.stdout.write(await answer(run, line));
}
if (how === "once") process.stderr.write(await answer(openDriver(lists, process.env["LAUNCHER"]), request));
