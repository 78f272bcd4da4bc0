import type { Problem } from "../../kernel/refusal.ts";
import { nearest } from "../../kernel/text.ts";
import type { Registry } from "../agent-card.ts";
import type { Pattern } from "./decision-tree.ts";

/** What a pattern needs to know to become a workflow. */
export type Detail = {
  readonly key: string;
  readonly text: string;
  readonly type: "text" | "list" | "agent" | "agents" | "count";
  readonly required: boolean;
  /** Of a list: at least and at most so many; of a count: its bounds. */
  readonly least?: number;
  readonly most?: number;
  readonly default?: string | number;
};
export type DetailValues = Readonly<Record<string, string | number | readonly string[]>>;

const GOAL: Detail = { key: "goal", text: "What is to be done?", type: "text", required: true };
const agents = (text: string, least: number, most: number): Detail => ({
  key: "agents",
  text,
  type: "agents",
  required: true,
  least,
  most,
});
const by = (text: string): Detail => ({ key: "by", text, type: "agent", required: true });

const OF_PATTERN: Readonly<Record<Pattern, readonly Detail[]>> = {
  inline: [by("Who does it?")],
  "fan-out": [
    { key: "parts", text: "Which parts does it have?", type: "list", required: true, least: 2, most: 50 },
    agents("Who works on the parts? They take turns.", 1, 6),
    by("Who puts the results together?"),
  ],
  pipeline: [
    { key: "stages", text: "Which steps, in their order?", type: "list", required: true, least: 2, most: 20 },
    agents("Who does the steps? They take turns.", 1, 20),
  ],
  panel: [
    {
      key: "roles",
      text: "As which experts do they judge?",
      type: "list",
      required: true,
      least: 2,
      most: 9,
    },
    agents("Who are the experts? They take turns.", 1, 9),
    { key: "criteria", text: "What do they judge by?", type: "list", required: false, least: 0, most: 10 },
  ],
  "map-reduce": [
    agents("Who goes through the list?", 1, 1),
    {
      key: "parts",
      text: "Into how many even parts is the list cut?",
      type: "count",
      required: false,
      least: 1,
      most: 50,
      default: 6,
    },
    by("Who sums it up?"),
  ],
  supervisor: [
    by("Who leads, and says after each round what is next?"),
    agents("Who may get pieces of work?", 1, 10),
    {
      key: "rounds",
      text: "After how many rounds does it end at the latest?",
      type: "count",
      required: false,
      least: 1,
      most: 10,
      default: 3,
    },
  ],
};

export const detailsOf = (pattern: Pattern): readonly Detail[] => [GOAL, ...OF_PATTERN[pattern]];

export type ReadDetail =
  | { readonly ok: true; readonly value: string | number | readonly string[] | undefined }
  | { readonly ok: false; readonly message: string };

/** One answer, by the type of what is asked; an answer that is not given has its default. */
export function readDetail(detail: Detail, given: unknown, registry: Registry): ReadDetail {
  const { type, required, least = 0, most = Number.POSITIVE_INFINITY } = detail;
  const isMissing =
    given === undefined || given === null || given === "" || (Array.isArray(given) && given.length === 0);
  if (isMissing) {
    if (required) return { ok: false, message: `is needed: ${detail.text}` };
    return { ok: true, value: detail.default };
  }
  switch (type) {
    case "text":
      return textFrom(given);
    case "count": {
      const count = Number(given);
      const fits = Number.isSafeInteger(count) && count >= least && count <= most;
      return fits
        ? { ok: true, value: count }
        : { ok: false, message: `must be a number from ${least} to ${most}` };
    }
    case "agent":
      return agentFrom(given, registry);
    case "list":
    case "agents": {
      const items = listFrom(given);
      if (!items) return { ok: false, message: "must be a list of texts" };
      if (items.length < least || items.length > most)
        return {
          ok: false,
          message: `must be ${least === most ? least : `${least} to ${most}`}, and there are ${items.length}`,
        };
      const read = items.map((item) => (type === "agents" ? agentFrom(item, registry) : textFrom(item)));
      const wrong = read.find((one) => !one.ok);
      return (
        wrong ?? {
          ok: true,
          value: read.flatMap((one) => (one.ok && typeof one.value === "string" ? [one.value] : [])),
        }
      );
    }
  }
}

/** Every detail of a pattern; every problem at once. */
export function readDetails(
  pattern: Pattern,
  given: Readonly<Record<string, unknown>>,
  registry: Registry,
): { readonly values: DetailValues; readonly problems: readonly Problem[] } {
  const values: Record<string, string | number | readonly string[]> = {};
  const problems: Problem[] = [];
  for (const detail of detailsOf(pattern)) {
    const read = readDetail(detail, given[detail.key], registry);
    if (!read.ok) problems.push({ path: detail.key, message: read.message });
    else if (read.value !== undefined) values[detail.key] = read.value;
  }
  return { values, problems };
}

function textFrom(given: unknown): ReadDetail {
  if (typeof given !== "string" && typeof given !== "number") return { ok: false, message: "must be text" };
  const text = String(given).trim();
  if (text.includes("${{"))
    return {
      ok: false,
      message: "must hold no ${{ }}: it becomes text of the workflow; edit the file afterwards",
    };
  return { ok: true, value: text };
}

function listFrom(given: unknown): readonly string[] | undefined {
  const items = typeof given === "string" ? given.split(",") : given;
  if (!Array.isArray(items) || items.some((item) => typeof item !== "string" && typeof item !== "number"))
    return undefined;
  return items.map((item) => String(item).trim()).filter((item) => item !== "");
}

function agentFrom(given: unknown, registry: Registry): ReadDetail {
  const word = String(given).trim();
  const found = registry.find(word);
  if (found) return { ok: true, value: found.id };
  const ids = registry.agents.map(({ id }) => id);
  const near = nearest(word, ids);
  return {
    ok: false,
    message: `there is no agent "${word}" (${near === undefined ? `there are: ${ids.join(", ")}` : `did you mean "${near}"?`})`,
  };
}
