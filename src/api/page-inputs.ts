import { z } from "zod";
import { SEARCHED_KINDS } from "../domain/search.ts";
import { number, oneOrMore } from "./inputs.ts";

export const signInBody = z
  .strictObject({
    code: z.string().min(1).max(200).optional().describe("Of a link; good once"),
    key: z.string().min(1).max(512).optional().describe("The operator's"),
  })
  .refine(({ code, key }) => (code === undefined) !== (key === undefined), {
    path: ["key"],
    message: "sign in with a key, or with the code of a link",
  });

export const graphQuery = z.strictObject({
  format: z
    .enum(["mermaid", "json"])
    .optional()
    .describe("`json`: steps in time, with their places and the lines between them"),
});

export const agentHistoryQuery = z.strictObject({
  limit: number(1, 1000).optional().describe("How many changes, newest first"),
});

const names = z
  .union([z.string().max(1000), z.array(z.string().max(200)).max(50)])
  .transform((said) => [said].flat().flatMap((part) => part.split(",").filter((name) => name !== "")))
  .describe("One or more, separated by commas");

export const searchQuery = z.strictObject({
  q: z.string().max(1000).optional().describe("Whatever somebody typed; the last word may be a beginning"),
  kind: oneOrMore(SEARCHED_KINDS).optional(),
  agent: names.optional(),
  status: names.optional(),
  before: z.string().max(200).optional().describe("`next` of the page before"),
  limit: number(1, 100).optional(),
});
