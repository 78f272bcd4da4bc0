import type { FastifyInstance } from "fastify";
import { Refusal } from "../../kernel/refusal.ts";
import { sendingTo } from "../acts/messages.ts";
import { parseEmoji } from "../acts/reactions.ts";
import { readBody } from "../body.ts";
import { readDraft } from "../check/draft.ts";
import { asText, type Body } from "../check/form.ts";
import { P } from "../seed.ts";
import type { Member } from "../state/population.ts";
import type { PersonDeps } from "./routes.ts";

type OfMessage = { Params: { message: string }; Querystring: { as?: string } };

/** Messages and reactions of people. */
export function actRoutes(app: FastifyInstance, { core, finding, looks }: PersonDeps): void {
  const { world, messages, reactions } = core;

  app.post("/local/messages", async (request, reply) => {
    const { body, uploads } = await readBody(request);
    const you = finding.person(body["as"]);
    const at = finding.place(you, body["channel"]);
    finding.need(you, at, sendingTo(at), "write");
    if (uploads.length > 0) finding.need(you, at, P.AttachFiles, "attach files");
    const content = typeof body["content"] === "string" ? withMentions(body["content"]) : "";
    if (content.trim() === "" && uploads.length === 0) {
      throw new Refusal("invalid_input", "An empty message cannot be sent.");
    }
    const draft = readDraft({
      content,
      nonce: body["nonce"],
      enforce_nonce: true,
      attachments: body["attachments"],
      ...(typeof body["reply_to"] === "string"
        ? { message_reference: { message_id: body["reply_to"] } }
        : {}),
    });
    const message = messages.create({ authorId: you.id, at, draft, uploads });
    return reply.code(201).send(looks.message(message, you));
  });

  app.patch<OfMessage & { Body: Body | undefined }>("/local/messages/:message", async (request) => {
    const body = request.body ?? {};
    const you = finding.person(body["as"]);
    const { message } = finding.message(you, request.params.message);
    if (message.authorId !== you.id) throw new Refusal("not_allowed", "Only its author can edit a message.");
    if (typeof body["content"] !== "string") throw new Refusal("invalid_input", "content is missing.");
    const draft = readDraft({ content: withMentions(body["content"]) });
    return looks.message(messages.edit(message, draft), you);
  });

  app.delete<OfMessage & { Body: Body | undefined }>("/local/messages/:message", async (request, reply) => {
    const you = finding.person(request.query.as ?? request.body?.["as"]);
    const { message, at } = finding.message(you, request.params.message);
    const isOwn = message.authorId === you.id;
    if (!isOwn && !world.can(you.id, at, P.ManageMessages)) {
      throw new Refusal("not_allowed", "Only its author or an operator can delete a message.");
    }
    messages.remove(message);
    return reply.code(204).send();
  });

  app.post<{ Body: Body | undefined }>("/local/reactions", async ({ body = {} }) => {
    const { you, message, emoji } = readReaction(body);
    return looks.message(reactions.add(message, you.id, emoji), you);
  });

  app.delete<{ Body: Body | undefined; Querystring: Body }>("/local/reactions", async ({ body, query }) => {
    const { you, message, emoji } = readReaction({ ...query, ...body });
    return looks.message(reactions.remove(message, you.id, emoji), you);
  });

  function readReaction(body: Body) {
    const you = finding.person(body["as"]);
    const { message } = finding.message(you, body["message"]);
    if (message.onlyFor !== undefined) {
      throw new Refusal("not_allowed", "A message that only you can see takes no reactions.");
    }
    return { you, message, emoji: parseEmoji(asText(body["emoji"])) };
  }

  /** `@ada`, `@Operators`, `#technical` outside of code become mentions, as in Discord's own client. */
  function withMentions(text: string): string {
    const { members, roles, channels } = world.population;
    const names = new Map<string, string>();
    for (const role of roles.values()) {
      if (role.id !== world.population.id) names.set(`@${role.name}`, `<@&${role.id}>`);
    }
    for (const member of members.values()) nameMember(names, member);
    for (const channel of channels.values()) {
      if (channel.type === 0) names.set(`#${channel.name}`, `<#${channel.id}>`);
    }
    const longestFirst = [...names.keys()].sort((a, b) => b.length - a.length).map(escaped);
    const pattern = new RegExp(
      `\`\`\`[\\s\\S]*?\`\`\`|\`[^\`\\n]*\`|(?<![\\w<])(?:${longestFirst.join("|")})(?![\\w-])`,
      "g",
    );
    return text.replace(pattern, (found) => names.get(found) ?? found);
  }
}

const escaped = (text: string) => text.replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&");

function nameMember(names: Map<string, string>, member: Member): void {
  names.set(`@${member.name}`, `<@${member.id}>`);
  names.set(`@${member.display}`, `<@${member.id}>`);
}
