import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { Script } from "node:vm";

/** Name of the compiled code that belongs to a file. */
export const cacheOf = (file: string): string => `${file}.cache`;

/** A file of the program that was loaded. */
export interface LoadedFile {
  readonly file: string;
  readonly script: Script;
}

/**
 * A `require` for the CommonJS files of `directory`, by names that start with `./`, which takes
 * compiled code from beside each file. Anything else goes to node's own.
 *
 * Compiled code that is missing, or was made by another version of node, is passed over, and the
 * file compiled. `loaded` is told each file once; the build makes the compiled code from that.
 */
export function programLoader(
  directory: string,
  loaded: (one: LoadedFile) => void = () => undefined,
): (name: string) => unknown {
  const modules = new Map<string, { exports: unknown }>();
  const require = (name: string): unknown => {
    if (!name.startsWith("./")) return own(name);
    const known = modules.get(name);
    if (known !== undefined) return known.exports;
    const file = join(directory, name);
    const module = { exports: {} };
    modules.set(name, module);
    // The build writes nothing but ASCII.
    const source = `(function (exports, require, module, __filename, __dirname) {${readFileSync(file, "latin1")}\n})`;
    const script = new Script(source, { filename: file, cachedData: compiled(file) });
    loaded({ file, script });
    const run: unknown = script.runInThisContext();
    if (typeof run !== "function") throw new Error(`${file} is no module`);
    run(module.exports, require, module, file, directory);
    return module.exports;
  };
  const own = createRequire(join(directory, "program.cjs"));
  return require;
}

function compiled(file: string): Buffer | undefined {
  try {
    return readFileSync(cacheOf(file));
  } catch {
    return undefined;
  }
}
