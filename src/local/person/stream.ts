import { randomBytes } from "node:crypto";
import type { ServerResponse } from "node:http";
import type { Core } from "../core.ts";
import type { GuildEvent } from "../state/events.ts";
import type { Member } from "../state/population.ts";
import type { Looks } from "./looks.ts";
import type { Finding } from "./person.ts";

const KEPT = 250;
const SIGN_OF_LIFE_MS = 15_000;
/** Who reads so slowly is cut off, and resumes later. */
const MOST_WAITING_BYTES = 8 * 1024 * 1024;

type Told = { readonly name: string; readonly content: unknown };
type Reader = { readonly person: Member; readonly response: ServerResponse };

export type Stream = ReturnType<typeof createStream>;

/** `GET /local/events`: everything that happens, as far as each reader may see it; the last 250 can be replayed. */
export function createStream({ core, finding, looks }: { core: Core; finding: Finding; looks: Looks }) {
  const { world } = core;
  const run = randomBytes(3).toString("hex");
  let count = 0;
  let kept: { n: number; event: GuildEvent }[] = [];
  const readers = new Set<Reader>();
  const stopListening = world.on((event) => {
    if (event.kind === "interaction-create") return;
    count++;
    kept.push({ n: count, event });
    if (kept.length > KEPT * 2) kept = kept.slice(-KEPT);
    for (const reader of readers) send(reader, count, event);
  });
  const pulse = setInterval(() => {
    for (const { response } of readers) response.write(": alive\n\n");
  }, SIGN_OF_LIFE_MS);
  pulse.unref();

  const idOf = (n: number) => `${run}-${n}`;

  function send({ person, response }: Reader, n: number, event: GuildEvent): void {
    for (const { name, content } of tell(event, person)) {
      response.write(`id: ${idOf(n)}\nevent: ${name}\ndata: ${JSON.stringify(content)}\n\n`);
    }
    if (response.writableLength > MOST_WAITING_BYTES) response.destroy();
  }

  function tell(event: GuildEvent, person: Member): Told[] {
    const seesIn = (channelId: string) => {
      const at = world.place(channelId);
      return at !== undefined && finding.sees(person, at);
    };
    const inChannel = (channelId: string, name: string, content: () => unknown): Told[] =>
      seesIn(channelId) ? [{ name, content: content() }] : [];

    switch (event.kind) {
      case "message-create":
      case "message-update":
        return inChannel(event.message.channelId, event.kind, () => looks.message(event.message, person));
      case "message-delete": {
        const { id, channelId } = event.message;
        return inChannel(channelId, event.kind, () => ({ id, channel_id: channelId }));
      }
      case "messages-delete":
        return event.messages.flatMap(({ id, channelId }) =>
          inChannel(channelId, "message-delete", () => ({ id, channel_id: channelId })),
        );
      case "reaction-add":
      case "reaction-remove": {
        const { message, userId, emoji } = event;
        const left = message.reactions.find(
          (one) => one.emoji.name === emoji.name && one.emoji.id === emoji.id,
        );
        return inChannel(message.channelId, event.kind, () => ({
          channel_id: message.channelId,
          message_id: message.id,
          user_id: userId,
          emoji,
          count: left?.users.length ?? 0,
        }));
      }
      case "reactions-clear":
        return inChannel(event.message.channelId, "message-update", () =>
          looks.message(event.message, person),
        );
      case "thread-create":
      case "thread-update":
      case "thread-members":
        return inChannel(
          event.thread.parentId,
          event.kind === "thread-create" ? "channel-create" : "channel-update",
          () => looks.place(event.thread.id, person) ?? { id: event.thread.id },
        );
      case "thread-delete":
        return inChannel(event.thread.parentId, "channel-delete", () => ({
          id: event.thread.id,
          parent_id: event.thread.parentId,
          type: event.thread.type,
        }));
      case "channel-create":
        return inChannel(event.channel.id, event.kind, () => looks.place(event.channel.id, person));
      case "channel-delete": {
        const { id, parentId, type } = event.channel;
        return [{ name: event.kind, content: { id, parent_id: parentId, type } }];
      }
      case "interaction": {
        const { interaction, message } = event;
        if (interaction.userId !== person.id || interaction.type === 4) return [];
        const name = interaction.state === "modal" ? "modal-open" : "interaction-reply";
        return [{ name, content: looks.interaction(interaction, person, message) }];
      }
      case "commands":
        return [{ name: "commands-update", content: { commands: looks.commands(person) } }];
      case "bot":
        return [
          { name: event.online ? "bot-online" : "bot-offline", content: { id: world.population.botId } },
        ];
      case "typing":
        return inChannel(event.channelId, "typing", () => ({
          channel_id: event.channelId,
          user_id: event.userId,
        }));
      case "interaction-create":
        return [];
    }
  }

  return {
    lastId: () => idOf(count),
    /** Begins to write to the response: first what came after `after`, or `reset` when that is too long ago. */
    open(response: ServerResponse, person: Member, after: string | undefined): void {
      const reader = { person, response };
      response.on("close", () => readers.delete(reader));
      response.write(": the local guild\n\n");
      if (after !== undefined) {
        const n = Number(after.slice(run.length + 1));
        const isKnown = after.startsWith(`${run}-`) && n <= count && (kept[0]?.n ?? count + 1) <= n + 1;
        if (isKnown) {
          for (const one of kept) if (one.n > n) send(reader, one.n, one.event);
        } else response.write(`id: ${idOf(count)}\nevent: reset\ndata: {}\n\n`);
      }
      readers.add(reader);
    },
    stop(): void {
      stopListening();
      clearInterval(pulse);
      for (const { response } of readers) response.end();
      readers.clear();
    },
  };
}
