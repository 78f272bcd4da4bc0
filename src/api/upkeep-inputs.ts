import { z } from "zod";

const since = z.coerce
  .number()
  .int()
  .min(0)
  .optional()
  .describe("Only what was written to since, epoch milliseconds; what is open counts always");
export const auditBody = z
  .strictObject({
    since,
    mend: z.boolean().optional().describe("Mend what can be mended without doing work twice"),
    dry: z.boolean().optional().describe("With mend: only say what would be done"),
  })
  .nullish();
export const acceptBody = z.strictObject({
  ids: z
    .array(z.string().min(1).max(200))
    .min(1)
    .max(1000)
    .describe("Deliveries, what they tell of, or messages; all of them or none"),
  reason: z.string().trim().min(1).max(500).optional().describe("Why it is well, for people"),
  since,
});
export const exportQuery = z.strictObject({
  what: z.enum(["events", "delegations"]).default("events"),
  format: z.enum(["jsonl", "csv"]).default("jsonl"),
  after: z
    .string()
    .regex(/^\d{1,15}$/, "must be the cursor of a line, a number")
    .optional()
    .describe("The cursor of the last line that one has"),
  since,
});
export const pruneBody = z.strictObject({
  olderThanMs: z.number().int().min(1).optional().describe("What ended so long ago goes"),
  keepBytes: z.number().int().min(1).optional().describe("Until the ledger's rows take no more than this"),
  dry: z.boolean().optional().describe("Only say what would go"),
});
