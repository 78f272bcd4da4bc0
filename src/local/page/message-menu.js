import { openEmoji } from "./emoji.js";
import { openMenu } from "./menu.js";
import { has, summaryOf } from "./message.js";
import { confirmDialog } from "./modal.js";

async function copy(text) {
  await navigator.clipboard.writeText(text);
}

/** What can be done with a message, in a menu beside it or under the pointer. */
export function openMessageMenu(message, anchor, { state, acts, context, toast, fail }) {
  const channel = state.channel(message.channel_id);
  const ephemeral = has(message, "ephemeral");
  const mine = message.author?.id === state.you.id;
  const apps = ephemeral
    ? []
    : state.commands.filter(({ type, can_use: canUse }) => type === 3 && canUse !== false);
  const copied = (what) => () => toast(`${what} copied.`);
  const remove = async () => {
    const yes = await confirmDialog({
      title: "Delete this message?",
      text: summaryOf(message, context).slice(0, 200),
      yes: "Delete",
    });
    if (yes) await acts.remove(message);
  };
  openMenu({
    anchor,
    label: "Message actions",
    align: anchor instanceof Element ? "end" : "start",
    items: [
      !ephemeral &&
        channel?.can_react && {
          label: "Add reaction",
          icon: "smile",
          run: () => pickReaction(message, anchor, { acts, fail }),
        },
      !ephemeral &&
        channel?.can_send && { label: "Reply", icon: "reply", run: () => context.onReply(message) },
      mine && !ephemeral && { label: "Edit message", icon: "edit", run: () => context.onEdit(message) },
      {
        label: "Copy text",
        icon: "copy",
        run: () => copy(message.content || summaryOf(message, context)).then(copied("Text"), fail),
      },
      {
        label: "Copy message ID",
        icon: "copy",
        run: () => copy(message.id).then(copied("Message ID"), fail),
      },
      apps.length > 0 && "line",
      apps.length > 0 && { heading: "Apps" },
      ...apps.map(({ name }) => ({
        label: name,
        icon: "apps",
        run: () => acts.messageCommand(message, name).catch(fail),
      })),
      ephemeral && { label: "Dismiss message", icon: "close", run: () => context.onDismiss(message) },
      !ephemeral && (mine || channel?.can_manage) && "line",
      !ephemeral &&
        (mine || channel?.can_manage) && {
          label: "Delete message",
          icon: "trash",
          danger: true,
          run: () => remove().catch(fail),
        },
    ],
  });
}

export function pickReaction(message, anchor, { acts, fail }) {
  openEmoji({ anchor, label: "React with", onPick: (emoji) => acts.react(message, emoji, true).catch(fail) });
}
