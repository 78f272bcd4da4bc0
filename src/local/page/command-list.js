const SUB = 1;
const GROUP = 2;

/** Slash commands as a person types them: one entry for each subcommand. */
export function slashCommands(commands) {
  const entries = [];
  for (const command of commands.filter(({ type }) => (type ?? 1) === 1)) {
    const add = (name, description, options) =>
      entries.push({ name, description, options: options ?? [], canUse: command.can_use !== false, command });
    const subs = (command.options ?? []).filter(({ type }) => type === SUB || type === GROUP);
    if (subs.length === 0) add(command.name, command.description, command.options);
    for (const sub of subs) {
      if (sub.type === SUB) add(`${command.name} ${sub.name}`, sub.description, sub.options);
      else
        for (const inner of sub.options ?? [])
          add(`${command.name} ${sub.name} ${inner.name}`, inner.description, inner.options);
    }
  }
  return entries.sort((a, b) => a.name.localeCompare(b.name));
}

/** Those that begin with the typed letters first, then those that contain them. */
export function matching(entries, typed) {
  const wanted = typed.trim().toLowerCase();
  const starts = entries.filter(({ name }) => name.toLowerCase().startsWith(wanted));
  const contains = entries.filter(
    (entry) =>
      !starts.includes(entry) &&
      (entry.name.toLowerCase().includes(wanted) || entry.description?.toLowerCase().includes(wanted)),
  );
  return wanted === "" ? entries : [...starts, ...contains];
}

/** Why a value is not acceptable for an option; undefined when it is. */
export function problemOf(option, text, hasFile) {
  if (option.type === 11) return option.required && !hasFile ? "Choose a file." : undefined;
  if (text === "") return option.required ? "This option is required." : undefined;
  if (option.type === 4 || option.type === 10) {
    const value = Number(text);
    if (!Number.isFinite(value)) return "Type a number.";
    if (option.type === 4 && !Number.isInteger(value)) return "Type a whole number.";
    if (option.min_value !== undefined && value < option.min_value) return `At least ${option.min_value}.`;
    if (option.max_value !== undefined && value > option.max_value) return `At most ${option.max_value}.`;
  }
  if (option.type === 3) {
    if (option.min_length !== undefined && text.length < option.min_length)
      return `At least ${option.min_length} characters.`;
    if (option.max_length !== undefined && text.length > option.max_length) {
      return `At most ${option.max_length} characters; these are ${text.length}.`;
    }
  }
  return undefined;
}
