import { ComponentType } from "discord.js";
import type { Receipt } from "../domain/delivery-types.ts";
import type { Log } from "../engine/ports/log.ts";
import { cut } from "../kernel/text.ts";
import { isRefusedContent } from "./discord-failure.ts";
import { limitProblems } from "./limits.ts";
import { type Payload, text, textsOf } from "./payload.ts";
import type { DiscordRest } from "./rest.ts";
import { leadingText } from "./split-text.ts";

const HEAD_CHARS = 300;
const BODY_CHARS = 2000;
const FOOT_CHARS = 300;

/**
 * A message that is kept up to date, with less in it: the first line, as much as there is room for, the end of the
 * last line with its mark, and its buttons. It stays of the kind that it is, so that it can be edited from then on.
 */
function shortened({ components = [], pings, replyTo }: Payload): Payload {
  const [head = "", ...lines] = textsOf({ components }).join("\n").split("\n");
  const foot = lines.pop() ?? "";
  const body = leadingText(lines.join("\n"), BODY_CHARS).text;
  const frame = components.find((one) => one.type === ComponentType.Container);
  const rows = frame?.components.filter(({ type }) => type === ComponentType.ActionRow) ?? [];
  const framed = (buttons: typeof rows): Payload => ({
    ...(pings ? { pings } : {}),
    ...(replyTo === undefined ? {} : { replyTo }),
    components: [
      {
        type: ComponentType.Container,
        ...(frame?.accent_color === undefined ? {} : { accent_color: frame.accent_color }),
        components: [text([cut(head, HEAD_CHARS), body, endOf(foot)].filter(Boolean).join("\n")), ...buttons],
      },
    ],
    files: [],
  });
  const whole = framed(rows);
  return limitProblems(whole).length === 0 ? whole : framed([]);
}

function endOf(line: string): string {
  if (line.length <= FOOT_CHARS) return line;
  return `-# …${line.slice(-FOOT_CHARS).replace(/^[\udc00-\udfff]/, "")}`;
}

/** Shows a message as it is designed, and shortened when that breaks a limit or Discord does not take it. */
export async function showFitting<T>(
  payload: Payload,
  show: (fitting: Payload) => Promise<T>,
  { log, delivery }: { readonly log: Log; readonly delivery: string },
): Promise<T> {
  const problems = limitProblems(payload);
  if (problems.length > 0) {
    log.error({ delivery, problems }, "a message breaks Discord's limits and is shown shortened");
    return show(shortened(payload));
  }
  try {
    return await show(payload);
  } catch (thrown) {
    if (!isRefusedContent(thrown)) throw thrown;
    log.error({ delivery, failure: thrown.message }, "Discord refused a message; it is shown shortened");
    return show(shortened(payload));
  }
}

/** The same for an edit. */
export function createEditFitting({ rest, log }: { readonly rest: DiscordRest; readonly log: Log }) {
  type Place = Pick<Receipt, "channel" | "message" | "delivery">;
  return ({ channel, message, delivery }: Place, payload: Payload) =>
    showFitting(payload, (fitting) => rest.edit(channel, message, fitting), { log, delivery });
}
