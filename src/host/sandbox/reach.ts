import { statSync } from "node:fs";
import { dirname } from "node:path";

/**
 * False where the user surely cannot get to `path`: a directory above it is closed to him by its mode
 * bits. A command cannot get there either, and nothing can be mounted there for it: root's rights end
 * at files of users that a namespace does not know. A list of access rights shows in the bits of the
 * group, so a directory that is open to its group counts as open.
 */
export function mayReach(path: string, uid: number): boolean {
  for (let directory = dirname(path); ; directory = dirname(directory)) {
    try {
      const { mode, uid: owner } = statSync(directory);
      if (owner === uid ? uid !== 0 && (mode & 0o100) === 0 : (mode & 0o011) === 0) return false;
    } catch {
      // Nobody can tell.
    }
    if (directory === "/") return true;
  }
}
