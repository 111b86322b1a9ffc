export { canAsk } from "./agents/claude-code/askable.ts";
export {
  type AnswerStyle,
  type HookAnswer,
  answerFor,
  refusal,
  renderAnswer,
} from "./agents/claude-code/answer.ts";
export { type HookCall, type HookPayload, readPayload } from "./agents/claude-code/payload.ts";
export { HOOK_TIMEOUT, hookCommand, isHookCommand } from "./agents/claude-code/hook-command.ts";
export { quote } from "./agents/claude-code/quote.ts";
export { type SandboxEntry, intoSandbox, outOfSandbox } from "./agents/claude-code/rewrite.ts";
