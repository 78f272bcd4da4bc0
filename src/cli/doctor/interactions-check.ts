import type { Settings } from "../../domain/settings.ts";
import { type Finding, fail, ok, warn } from "./finding.ts";
import type { Application } from "./guild.ts";

const PORTAL = "https://discord.com/developers/applications";
const PATH = "/discord/interactions";
const GUIDE = "docs/guide/interactions.md";

/** Whether Discord and this installation agree on where commands, buttons and forms go. Nothing to say = the gateway, as usual. */
export function checkInteractions(
  { id, publicKey, interactionsUrl: url }: Application,
  { discord, api }: Settings,
): readonly Finding[] {
  const place = `${PORTAL}/${id}/information: Interactions Endpoint URL`;
  const { interactionsByHttp: wish } = discord;
  if (!wish) {
    if (url === undefined) return [];
    return [
      fail(
        "interactions",
        `Discord sends commands to ${url}, and this supervisor does not answer there`,
        `set discord.interactions_endpoint: true in config/hq.yaml (${GUIDE}), or empty ${place}`,
      ),
    ];
  }
  if (wish.publicKey !== undefined && wish.publicKey.toLowerCase() !== publicKey.toLowerCase()) {
    return [
      fail(
        "interactions",
        "discord.public_key is not the key of this bot's application: all that Discord sends is refused",
        `write ${publicKey} as discord.public_key in config/hq.yaml, or take the line out`,
      ),
    ];
  }
  if (url === undefined) {
    return [
      warn(
        "interactions",
        "the endpoint is on, and Discord has no address of it: commands come over the gateway",
        `set it at ${place} (https://<your host>${PATH}; ${GUIDE})`,
      ),
    ];
  }
  if (!url.endsWith(PATH)) {
    return [fail("interactions", `Discord sends commands to ${url}`, `end it with ${PATH} at ${place}`)];
  }
  const { host } = new URL(url);
  const names = [...api.allowedHosts, ...(api.publicUrl === undefined ? [] : [new URL(api.publicUrl).host])];
  const isAnswered = names.some((name) => [host, `${host}:443`, `${host}:80`].includes(name.toLowerCase()));
  if (!isAnswered && !/^(127\.0\.0\.1|localhost|\[::1\])(:|$)/.test(host)) {
    return [
      fail(
        "interactions",
        `Discord sends commands to ${host}, a name that REST does not answer to`,
        `add ${host} to api.allowed_hosts in config/hq.yaml`,
      ),
    ];
  }
  return [ok("interactions", `Discord sends them to ${url}`)];
}
