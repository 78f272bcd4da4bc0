import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { z } from "zod";
import { readInput } from "../api/inputs.ts";
import { Refusal } from "../kernel/refusal.ts";
import { parseDuration } from "../kernel/time.ts";
import type { Io } from "./io.ts";
import { parseJson } from "./payload.ts";

const words = z.union([z.string(), z.array(z.string()).min(1)]).transform((said) => [said].flat());
const spanMs = z.union([z.string(), z.number()]).transform((said, context) => {
  const ms = parseDuration(said);
  if (ms !== undefined) return ms;
  context.addIssue({ code: "custom", message: "a span like 5 (seconds), 90s, 5m or 2h" });
  return z.NEVER;
});
const configSchema = z.strictObject({
  instances: words.optional(),
  targets: words.optional(),
  payload: z.record(z.string(), z.unknown()).optional(),
  mode: z.enum(["all", "one", "balance"]).optional(),
  aggregate: z.boolean().optional(),
  timeout: spanMs.optional(),
  retry: z.int().min(0).max(3).optional(),
  reroute: z.boolean().optional(),
});
export type CallConfig = z.output<typeof configSchema>;

/** The file of --config: what stands in it counts where no flag says otherwise. */
export function readCallConfig(io: Io, file: string): CallConfig {
  let text: string;
  try {
    text = readFileSync(resolve(io.cwd, file), "utf8");
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new Refusal("invalid_input", `--config ${file} cannot be read (${code ?? "unknown"}).`, { cause });
  }
  return readInput(configSchema, parseJson(`--config ${file}`, text));
}
