import { win32 } from "node:path";
import { belowTop } from "./owner.ts";
import { askProgram } from "./program.ts";
import { sddlFault } from "./sddl.ts";

/** Not by `%SystemRoot%`, which is whatever the caller says it is. */
export const WINDOWS = "C:\\Windows";
const POWERSHELL = `${WINDOWS}\\System32\\WindowsPowerShell\\v1.0\\powershell.exe`;

/** Milliseconds the program may take. */
const PATIENCE = 20_000;
const MOST_OUTPUT = 4 * 1024 * 1024;

/**
 * Prints a line for each path: its attributes as a number, and owner and access list as SDDL. Paths
 * come in a variable, so that none is ever a part of this text. No command of a module is used: where
 * modules are looked for is the person's to say.
 */
const SCRIPT = `
$ErrorActionPreference = 'Stop'
foreach ($path in $env:CORDON_PATHS.Split('|')) {
  $attributes = [int][System.IO.File]::GetAttributes($path)
  if ($attributes -band 16) { $rights = [System.IO.Directory]::GetAccessControl($path, 'Owner, Access') }
  else { $rights = [System.IO.File]::GetAccessControl($path, 'Owner, Access') }
  [Console]::Out.WriteLine([string]$attributes + ' ' + $rights.GetSecurityDescriptorSddlForm('Owner, Access'))
}
`;

/** Attributes of a file that Windows takes for a link, a junction or another mark to go elsewhere. */
const REPARSE_POINT = 0x400;

/**
 * Asks once whose some files are, and every directory above them. Gives back, for each, why it or one
 * of these is not the administrators' alone; undefined = it is.
 *
 * INVARIANT: a file that was not named in `files` is not the administrators'; so is every file where
 * the program cannot be asked or says something else than a line for each path. `files` are absolute
 * names as Windows has them; `top` stands for the root of the machine.
 */
export function windowsOwners(files: readonly string[], top: string): (file: string) => string | undefined {
  const paths = [...new Set(files.flatMap(chainOf))];
  if (paths.length === 0) return () => "its owner was not asked about";
  const odd = paths.find((path) => /[|"\r\n\0]/.test(path));
  if (odd !== undefined) return () => `${odd} has a name that no file of Windows can have`;
  const answer = askProgram({
    program: belowTop(top, POWERSHELL),
    args: ["-NoProfile", "-NonInteractive", "-NoLogo", "-Command", SCRIPT],
    patience: PATIENCE,
    most: MOST_OUTPUT,
    env: { SystemRoot: WINDOWS, PATH: `${WINDOWS}\\System32`, CORDON_PATHS: paths.join("|") },
  });
  if (answer.kind !== "bytes") return () => `its owner cannot be asked about: ${POWERSHELL} ${answer.why}`;
  const lines = new TextDecoder("latin1")
    .decode(answer.bytes)
    .replace(/\r?\n$/, "")
    .split(/\r?\n/);
  if (lines.length !== paths.length)
    return () =>
      `its owner cannot be asked about: ${POWERSHELL} said ${lines.length} lines for ${paths.length} paths`;
  const faults = new Map(paths.map((path, index) => [path, lineFault(lines[index] ?? "", path)]));
  return (file) => {
    for (const path of chainOf(file)) {
      if (!faults.has(path)) return `${path}: its owner was not asked about`;
      const why = faults.get(path);
      if (why !== undefined) return `${path} ${why}`;
    }
    return undefined;
  };
}

function lineFault(line: string, path: string): string | undefined {
  const [, attributes, sddl = ""] = /^(\d{1,10}) (\S+)$/.exec(line) ?? [];
  if (attributes === undefined) return "has an owner that cannot be read";
  if ((Number(attributes) & REPARSE_POINT) !== 0) return "is a link or a junction";
  return sddlFault(sddl, win32.dirname(path) === path ? "drive" : "below");
}

/** A path and every directory above it, the root of the drive first. */
function chainOf(path: string): readonly string[] {
  const above = win32.dirname(path);
  return above === path ? [path] : [...chainOf(above), path];
}
