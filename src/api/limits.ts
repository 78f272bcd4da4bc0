export const MOST_CHANNEL_MESSAGES = 30;
export const MOST_RETRIES = 3;

/** Reads a Discord channel id, bare or as `channel:<id>`; a sentence that says what is wrong otherwise. */
export function readChannelId(said: string): { readonly id: string } | { readonly wrong: string } {
  const id = said.trim().replace(/^channel:/, "");
  if (/^\d{17,20}$/.test(id)) return { id };
  const how = "In Discord: right-click the channel, Copy Channel ID (developer mode on).";
  if (/^[CGD][A-Z0-9]{7,}$/.test(id)) {
    return { wrong: `${id} has the form of a Slack channel id; Discord ids are 17 to 20 digits. ${how}` };
  }
  return { wrong: `a Discord channel id is 17 to 20 digits. ${how}` };
}
