import { BOT_TOKEN, GATEWAY_TOKEN, HOOKS_TOKEN } from "./environment.ts";
import type { InstancePlace } from "./place.ts";

/** How long a turn that a hook began may take: at least the longest timeout that people use. */
const HOOK_TIMEOUT_S = 3600;
const DEFAULT_HOOK = "delegate";

export type Json = string | number | boolean | readonly Json[] | { readonly [key: string]: Json };

/** What `openclaw.json` must say for HQ to work with the gateway; both tested versions read every key of it. */
export function openclawConfig(given: {
  readonly place: InstancePlace;
  readonly port: number;
  /** The hook that HQ calls, such as /hooks/delegate. */
  readonly hooksPath: string;
  readonly workspace: string;
  /** Folders of skills, there or not: a link that is removed takes its skill away. */
  readonly skills: readonly string[];
  readonly hasHeartbeat: boolean;
  readonly hasBot: boolean;
}): { readonly [key: string]: Json } {
  const { base, hook } = splitHook(given.hooksPath);
  return {
    gateway: {
      mode: "local",
      bind: "loopback",
      port: given.port,
      auth: { mode: "token", token: `\${${GATEWAY_TOKEN}}` },
    },
    hooks: {
      enabled: true,
      token: `\${${HOOKS_TOKEN}}`,
      path: base,
      allowRequestSessionKey: true,
      allowedSessionKeyPrefixes: ["hook:"],
      mappings: [
        {
          id: "hq",
          match: { path: hook },
          action: "agent",
          name: "{{name}}",
          messageTemplate: "{{message}}",
          wakeMode: "next-heartbeat",
          deliver: false,
          timeoutSeconds: HOOK_TIMEOUT_S,
          allowUnsafeExternalContent: true,
        },
      ],
    },
    agents: {
      defaults: {
        workspace: given.workspace,
        skipBootstrap: true,
        ...(given.hasHeartbeat ? {} : { heartbeat: { every: "0m" } }),
      },
    },
    skills: { load: { extraDirs: given.skills } },
    logging: { file: given.place.ownLog },
    ...(given.hasBot ? { channels: { discord: { enabled: true, token: `\${${BOT_TOKEN}}` } } } : {}),
  };
}

/** `/hooks/agent` is OpenClaw's own hook and cannot be mapped: the mapping then waits under its usual name. */
function splitHook(path: string): { readonly base: string; readonly hook: string } {
  const parts = path.split("/").filter((part) => part !== "");
  const last = parts.at(-1) ?? DEFAULT_HOOK;
  return {
    base: `/${parts.slice(0, -1).join("/") || "hooks"}`,
    hook: last === "agent" ? DEFAULT_HOOK : last,
  };
}

/** Where a configuration that people keep says otherwise, or nothing: dotted paths. What it says beyond is theirs. */
export function differencesOf(wanted: Json, found: unknown, path = ""): readonly string[] {
  if (Array.isArray(wanted)) {
    const items = Array.isArray(found) ? (found as readonly unknown[]) : [];
    const isMissing = wanted.some(
      (item) => !items.some((one) => differencesOf(item as Json, one).length === 0),
    );
    return isMissing ? [path] : [];
  }
  if (typeof wanted !== "object") return wanted === found ? [] : [path];
  if (typeof found !== "object" || found === null || Array.isArray(found)) return [path];
  const known = found as Readonly<Record<string, unknown>>;
  return Object.entries(wanted).flatMap(([key, value]) =>
    differencesOf(value, known[key], path === "" ? key : `${path}.${key}`),
  );
}
