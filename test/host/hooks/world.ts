import { existsSync, readFileSync, readdirSync } from "node:fs";
import { type Server, type ServerResponse, createServer } from "node:http";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { isObject } from "../../../src/core/call/json.ts";
import { type Gate, createGate } from "../../../src/host/gate.ts";
import { openCallHooks } from "../../../src/host/hooks/call-hooks.ts";
import { type Judged, judgeWithHooks } from "../../../src/host/run/judge.ts";
import { type Answer, type Outcome, type Question, runCall } from "../../../src/host/run/run-call.ts";
import { type Scene, scene } from "../../cli/scene.ts";

/** A handler as settings hold it; a string is the text of a command. */
export type Handler = string | object;

/** Settings with handlers for one event. */
export function hooking(handlers: readonly Handler[], event = "PreToolUse", more: object = {}): object {
  const hooks = handlers.map((each) =>
    typeof each === "string" ? { type: "command", command: each } : each,
  );
  return { ...more, hooks: { [event]: [{ hooks }] } };
}

export interface Trial {
  readonly settings: object;
  readonly managed?: object | undefined;
  readonly command?: string | undefined;
  readonly mode?: "default" | "bypassPermissions" | "plan" | "dontAsk" | undefined;
  readonly env?: Readonly<Record<string, string>> | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly at?: Scene | undefined;
}

/** A gate with settings of the command line, and managed ones. */
export function gateWith({ settings, managed, env, at = scene() }: Trial): Gate {
  return createGate({
    cwd: at.project,
    home: at.home,
    env: { ...at.env, ...env },
    ambient: false,
    settings: JSON.stringify(settings),
    managed: managed === undefined ? undefined : JSON.stringify(managed),
  });
}

/** What a call comes to with hooks; `touch made` would ask without them. */
export async function trial(what: Trial): Promise<Judged> {
  const gate = gateWith(what);
  const input = { tool: "Bash", input: { command: what.command ?? "touch made" }, mode: what.mode };
  return judgeWithHooks(gate, input, {}, openCallHooks(gate, "a-session", what.signal));
}

/** `verdict code`, and the sentence behind it. */
export function saidOf({ decision }: Judged): readonly [string, string] {
  return [`${decision.verdict} ${decision.code}`, decision.why];
}

/** A line that prints an answer. */
export function printing(value: unknown, then = ""): string {
  return `printf %s ${quote(JSON.stringify(value))}; ${then}`;
}

export function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/** A PreToolUse answer. */
export function pre(permissionDecision: string | undefined, more: object = {}): object {
  return { hookSpecificOutput: { hookEventName: "PreToolUse", permissionDecision, ...more } };
}

export interface Loopback {
  readonly url: string;
  readonly port: number;
  /** Bodies and headers of all requests. */
  readonly requests: { readonly body: unknown; readonly headers: NodeJS.Dict<string | string[]> }[];
}

/** A server on the loopback that answers with `reply`; gone when the test is over. */
export async function loopback(reply: (path: string, response: ServerResponse) => void): Promise<Loopback> {
  const requests: { body: unknown; headers: NodeJS.Dict<string | string[]> }[] = [];
  const server: Server = createServer((request, response) => {
    const parts: Uint8Array[] = [];
    request.on("data", (part: Uint8Array) => parts.push(part));
    request.on("end", () => {
      const body: unknown = JSON.parse(Buffer.concat(parts).toString("utf8"));
      requests.push({ body, headers: request.headers });
      reply(request.url ?? "/", response);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  const port = isObject(address) && typeof address["port"] === "number" ? address["port"] : 0;
  return { url: `http://127.0.0.1:${port}`, port, requests };
}

/** Processes whose command line holds a text. */
export async function livingWith(text: string): Promise<readonly string[]> {
  return readdirSync("/proc").filter((pid) => {
    try {
      return /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/cmdline`, "latin1").includes(text);
    } catch {
      return false;
    }
  });
}

export interface Run {
  readonly outcome: Outcome;
  readonly asked: readonly Question[];
  readonly told: readonly string[];
}

/** Runs a command without a sandbox, as a session of its own. */
export async function run(
  at: Scene,
  settings: object,
  command: string,
  answer: Answer | "nobody" = "nobody",
): Promise<Run> {
  const asked: Question[] = [];
  const told: string[] = [];
  const gate = gateWith({ settings: { sandbox: { enabled: false }, ...settings }, at });
  const outcome = await runCall(
    gate,
    { tool: "Bash", input: { command } },
    {
      ask: async (question) => {
        asked.push(question);
        return answer;
      },
      notify: (text) => told.push(text),
      stdio: { output: "collect", stdin: "ignore" },
      standalone: true,
    },
  );
  return { outcome, asked, told };
}

/** Lines that hooks wrote into a file of the project. */
export function linesOf(at: Scene, name = "log"): readonly string[] {
  const file = join(at.project, name);
  return existsSync(file) ? readFileSync(file, "utf8").trim().split("\n") : [];
}
