import { type JsonObject, isObject } from "../core/call/json.ts";
import { toolClass } from "../core/settings/tools.ts";

/** A tool call as a person types it, or why it is none. */
export type Target =
  | { readonly tool: string; readonly input: JsonObject }
  | { readonly fault: string; readonly hint?: string };

/** Reads `Tool(argument)`: the command of Bash, the path of a file tool, the URL of WebFetch. */
export function readTarget(text: string): Target {
  const match = /^([A-Za-z_][\w-]*)(?:\(([\s\S]*)\))?$/.exec(text.trim());
  const tool = match?.[1];
  if (tool === undefined) {
    return {
      fault: `\`${text}\` is no tool call`,
      hint: "write `Tool(argument)`, for example `cordon check 'Bash(npm test)'`",
    };
  }
  const argument = match?.[2];
  if (argument === undefined) return { tool, input: {} };
  switch (toolClass(tool)) {
    case "shell":
      return { tool, input: { command: argument } };
    case "read":
      if (tool === "Glob") return { tool, input: { pattern: argument } };
      if (tool === "Grep") return { tool, input: { pattern: "", path: argument } };
      if (tool === "LS") return { tool, input: { path: argument } };
      return { tool, input: { file_path: argument } };
    case "edit":
      return { tool, input: tool === "NotebookEdit" ? { notebook_path: argument } : { file_path: argument } };
    case "web-fetch":
      return { tool, input: { url: argument } };
    case "web-search":
      return { tool, input: { query: argument } };
    case "agent":
      return { tool, input: { subagent_type: argument } };
    case "skill":
      return { tool, input: { skill: argument } };
    case "internal":
    case "interaction":
    case "mcp":
    case "unknown":
      return {
        fault: `the argument of \`${tool}\` cannot be told from its text`,
        hint: `use \`--tool ${tool} --input '{...}'\``,
      };
  }
}

/** Reads `--tool NAME --input JSON`. */
export function readToolInput(tool: string, input: string | undefined): Target {
  if (!/^[A-Za-z_][\w:-]*$/.test(tool)) return { fault: `\`${tool}\` is no tool name` };
  if (input === undefined) return { tool, input: {} };
  try {
    const value: unknown = JSON.parse(input);
    if (isObject(value)) return { tool, input: value };
    return { fault: "--input is no JSON object", hint: `write --input '{"file_path": "src/a.ts"}'` };
  } catch (error) {
    return { fault: `--input is no JSON: ${error instanceof Error ? error.message : String(error)}` };
  }
}
