import type { Word } from "../../call/word.ts";
import type { Draft } from "../draft.ts";
import type { CommandSpec, ReaderName } from "../spec.ts";
import { readDd } from "./dd.ts";
import { readFind } from "./find.ts";
import { readGitCheckout, readGitConfig, readGitPush } from "./git.ts";
import { readPrintf, readSet, readTest } from "./builtins.ts";
import { readJoined, readParallel, readSsh, readTrap } from "./joined.ts";
import { readRsync } from "./rsync.ts";
import { readSedCommand } from "./sed.ts";
import { readTar } from "./tar.ts";
import { readXargs } from "./xargs.ts";

/** Reads operands that a table cannot describe; options are already filed in the draft. */
export type Reader = (draft: Draft, operands: readonly Word[], spec: CommandSpec) => void;

export const readers: Readonly<Record<ReaderName, Reader>> = {
  dd: readDd,
  find: readFind,
  "git-checkout": readGitCheckout,
  "git-config": readGitConfig,
  "git-push": readGitPush,
  join: readJoined,
  parallel: readParallel,
  printf: readPrintf,
  rsync: readRsync,
  sed: readSedCommand,
  set: readSet,
  ssh: readSsh,
  tar: readTar,
  test: readTest,
  trap: readTrap,
  xargs: readXargs,
};
