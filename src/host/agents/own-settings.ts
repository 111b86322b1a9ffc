import { isObject } from "../../core/call/json.ts";
import { readAt, removeAt, setAt } from "../settings/json-edit.ts";

/** What a person opts into at the installation. */
export interface Choices {
  /** Allowed calls are approved to the agent. */
  readonly autoApprove: boolean;
  /** Commands are rewritten so that they run in cordon's sandbox, unasked where nothing else asks. */
  readonly sandbox: boolean;
}

/** The keys behind each choice, in cordon's user settings. */
function keysOf({ autoApprove, sandbox }: Choices): readonly (readonly string[])[] {
  return [
    ...(autoApprove ? [["cordon", "hook", "autoApprove"]] : []),
    ...(sandbox
      ? [
          ["cordon", "hook", "rewriteIntoSandbox"],
          ["sandbox", "autoAllowBashIfSandboxed"],
        ]
      : []),
  ];
}

/** cordon's user settings with the choices switched on. Throws `SettingsFileError` for faulty ones. */
export function withChoices(file: string, text: string, choices: Choices): string {
  return keysOf(choices).reduce(
    (rest, path) => (readAt(file, rest, path) === true ? rest : setAt(file, rest, path, true)),
    text,
  );
}

/**
 * cordon's user settings without the choices, except those that `earlier` had switched on already;
 * objects that this leaves empty go too.
 */
export function withoutChoices(file: string, text: string, choices: Choices, earlier: string): string {
  const ours = keysOf(choices).filter((path) => readAt(file, earlier, path) !== true);
  return ours.reduce((rest, path) => {
    if (readAt(file, rest, path) !== true) return rest;
    let left = removeAt(file, rest, path);
    for (let depth = path.length - 1; depth > 0; depth--) {
      const value = readAt(file, left, path.slice(0, depth));
      if (!isObject(value) || Object.keys(value).length > 0) break;
      left = removeAt(file, left, path.slice(0, depth));
    }
    return left;
  }, text);
}
