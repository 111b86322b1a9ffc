import { type IncomingMessage, type ServerResponse, createServer } from "node:http";
import type { AddressInfo } from "node:net";

/** One tool call that the model makes; after it, the model says that it is done. */
export interface ScriptedCall {
  readonly tool: string;
  readonly input: Readonly<Record<string, unknown>>;
}

/** What the client told the model about the call. */
export interface ToolResult {
  readonly text: string;
  readonly isError: boolean;
}

/** A model on loopback that makes one call in each conversation. */
export interface ModelServer {
  readonly url: string;
  /** What came back for the calls; empty where the client never got that far. */
  readonly results: () => readonly ToolResult[];
  /** Every text the client sent in a conversation, also beside the results. */
  readonly heard: () => string;
  readonly close: () => Promise<void>;
}

/**
 * Starts a server that speaks as much of the messages API as the client needs. In a conversation
 * it makes the first of the calls whose tool is on offer there.
 */
export async function startModel(calls: readonly ScriptedCall[]): Promise<ModelServer> {
  const results = new Map<string, ToolResult>();
  const heard: string[] = [];
  const server = createServer((request, response) => {
    answer(request, response, calls, { results, heard }).catch((error: unknown) => {
      response.writeHead(500).end(String(error));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port }: AddressInfo = portOf(server.address());
  return {
    url: `http://127.0.0.1:${port}`,
    results: () => [...results.values()],
    heard: () => heard.join("\n"),
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function portOf(address: string | AddressInfo | null): AddressInfo {
  if (address === null || typeof address === "string") throw new Error("the server has no port");
  return address;
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  calls: readonly ScriptedCall[],
  { results, heard }: { readonly results: Map<string, ToolResult>; readonly heard: string[] },
): Promise<void> {
  const path = request.url ?? "";
  const body = await bodyOf(request);
  if (path.includes("count_tokens")) return json(response, { input_tokens: 10 });
  if (!path.startsWith("/v1/messages")) return json(response, {});
  if (isRecord(body)) heard.push(JSON.stringify([body["system"], body["messages"]]));
  const found = toolResults(body);
  for (const [id, result] of found) results.set(id, result);
  const index = found.size > 0 ? -1 : calls.findIndex(({ tool }) => offers(body, tool));
  const call = calls[index];
  const content = [
    call === undefined
      ? { type: "text", text: "done" }
      : { type: "tool_use", id: `toolu_scripted_${index}`, name: call.tool, input: call.input },
  ];
  const stop = call === undefined ? "end_turn" : "tool_use";
  const message = {
    id: "msg_scripted",
    type: "message",
    role: "assistant",
    model: "scripted",
    content,
    stop_reason: stop,
    stop_sequence: null,
    usage: { input_tokens: 1, output_tokens: 1 },
  };
  if (!isRecord(body) || body["stream"] !== true) return json(response, message);
  response.writeHead(200, { "content-type": "text/event-stream" });
  const send = (type: string, data: object): void =>
    void response.write(`event: ${type}\ndata: ${JSON.stringify({ type, ...data })}\n\n`);
  send("message_start", { message: { ...message, content: [], stop_reason: null } });
  for (const block of content) {
    const start = call === undefined ? { type: "text", text: "" } : { ...block, input: {} };
    const delta =
      call === undefined
        ? { type: "text_delta", text: "done" }
        : { type: "input_json_delta", partial_json: JSON.stringify(call.input) };
    send("content_block_start", { index: 0, content_block: start });
    send("content_block_delta", { index: 0, delta });
    send("content_block_stop", { index: 0 });
  }
  send("message_delta", { delta: { stop_reason: stop, stop_sequence: null }, usage: { output_tokens: 1 } });
  send("message_stop", {});
  response.end();
}

async function bodyOf(request: IncomingMessage): Promise<unknown> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part);
  try {
    return JSON.parse(Buffer.concat(parts).toString("utf8"));
  } catch {
    return {};
  }
}

function json(response: ServerResponse, value: unknown): void {
  response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(value));
}

/** The request lists the tool; side errands of the client, such as naming the session, do not. */
function offers(body: unknown, tool: string): boolean {
  const tools = isRecord(body) ? body["tools"] : undefined;
  return Array.isArray(tools) && tools.some((each) => isRecord(each) && each["name"] === tool);
}

/** The results in a conversation, by the number of their call. */
function toolResults(body: unknown): ReadonlyMap<string, ToolResult> {
  const messages = isRecord(body) && Array.isArray(body["messages"]) ? body["messages"] : [];
  const blocks = messages.flatMap((message: unknown): readonly unknown[] => {
    const content = isRecord(message) ? message["content"] : undefined;
    return Array.isArray(content) ? content : [];
  });
  return new Map(
    blocks.flatMap((block) =>
      isRecord(block) && block["type"] === "tool_result"
        ? [
            [
              String(block["tool_use_id"]),
              { text: JSON.stringify(block["content"] ?? ""), isError: block["is_error"] === true },
            ] as const,
          ]
        : [],
    ),
  );
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
