import { z } from "zod";
import { VERB_FACTS, VERBS } from "../domain/permissions.ts";
import { agentId, RIGHTS, SNOWFLAKE } from "./fields.ts";

const rights = z
  .array(z.enum(RIGHTS))
  .max(4)
  .optional()
  .describe(
    "delegate: may delegate as the agent in `as`; any-agent: to every agent; operate: cancel others' work; read.",
  );
const as = agentId.optional().describe("The agent whose row of the matrix counts for these people.");

const who = z.array(z.string().min(1).max(100)).max(200).optional();

/** Each verb by name, so that an unknown one is refused with what was meant. */
const verbs = z.strictObject(
  Object.fromEntries(
    VERBS.map((verb) => [
      verb,
      who.describe(`Who may ${VERB_FACTS[verb].doing}. Default [${VERB_FACTS[verb].usual.join(", ")}].`),
    ]),
  ) as Readonly<Record<(typeof VERBS)[number], typeof who>>,
);

/** config/acl.yaml: which agent may delegate to which, and who the people of the guild are. */
export const aclSchema = z.strictObject({
  preset: z
    .enum(["default", "hooks-protocol"])
    .optional()
    .describe("One of the matrices that ship with the product; or write your own matrix. Default default."),
  matrix: z
    .record(agentId, z.array(z.union([z.literal("*"), agentId])).max(200))
    .optional()
    .describe(
      'Caller → agents it may address; ["*"] = all others. A caller without a row may address nobody.',
    ),
  never: z.array(agentId).max(200).optional().describe("Never a target of an agent. Default [manager]."),
  verbs: verbs
    .optional()
    .describe(
      "Verb → who may: rights, agents, role:<name> of people.roles, user:<id>, everyone, people, agents, asker. The operator always may; a verb that is not listed keeps its default.",
    ),
  people: z
    .strictObject({
      roles: z
        .array(
          z.strictObject({
            role: z.string().min(1).max(100).describe("The role's name in the guild, or its id."),
            as,
            rights,
          }),
        )
        .max(200)
        .default([]),
      users: z
        .array(
          z.strictObject({
            user: z
              .string()
              .regex(SNOWFLAKE, "must be a person's id of 17 to 20 digits: names can be taken over"),
            as,
            rights,
          }),
        )
        .max(1000)
        .default([]),
    })
    .prefault({})
    .describe("Who in the guild may do what. People without an entry are refused."),
});

export type AclFile = z.output<typeof aclSchema>;
