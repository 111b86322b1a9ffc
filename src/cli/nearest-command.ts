import { nearest } from "../core/settings/keys.ts";

/** The hint for a command there is none of: the one that was probably meant, else where all are listed. */
export function commandHint(name: string, commands: readonly string[]): string {
  const near = nearest(name, commands);
  return near === undefined ? "see `cordon --help`" : `did you mean \`cordon ${near}\`?`;
}
