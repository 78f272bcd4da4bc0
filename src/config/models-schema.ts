import { z } from "zod";

const words = (what: string) => z.array(z.string().min(1).max(60)).min(1).max(100).optional().describe(what);

/** `models` of config/hq.yaml: what `model: cheapest` chooses from. Prices stand in task_queue.prices. */
export const modelsSchema = z
  .array(
    z.strictObject({
      name: z.string().min(1).max(200).describe("An alias of task_queue.models, or a full name."),
      fits: z
        .strictObject({
          max_words: z.int().min(1).max(1_000_000).optional().describe("Prompts of at most so many words."),
          templates: words("Only prompts that one of these templates made."),
          capabilities: words("Only work for which one of these was asked."),
        })
        .prefault({})
        .describe("For which work it is good enough. Default: all."),
    }),
  )
  .max(100)
  .default([])
  .describe("What model: cheapest chooses from; prices stand in task_queue.prices. Default: none.");
