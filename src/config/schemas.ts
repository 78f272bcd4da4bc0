import { z } from "zod";
import { aclSchema } from "./acl-schema.ts";
import { agentsSchema } from "./agents-schema.ts";
import { channelsSchema } from "./channels-schema.ts";
import { hqSchema } from "./hq-schema.ts";
import { skillContractSchema } from "./skill-contracts.ts";
import { workflowSchema } from "./workflow-schema.ts";

const SCHEMAS = {
  hq: [hqSchema, "How this installation of Atomizer HQ behaves"],
  agents: [agentsSchema, "Who can be asked"],
  channels: [channelsSchema, "Which channel of the guild is what"],
  acl: [aclSchema, "Which agent may delegate to which, and who the people of the guild are"],
  skill_contract: [skillContractSchema, "What a skill can do, what it needs and what it brings"],
  workflow: [workflowSchema, "Who does what, in which order, and who must agree"],
} as const;

/** The JSON Schemas for editors, by file name; the files in config/schema hold exactly this. */
export function renderSchemas(): Readonly<Record<string, string>> {
  const files = Object.entries(SCHEMAS).map(([name, [schema, title]]) => {
    const json = { title, ...z.toJSONSchema(schema, { io: "input" }) };
    return [`${name}.json`, `${JSON.stringify(json, undefined, 2)}\n`] as const;
  });
  return Object.fromEntries(files);
}
