import { accessSync, constants, existsSync, realpathSync } from "node:fs";
import { delimiter, dirname, isAbsolute, join } from "node:path";
import { fileURLToPath } from "node:url";

/** Where a cordon lies and how it was started. */
export interface Start {
  /** Address of a module of the package. */
  readonly module: string;
  /** The script the process was started with, as it was named. */
  readonly script: string | undefined;
}

/**
 * The absolute path under which this cordon is best called from elsewhere: the launcher of a
 * checkout; else the name it was started by, where that leads to this package's program; else the
 * program itself. Throws where the package is not whole.
 */
export function launcherPath({ module, script }: Start): string {
  const root = packageRoot(dirname(fileURLToPath(module)));
  const launcher = join(root, "cordon");
  if (isProgram(launcher)) return launcher;
  const program = join(root, "dist", "bin", "cordon.cjs");
  if (script !== undefined && isAbsolute(script) && leadsTo(script, program) && isProgram(script))
    return script;
  if (isProgram(program)) return program;
  throw new Error(`neither ${launcher} nor ${program} is a program`);
}

function packageRoot(from: string): string {
  for (let here = from; ; here = dirname(here)) {
    if (existsSync(join(here, "package.json"))) return here;
    if (here === dirname(here)) throw new Error(`${from} belongs to no package`);
  }
}

function leadsTo(path: string, target: string): boolean {
  try {
    return realpathSync(path) === realpathSync(target);
  } catch {
    return false;
  }
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** True where a program of this name is on the search path. */
export function isOnPath(name: string, path: string | undefined): boolean {
  return (path ?? "").split(delimiter).some((entry) => isAbsolute(entry) && isProgram(join(entry, name)));
}
