import { isObject } from "../../core/call/json.ts";
import { readDocument, valueOf } from "../../core/settings/document.ts";
import { type LoadRequest, loadSources } from "../settings/load.ts";

/**
 * Settings of the agent that keep the hook from running at all, each as a sentence with its file.
 *
 * Looks where the agent would look from `request.cwd`; what the agent is told by its own command
 * line or by a server is not seen.
 */
export function hookSwitches(request: Omit<LoadRequest, "ambient">): readonly string[] {
  return loadSources({ ...request, ambient: true }).sources.flatMap(({ scope, file, text }) => {
    const root = text === undefined ? undefined : readDocument(text).root;
    const settings = root === undefined ? undefined : valueOf(root, 2);
    if (file === undefined || !isObject(settings)) return [];
    return [
      ...(settings["disableAllHooks"] === true
        ? [`${file} sets \`disableAllHooks\`: no hook runs, and nothing is gated`]
        : []),
      ...(scope === "managed" && settings["allowManagedHooksOnly"] === true
        ? [`${file} sets \`allowManagedHooksOnly\`: only hooks in managed settings run`]
        : []),
    ];
  });
}
