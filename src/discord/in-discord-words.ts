/**
 * Hints and warnings name the command line; here the same is a slash command or one of its options. What Discord has no
 * command for is said to be done on the command line.
 */
export function inDiscordWords(text: string): string {
  return text
    .replace(/`hq workflow (list|show|status|cancel|retry|approve|reject|run)\b[^`]*`/g, "`/workflow $1`")
    .replace(/`hq queue (list|show|withdraw|run-again)\b[^`]*`/g, "`/queue $1`")
    .replace(/`hq (status|cancel|delegate|agents(?! (?:drain|resume)))\b[^`]*`/g, "`/$1`")
    .replace(/`hq [^`]+`/g, "$& on the command line")
    .replace(/--if-down wait\b/g, "`/delegate` with `wait-for-agent`")
    .replace(/--fallback\b/g, "`/delegate` with `fallback`")
    .replace(/--context\b(?!-)/g, "`/delegate` with `context-channel`");
}
