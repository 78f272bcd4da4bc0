import type { ChartTheme } from "../domain/metrics-types.ts";

/** How ends are told apart in a picture; the order is that of the stack, from the bottom. */
export const GROUPS = [
  { name: "done", statuses: ["succeeded"] },
  { name: "partly done", statuses: ["partial"] },
  { name: "failed", statuses: ["failed", "blocked", "timed_out"] },
  { name: "canceled", statuses: ["canceled"] },
] as const;
export type GroupName = (typeof GROUPS)[number]["name"];

export type Looks = {
  readonly background: string;
  readonly panel: string;
  readonly text: string;
  readonly faint: string;
  readonly line: string;
  readonly accent: string;
  readonly second: string;
  readonly groups: Readonly<Record<GroupName, string>>;
};

const DARK: Looks = {
  background: "#17181c",
  panel: "#212329",
  text: "#f2f3f5",
  faint: "#a3a8b3",
  line: "#363942",
  accent: "#6cb6ff",
  second: "#d2a8ff",
  groups: { done: "#3fb68b", "partly done": "#e3b341", failed: "#f4707a", canceled: "#747b88" },
};
const LIGHT: Looks = {
  background: "#f4f5f7",
  panel: "#ffffff",
  text: "#1c1f24",
  faint: "#5c6470",
  line: "#dfe2e7",
  accent: "#1f6feb",
  second: "#8250df",
  groups: { done: "#1a9468", "partly done": "#bf8700", failed: "#cf3a46", canceled: "#9aa1ac" },
};

export const looksOf = (theme: ChartTheme): Looks => (theme === "light" ? LIGHT : DARK);

export const FONT = "DejaVu Sans Condensed";

/** How many ended this way. */
export function inGroup(byStatus: Readonly<Record<string, number>>, group: GroupName): number {
  const statuses: readonly string[] = GROUPS.find(({ name }) => name === group)?.statuses ?? [];
  return statuses.reduce((sum, status) => sum + (byStatus[status] ?? 0), 0);
}

/** `0`, `850 ms`, `4.2 s`, `38 s`, `12 min`, `3.5 h`: short enough for an axis. */
export function shortSpan(ms: number): string {
  if (ms === 0) return "0";
  if (ms < 1000) return `${Math.round(ms)} ms`;
  const [value, unit] =
    ms < 120_000 ? [ms / 1000, "s"] : ms < 7_200_000 ? [ms / 60_000, "min"] : [ms / 3_600_000, "h"];
  return `${value < 10 ? Number(value.toFixed(1)) : Math.round(value)} ${unit}`;
}

/** `1,284`, `12.4k`, `3.1M`. */
export function shortCount(count: number): string {
  if (count < 10_000) return Math.round(count).toLocaleString("en");
  if (count < 1_000_000) return `${Number((count / 1000).toFixed(1))}k`;
  return `${Number((count / 1_000_000).toFixed(1))}M`;
}

export function percent(share: number | undefined): string {
  if (share === undefined) return "–";
  // Not all is never told as all.
  const value = share < 1 ? Math.min(99.9, share * 100) : 100;
  return `${Number(value.toFixed(1))} %`;
}
