import type { SourcePlace } from "./source.ts";

/**
 * What to do about a source that cannot be taken at its word, as the command to type where there is
 * one. `fault` is what the host said; of what it does not know it says the general thing.
 */
export function mendHint(fault: string, { scope, tier, file }: SourcePlace): string {
  const it = file === undefined ? "it" : quoted(file);
  const [, writable] = /(?:^|: )(\/.*) may be written by others than root$/s.exec(fault) ?? [];
  if (writable !== undefined) return `run \`chmod go-w ${quoted(writable)}\``;
  const [, foreign] = /(?:^|: )(\/.*) does not belong to root$/s.exec(fault) ?? [];
  if (foreign !== undefined) return `run \`chown root ${quoted(foreign)}\``;
  const [, link] = /(?:^|: )(\/.*) is a link$/s.exec(fault) ?? [];
  if (link !== undefined) return `put the file or directory itself at ${link}: links do not count here`;
  if (fault === "is a link") return `put the file itself at ${it}: links do not count here`;
  const [, windows] =
    /^([A-Z]:\\.*?) (?:belongs to|may be changed by|has an? |is a link or)/s.exec(fault) ?? [];
  if (windows !== undefined)
    return `run \`icacls "${windows}"\`: only SYSTEM, Administrators and TrustedInstaller may own or change it`;
  if (tier === "helper") return helperHint(fault, it);
  if (file !== undefined && /^HK(?:LM|CU)\\/.test(file))
    return "write it as a REG_SZ value of ASCII text, or remove it";
  if (fault.startsWith("/usr/bin/plutil ")) return `run \`plutil -convert json -o - -- ${it}\` to see why`;
  if (/a link that leads nowhere|links run in a circle/.test(fault))
    return "let the link lead to the file, or remove it";
  if (fault.startsWith("is a directory")) return "remove the directory, or put a file in its place";
  if (fault.endsWith("is no regular file")) return "put a regular file in its place, or remove it";
  if (fault === "there is no such file") return "name a file that is there";
  if (/permission denied/.test(fault))
    return scope === "managed"
      ? `run \`chmod a+r ${it}\`, and \`chmod a+x\` for each directory above it`
      : `run \`chmod u+r ${it}\`; the directories above it need \`x\``;
  if (fault.endsWith("is not written in UTF-8")) return "save it as UTF-8";
  if (/is larger than/.test(fault)) return "make it smaller, or remove it";
  if (/is listed but cannot be found|is being written|was taken away/.test(fault)) return "try it again";
  return "make it a readable file, or remove it";
}

/** What to do about a policy helper. */
function helperHint(fault: string, program: string): string {
  if (fault.endsWith(" is not there")) return `put the program at ${program}, or remove \`policyHelper\``;
  if (fault.endsWith("is no regular file")) return `put the program itself at ${program}`;
  if (/cannot be run: permission denied/.test(fault)) return `run \`chmod a+rx ${program}\``;
  if (/cannot be run: ENOEXEC/.test(fault)) return `${program} has to begin with \`#!\` and its interpreter`;
  if (/did not come to an end within/.test(fault))
    return `run ${program} by hand to see what it waits for; \`timeoutMs\` of \`policyHelper\` gives it longer`;
  if (/calls cordon/.test(fault)) return `let ${program} not call cordon`;
  if (/cannot be checked on this system/.test(fault)) return "remove `policyHelper` on this system";
  if (/another `policyHelper`/.test(fault)) return "take `policyHelper` out of the answer";
  if (/does not answer|UTF-8|wrote more than/.test(fault))
    return `run ${program} by hand: it has to print \`{"managedSettings": {...}}\`, in UTF-8, one megabyte at most, and nothing else`;
  if (/answers with a fault/.test(fault)) return `run ${program} by hand and mend what it prints`;
  return `run ${program} by hand: it has to end with status 0`;
}

/** A path as a shell takes it. */
function quoted(path: string): string {
  return /^[\w./:@%+,-]+$/.test(path) ? path : `'${path.replaceAll("'", String.raw`'\''`)}'`;
}
