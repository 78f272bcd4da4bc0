import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

type Tool = { readonly function?: { readonly name?: string; readonly parameters?: unknown } };
type Message = { readonly role: string; readonly content?: unknown };
export type ChatRequest = {
  readonly stream?: boolean;
  readonly messages: readonly Message[];
  readonly tools?: readonly Tool[];
};

/** One turn of the script: words, or a call of one of the tools that the gateway offers. */
export type Turn =
  | { readonly say: string }
  | { readonly call: string; readonly with: Readonly<Record<string, unknown>> };

/** An OpenAI-compatible chat server whose answers a function decides; streams when it is asked to. */
export async function startScriptedModel(script: (request: ChatRequest) => Turn | Promise<Turn>) {
  const requests: ChatRequest[] = [];
  const failures: unknown[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      answer(request.url ?? "", Buffer.concat(chunks).toString("utf8"), response).catch((error: unknown) => {
        failures.push(error);
        reply(response, 500, { error: { message: String(error) } });
      });
    });
  });

  async function answer(url: string, body: string, response: ServerResponse): Promise<void> {
    if (!url.endsWith("/chat/completions")) {
      reply(response, 200, { object: "list", data: [{ id: "scripted-1", object: "model" }] });
      return;
    }
    const chat = JSON.parse(body) as ChatRequest;
    requests.push(chat);
    const turn = await script(chat);
    if (chat.stream) stream(response, turn);
    else reply(response, 200, completion(turn));
  }

  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    requests,
    failures,
    async close() {
      server.close();
      server.closeAllConnections();
      if (server.listening) await once(server, "close");
    },
  };
}

/** The text of a message, whether it is a string or parts. */
export function textOf(message: Message): string {
  if (typeof message.content === "string") return message.content;
  if (!Array.isArray(message.content)) return "";
  return message.content.map((part: { text?: string }) => part.text ?? "").join("");
}

const usage = { prompt_tokens: 100, completion_tokens: 20, total_tokens: 120 };

function toolCall(turn: Extract<Turn, { call: string }>) {
  return {
    index: 0,
    id: "call_1",
    type: "function",
    function: { name: turn.call, arguments: JSON.stringify(turn.with) },
  };
}

function completion(turn: Turn) {
  const isCall = "call" in turn;
  const message = isCall
    ? { role: "assistant", content: null, tool_calls: [toolCall(turn)] }
    : { role: "assistant", content: turn.say };
  return {
    id: "chat-1",
    object: "chat.completion",
    created: 1,
    model: "scripted-1",
    choices: [{ index: 0, message, finish_reason: isCall ? "tool_calls" : "stop" }],
    usage,
  };
}

function stream(response: ServerResponse, turn: Turn): void {
  const isCall = "call" in turn;
  const base = { id: "chat-1", object: "chat.completion.chunk", created: 1, model: "scripted-1" };
  const send = (chunk: object) => response.write(`data: ${JSON.stringify({ ...base, ...chunk })}\n\n`);
  response.writeHead(200, { "content-type": "text/event-stream" });
  send({ choices: [{ index: 0, delta: { role: "assistant", content: "" }, finish_reason: null }] });
  const delta = isCall ? { tool_calls: [toolCall(turn)] } : { content: turn.say };
  send({ choices: [{ index: 0, delta, finish_reason: null }] });
  send({ choices: [{ index: 0, delta: {}, finish_reason: isCall ? "tool_calls" : "stop" }] });
  send({ choices: [], usage });
  response.end("data: [DONE]\n\n");
}

function reply(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(JSON.stringify(body));
}
