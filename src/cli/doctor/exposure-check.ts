import { exposureText, isExposed, refuseUnfitKey } from "../../app/exposure.ts";
import type { Env } from "../../app/mode.ts";
import { isLoopback } from "../../domain/agent-card.ts";
import type { Config } from "../../domain/config.ts";
import { isRefusal } from "../../kernel/refusal.ts";
import { type Finding, fail, ok, warn } from "./finding.ts";

const ID = "exposure";

/** What of this installation other machines reach, and what keeps them out. */
export function checkExposure({ settings: { api } }: Pick<Config, "settings">, env: Env): Finding {
  const text = `REST and the page: ${exposureText(api)}`;
  try {
    refuseUnfitKey(api, env);
  } catch (thrown) {
    if (!isRefusal(thrown)) throw thrown;
    return fail(ID, thrown.message, thrown.hint ?? "use a longer key");
  }
  if (!isExposed(api)) return ok(ID, text);
  if (!isLoopback(api.host))
    return warn(
      ID,
      `${text}; everything but liveness and the page's files needs a key, and nothing is encrypted`,
      "keep api.host: 127.0.0.1 and put a proxy with TLS before it (docs/guide/remote-agents.md)",
    );
  const { protocol, hostname } = new URL(api.publicUrl ?? "");
  if (protocol === "https:" || isLoopback(hostname)) return ok(ID, `${text}; it needs a key`);
  return warn(
    ID,
    `${text}, without encryption: run tokens and files can be read on the way`,
    "use an https:// address as api.public_url",
  );
}
