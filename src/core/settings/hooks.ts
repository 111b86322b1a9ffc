import type { Origin } from "./origin.ts";
import type { HookMatcher } from "./hook-matcher.ts";
import type { Rule } from "./rule.ts";

/** The events cordon runs hooks for when it runs a call itself. */
export const HOOK_EVENTS = [
  "PreToolUse",
  "PostToolUse",
  "PostToolUseFailure",
  "PermissionRequest",
  "PermissionDenied",
  "SessionStart",
  "SessionEnd",
  "ConfigChange",
] as const;
export type HookEvent = (typeof HOOK_EVENTS)[number];

/** Events of agents that cordon keeps in the file and never runs. */
export const KEPT_EVENTS: readonly string[] = (
  "PostToolBatch UserPromptSubmit UserPromptExpansion Setup Stop StopFailure SubagentStart SubagentStop " +
  "PreCompact PostCompact PreModelSwitch PostModelSwitch Notification TeammateIdle TaskCreated " +
  "TaskCompleted Elicitation ElicitationResult WorktreeCreate WorktreeRemove InstructionsLoaded " +
  "CwdChanged FileChanged DirectoryAdded MessageDisplay"
).split(" ");

/** True for an event that is about one tool call; only there `if` means anything. */
export function isToolEvent(event: HookEvent): boolean {
  return event !== "SessionStart" && event !== "SessionEnd" && event !== "ConfigChange";
}

/** What a handler does. */
export type HookAction =
  /** With `args` a program and its arguments, without them a text for bash. */
  | { readonly kind: "command"; readonly command: string; readonly args?: readonly string[] | undefined }
  | {
      readonly kind: "http";
      readonly url: string;
      readonly headers: Readonly<Record<string, string>>;
      /** Environment variables its headers may name. */
      readonly variables: readonly string[];
    }
  /** An absolute path of a JavaScript module. */
  | { readonly kind: "module"; readonly path: string }
  /** Cannot be run: of a type cordon does not know how to run, or not readable. */
  | { readonly kind: "none"; readonly why: string };

/**
 * One handler of one event.
 *
 * INVARIANT: a handler that cannot be run is one too, so that the calls it would have judged ask.
 */
export interface Hook {
  readonly event: HookEvent;
  readonly matcher: HookMatcher;
  /** `if`: it runs where one of these rules covers the call; undefined = always. */
  readonly conditions: readonly Rule[] | undefined;
  /** What prompts and records call it. */
  readonly name: string;
  readonly origin: Origin;
  /** Seconds. */
  readonly timeout: number;
  /** `continue` only where a person set it, outside managed and repository files. */
  readonly onFailure: "block" | "continue";
  /** False for `async` handlers, whose answers count for nothing. */
  readonly decides: boolean;
  /** It stands in a file that comes with a repository. */
  readonly repository: boolean;
  readonly action: HookAction;
}

/** The hooks of all files that count, in the order of the files, highest first. */
export interface HookPolicy {
  readonly hooks: readonly Hook[];
  /** Hooks that are left out because their file is not trusted. */
  readonly ignored: number;
  /** Patterns of URLs; an HTTP hook needs a match in every list. No list: any URL. */
  readonly urls: readonly (readonly string[])[];
  /** As `urls`, for the variables in headers. */
  readonly variables: readonly (readonly string[])[];
}

/** No hooks at all. */
export const NO_HOOKS: HookPolicy = { hooks: [], ignored: 0, urls: [], variables: [] };

/** `file:line` of a hook. */
export function placeOfHook({ origin }: Pick<Hook, "origin">): string {
  const file = origin.file ?? `the ${origin.scope} settings`;
  return origin.line === undefined ? file : `${file}:${origin.line}`;
}
