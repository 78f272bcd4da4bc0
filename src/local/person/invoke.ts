import type { APIApplicationCommand } from "discord-api-types/v10";
import { Refusal } from "../../kernel/refusal.ts";
import { FILE_BYTES } from "../attachments.ts";
import { walk } from "../check/components.ts";
import { readNonce } from "../check/draft.ts";
import { asText, type Body, createForm, isObject } from "../check/form.ts";
import { isSelect } from "../check/inputs.ts";
import { C, K } from "../check/kinds.ts";
import { P } from "../seed.ts";
import type { Component, StoredAttachment, StoredInteraction } from "../state/documents.ts";
import { interactionPayload, type Resolved, resolveIds } from "../state/payload.ts";
import type { Member } from "../state/population.ts";
import type { Place } from "../state/world.ts";
import { INTERACTION_LIFE_MS } from "../state/world.ts";
import { readForm } from "./form.ts";
import { branchOf, readOptions, type Sent } from "./options.ts";
import type { PersonDeps } from "./routes.ts";

/** Starts the interactions that people ask for, checked as Discord's own client would. */
export function createInvoking({ core, finding, looks }: PersonDeps) {
  const { world, views, attachments, interactions } = core;

  function commandOf(body: Body): { command: APIApplicationCommand; words: string[] } {
    const name = asText(body["name"]).replace(/^\//, "");
    const fits = (one: APIApplicationCommand) => body["type"] === undefined || one.type === body["type"];
    const exact = world.commands().find((one) => one.name === name && fits(one));
    const more = [body["group"], body["subcommand"]].filter((word) => typeof word === "string");
    if (exact) return { command: exact, words: more };
    const [first, ...rest] = name.split(/\s+/);
    const command = world
      .commands()
      .find((one) => one.name === first && (one.type as number) === K.ChatInput);
    if (command) return { command, words: [...rest, ...more] };
    const names = world.commands().map((one) => one.name);
    throw new Refusal("not_found", `There is no command ${name}.`, {
      hint: names.length > 0 ? `Commands: ${names.join(", ")}.` : "The bot has registered no commands yet.",
    });
  }

  function mayUse(command: APIApplicationCommand, you: Member, at: Place): void {
    finding.need(you, at, P.UseApplicationCommands, "use commands");
    if (looks.mayUse(command, you, at)) return;
    throw new Refusal("not_allowed", `You may not use ${command.name} in this channel.`);
  }

  /** Options, checked, and the whole objects that they name. */
  function optionsOf(command: APIApplicationCommand, words: string[], you: Member, body: Body, at: Place) {
    const files: StoredAttachment[] = [];
    const branch = branchOf(command.options ?? [], words);
    const given = isObject(body["options"]) ? body["options"] : {};
    const sent = readOptions({
      world,
      attach: (value) => attach(value, files),
      options: branch.options,
      given,
      focused: typeof body["focused"] === "string" ? body["focused"] : undefined,
    });
    const ids = sent.filter((one) => one.type >= 6 && one.type <= 9).map((one) => String(one.value));
    const resolved: Resolved = resolveIds(world, views, you.id, ids);
    for (const file of files) {
      resolved["attachments"] = { ...resolved["attachments"], [file.id]: views.attachment(at.id, file) };
    }
    return { sent: branch.wrap(sent), resolved };
  }

  function attach(value: Body, files: StoredAttachment[]): string {
    const bytes = Buffer.from(asText(value["base64"]), "base64");
    if (bytes.length > FILE_BYTES) throw new Refusal("too_large", "A file may have 10 MiB.");
    const file = attachments.save(
      {
        index: 0,
        filename: asText(value["filename"]) || "file",
        contentType: asText(value["content_type"]) || "application/octet-stream",
        bytes,
      },
      undefined,
    );
    files.push(file);
    return file.id;
  }

  const contentOf = (command: APIApplicationCommand, options: readonly Sent[], resolved: Resolved) => ({
    id: command.id,
    name: command.name,
    type: command.type,
    guild_id: world.population.id,
    ...(options.length > 0 ? { options } : {}),
    ...(Object.keys(resolved).length > 0 ? { resolved } : {}),
  });

  const nameOf = ({ id, name, type }: APIApplicationCommand, words: readonly string[]) => ({
    id,
    name: [name, ...words].join(" "),
    type,
  });

  function command(you: Member, body: Body): StoredInteraction {
    const at = finding.place(you, body["channel"]);
    const { command, words } = commandOf(body);
    mayUse(command, you, at);
    const content =
      (command.type as number) === K.ChatInput
        ? slashContent(command, words, you, body, at)
        : menuContent(command, you, body);
    return interactions.start(
      { type: 2, userId: you.id, at, nonce: nonceIn(body), command: nameOf(command, words) },
      (interaction) => interactionPayload({ world, views, interaction, content }),
    );
  }

  function slashContent(command: APIApplicationCommand, words: string[], you: Member, body: Body, at: Place) {
    const { sent, resolved } = optionsOf(command, words, you, body, at);
    return contentOf(command, sent, resolved);
  }

  function menuContent(command: APIApplicationCommand, you: Member, body: Body) {
    if ((command.type as number) === K.Message) {
      const { message } = finding.message(you, body["target"]);
      const view = views.message(message, { id: world.population.botId });
      return { ...contentOf(command, [], { messages: { [message.id]: view } }), target_id: message.id };
    }
    const member = world.memberNamed(asText(body["target"]));
    if (!member) throw new Refusal("not_found", "There is no such member.");
    return { ...contentOf(command, [], resolveIds(world, views, you.id, [member.id])), target_id: member.id };
  }

  function autocomplete(you: Member, body: Body): StoredInteraction {
    const at = finding.place(you, body["channel"]);
    const { command, words } = commandOf(body);
    mayUse(command, you, at);
    const { sent, resolved } = optionsOf(command, words, you, body, at);
    if (!JSON.stringify(sent).includes('"focused":true')) {
      throw new Refusal("invalid_input", "focused names the option that is being typed.");
    }
    return interactions.start(
      { type: 4, userId: you.id, at, command: nameOf(command, words) },
      (interaction) =>
        interactionPayload({ world, views, interaction, content: contentOf(command, sent, resolved) }),
    );
  }

  function component(you: Member, body: Body): StoredInteraction {
    const { message, at } = finding.message(you, body["message"]);
    const customId = asText(body["custom_id"]);
    const found = walk(message.components).find((one) => one["custom_id"] === customId);
    if (!found || message.authorId !== world.population.botId) {
      throw new Refusal("not_found", "That button or menu is not there (any more).");
    }
    if (found["disabled"] === true) throw new Refusal("invalid_input", "That is switched off.");
    const values = isSelect(found.type) ? readValues(found, body["values"]) : undefined;
    const ids = values && found.type !== C.StringSelect ? values : [];
    const resolved = resolveIds(world, views, you.id, ids);
    const content = {
      custom_id: customId,
      component_type: found.type,
      id: found["id"],
      ...(values ? { values } : {}),
      ...(ids.length > 0 ? { resolved } : {}),
    };
    return interactions.start({ type: 3, userId: you.id, at, customId, source: message }, (interaction) =>
      interactionPayload({ world, views, interaction, content, source: message }),
    );
  }

  function modal(you: Member, body: Body): StoredInteraction {
    const asked = world.interaction(asText(body["interaction"]));
    const isOpen = asked?.state === "modal" && world.now() < asked.createdAt + INTERACTION_LIFE_MS;
    if (asked?.userId !== you.id || !isOpen || !asked.modal) {
      throw new Refusal("not_found", "That form is not open (any more).");
    }
    const at = finding.place(you, asked.channelId);
    const customId = asked.modal.custom_id;
    const { components, ids } = readForm(asked.modal.components as unknown as Component[], body["fields"]);
    const source = asked.sourceMessageId === undefined ? undefined : world.message(asked.sourceMessageId);
    const resolved = resolveIds(world, views, you.id, ids);
    const content = { custom_id: customId, components, ...(ids.length > 0 ? { resolved } : {}) };
    return interactions.start(
      { type: 5, userId: you.id, at, nonce: nonceIn(body), customId, ...(source ? { source } : {}) },
      (interaction) => interactionPayload({ world, views, interaction, content, source }),
    );
  }

  return { command, autocomplete, component, modal };
}

function nonceIn(body: Body): string | number | undefined {
  const form = createForm();
  const nonce = readNonce(form, body["nonce"]);
  form.done();
  return nonce;
}

/** The chosen values of a select, as many as it wants and only those that it offers. */
export function readValues(select: Component, given: unknown): string[] {
  const values = (Array.isArray(given) ? given : given === undefined ? [] : [given]).map(String);
  const min = typeof select["min_values"] === "number" ? select["min_values"] : 1;
  const max = typeof select["max_values"] === "number" ? select["max_values"] : 1;
  if (values.length < min || values.length > max) {
    throw new Refusal("invalid_input", min === max ? `Choose ${min}.` : `Choose from ${min} to ${max}.`);
  }
  if (select.type === C.StringSelect) {
    const offered = Array.isArray(select["options"])
      ? select["options"].map((one: Body) => one["value"])
      : [];
    const stranger = values.find((value) => !offered.includes(value));
    if (stranger !== undefined) throw new Refusal("invalid_input", `${stranger} is not on offer.`);
  }
  return values;
}
