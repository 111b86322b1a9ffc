import type { Command } from "./command.ts";
export const command: Command = { name: "hook", summary: "", help: "", run: async () => 64 };
