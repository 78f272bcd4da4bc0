import { type ChatRequest, type Turn, textOf } from "./scripted-model.ts";

/** Reads the prompt as a model would and writes what it asks for, with the shell; then says a word. */
export function handInByShell(request: ChatRequest): Turn {
  if (request.messages.some(({ role }) => role === "tool")) return { say: "Handed in." };
  const prompt = request.messages.map(textOf).find((text) => text.includes("# How to hand in"));
  const [, path] = /to exactly this file:\n\n(.+)\n/.exec(prompt ?? "") ?? [];
  const [, example] = /```json\n([\s\S]*?)\n```/.exec(prompt ?? "") ?? [];
  if (!path || !example) return { say: "I was not told where to hand in." };
  const handoff = { ...(JSON.parse(example) as object), result: "0.02e-6 per kelvin, a scripted answer" };
  const lines = [`cat > '${path}.tmp' <<'END'`, JSON.stringify(handoff), "END", `mv '${path}.tmp' '${path}'`];
  return { call: "exec", with: { command: lines.join("\n") } };
}
