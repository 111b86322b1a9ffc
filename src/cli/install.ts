import type { Command } from "./command.ts";
export const install: Command = { name: "install", summary: "", help: "", run: async () => 64 };
export const uninstall: Command = install;
