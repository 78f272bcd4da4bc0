/** The names that tasks have used since the first tool, with what OpenRouter asks for 1,000 tokens in US dollars. */
export const DEFAULT_MODELS = {
  cheap: "openrouter/stepfun/step-3.5-flash:free",
  primary: "openrouter/moonshotai/kimi-k2.5",
  coder: "openrouter/qwen/qwen3-coder-next",
  research: "openrouter/google/gemini-3-pro-preview",
};

export const DEFAULT_PRICES = {
  cheap: { in: 0, out: 0 },
  primary: { in: 0.00045, out: 0.00225 },
  coder: { in: 0.00015, out: 0.0008 },
  research: { in: 0.002, out: 0.012 },
};

/**
 * One turn of OpenClaw in a session of its own, in the process that we start (`--local`) and can end. `--json` makes
 * it print what it used; the version of February 2026 knows no `--model`.
 */
export const DEFAULT_COMMAND = [
  "openclaw",
  "agent",
  "--local",
  "--json",
  "--session-id",
  "{session}",
  "--message",
  "{message}",
  "--thinking",
  "{thinking}",
  "--model",
  "{model}",
];
