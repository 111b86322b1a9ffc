import { pathToFileURL } from "node:url";
import type { HookEnd } from "../../core/hooks/answer.ts";
import { type Json, type JsonObject, isObject } from "../../core/call/json.ts";
import { type HookProcess, runProcess } from "./process.ts";

/** Runs in a worker of a process of its own: what the module prints never mixes with its answer. */
const IN_WORKER = `
const { parentPort, workerData } = require("node:worker_threads");
import(workerData.module).then(async (module) => {
  const isFunction = (each) => typeof each === "function";
  const others = [...new Set(Object.values(module).filter(isFunction))];
  const hook = [module.default, module.preToolUse, module.default?.preToolUse, ...(others.length === 1 ? others : [])].find(isFunction);
  if (hook === undefined) throw new Error("it exports no function");
  parentPort.postMessage({ value: JSON.stringify(await hook(workerData.call)) });
}).catch((error) => parentPort.postMessage({ error: String(error?.message ?? error).slice(0, 2000) }));
`;

/** Megabytes of objects a module may hold. */
const MEMORY = 256;

const PROGRAM = `
import { Worker } from "node:worker_threads";
const parts = [];
for await (const part of process.stdin) parts.push(part);
const call = JSON.parse(Buffer.concat(parts).toString("utf8"));
const state = { answered: false };
const answer = (text) => {
  if (state.answered) return;
  state.answered = true;
  process.stdout.write(text, () => process.exit(0));
};
const worker = new Worker(${JSON.stringify(IN_WORKER)}, {
  eval: true, stdin: true, stdout: true, stderr: true, execArgv: [],
  workerData: { module: process.argv[1], call },
  resourceLimits: { maxOldGenerationSizeMb: ${MEMORY}, maxYoungGenerationSizeMb: 32, stackSizeMb: 4 },
});
worker.stdout.resume();
worker.stderr.resume();
worker.once("message", ({ value, error }) => answer(JSON.stringify(error === undefined ? { value: value ?? null } : { error })));
worker.once("error", (error) => answer(JSON.stringify({ error: String(error?.message ?? error).slice(0, 2000) })));
worker.once("exit", () => answer(JSON.stringify({ error: "it ended without an answer" })));
`;

/**
 * Calls the function a module exports with `{tool, input}` and returns what it returned. Never
 * rejects; what the module does to its own process harms no other.
 */
export async function callModule(
  path: string,
  call: JsonObject,
  where: Omit<HookProcess, "file" | "args" | "input">,
): Promise<HookEnd> {
  const end = await runProcess({
    ...where,
    file: process.execPath,
    args: [`--max-old-space-size=${MEMORY}`, "--input-type=module", "-e", PROGRAM, pathToFileURL(path).href],
    input: JSON.stringify(call),
  });
  if (end.kind !== "exited") return end;
  const { status, stdout, cut } = end;
  if (status !== 0 || stdout === undefined || cut) {
    return {
      kind: "failed",
      why: cut ? "it returned more than cordon reads" : `it ended with status ${status}`,
    };
  }
  const said = parsed(stdout);
  if (!isObject(said)) return { kind: "failed", why: "what it returned cannot be read" };
  const { error, value } = said;
  if (typeof error === "string") return { kind: "failed", why: `it threw: ${error}` };
  return { kind: "returned", value: typeof value === "string" ? parsed(value) : undefined };
}

function parsed(text: string): Json | undefined {
  try {
    const value: Json = JSON.parse(text);
    return value;
  } catch {
    return undefined;
  }
}
