import { accessSync, constants } from "node:fs";
import { codeOf } from "../settings/read-file.ts";

/**
 * True when a look failed for a reason that stops the agent just as it stopped us, and a second
 * look agrees. False for everything else: then looking itself went wrong, and nothing is known.
 *
 * `rights` are those the look needed in `directory`, which was one a moment ago.
 */
export function isShut(code: string | undefined, directory: string, rights: "enter" | "list"): boolean {
  switch (code) {
    case "ENAMETOOLONG":
    case "ERR_INVALID_ARG_VALUE":
      return true;
    case "EACCES":
      try {
        const { R_OK, X_OK } = constants;
        accessSync(directory === "" ? "/" : directory, rights === "list" ? R_OK : X_OK);
        return false;
      } catch (error) {
        return codeOf(error) === "EACCES";
      }
    default:
      return false;
  }
}
