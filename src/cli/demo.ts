import type { Command } from "./command.ts";
export const command: Command = { name: "demo", summary: "", help: "", run: async () => 64 };
