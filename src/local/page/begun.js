const KEY = "local-guild.begun";

/**
 * What was begun in each channel and not sent: text, files, the message that it answers, a command. The tab keeps it
 * over a reload, but for files. `now` = the channel that is open and what is begun there; `makeForm` = a command's
 * fields as they were.
 */
export function createBegun({ now, makeForm }) {
  const held = new Map();
  const stored = takeStored();

  addEventListener("pagehide", () => {
    const all = new Map([...stored, ...[...held, now()].map(([channel, one]) => [channel, asStored(one)])]);
    const worth = [...all].filter(([, { text, reply, command }]) => text || reply || command);
    sessionStorage.setItem(KEY, JSON.stringify(worth));
  });

  return {
    take(channel) {
      const { text = "", files = [], reply, form, command } = held.get(channel) ?? stored.get(channel) ?? {};
      held.delete(channel);
      stored.delete(channel);
      return { text, files, reply, form: form ?? (command && makeForm(channel, command)) };
    },
    put: (channel, one) => held.set(channel, one),
    drop: (channel) => held.delete(channel),
    formIn: (channel) => held.get(channel)?.form,
  };
}

const asStored = ({ text, reply, form }) => ({ text, reply, command: form?.written() });

function takeStored() {
  const text = sessionStorage.getItem(KEY);
  sessionStorage.removeItem(KEY);
  try {
    return new Map(JSON.parse(text ?? "[]"));
  } catch {
    return new Map();
  }
}
