import type { Answer, Question } from "../answer.ts";
import { attachedIn } from "../stated.ts";
import { factsIn, stemsIn } from "./facts.ts";

type Fill = (question: Question) => object;

/** JSON that a step computes with, by the title of the schema that the task names. */
const FORMS: Readonly<Record<string, Fill>> = {
  "incident assessment": assessIncident,
  "answer in a source": findAnswer,
  "skill candidate": findSkill,
  "skill scan": scanSkill,
  "skill health": checkHealth,
  "supervision round": leadRound,
};

/** A task whose result must fit a schema that is known here gets that. */
export function fillForm(question: Question): Answer | undefined {
  const { title } = (question.schema ?? {}) as { readonly title?: unknown };
  const fill = typeof title === "string" ? FORMS[title.toLowerCase()] : undefined;
  if (!fill) return undefined;
  return {
    status: "complete",
    result: JSON.stringify(fill(question), undefined, 2),
    confidence: "medium",
    notes: `Sample agent ${question.agent}: filled in by keywords of the material, nothing was looked into.`,
  };
}

const KINDS: readonly (readonly [string, RegExp])[] = [
  ["malware", /malware|ransom\w*|virus|trojan|encrypted files|crypto ?miner/i],
  ["credentials", /credential|password|token|api key|secret|phish\w*|account taken/i],
  ["traffic", /ddos|flood\w*|traffic|requests? per second|brute/i],
];

/** What happened, how bad, and whether it concerns people's data. Two signs of damage are critical, one is high. */
function assessIncident(question: Question): object {
  const facts = factsIn(question).map(({ text }) => text);
  const all = facts.join("\n");
  const kind = KINDS.find(([, signs]) => signs.test(all))?.[0] ?? "other";
  const personal = /customer|personal|e-?mail address|patient|employee record/i.test(all);
  const damage = [/production/i, /exfiltrat|stolen|downloaded|copied out|used by/i, /down\b|outage/i];
  const signs = damage.filter((sign) => sign.test(all)).length + (personal ? 1 : 0);
  const severity = signs >= 2 ? "critical" : signs === 1 ? "high" : kind === "other" ? "low" : "medium";
  const systems = [...new Set(all.match(/\b[a-z]+(?:-[a-z0-9]+)+\b/g) ?? [])].slice(0, 5);
  return { kind, severity, systems, personal_data: personal, summary: facts[0] ?? "Nothing was reported." };
}

/** The sentence of a source that shares most words with the question; found with two of them, sure with three. */
function findAnswer(question: Question): object {
  const [, asked = ""] = /^Question: (.+)$/m.exec(question.objective) ?? [];
  const wanted = new Set(stemsIn(asked));
  const best = factsIn(question)
    .map(({ text }) => ({ text, shared: new Set(stemsIn(text).filter((stem) => wanted.has(stem))).size }))
    .toSorted((a, b) => b.shared - a.shared)[0];
  const shared = best?.shared ?? 0;
  return {
    found: shared >= 2,
    confidence: shared >= 3 ? "high" : shared === 2 ? "medium" : "low",
    answer: shared >= 2 ? (best?.text ?? "") : "",
  };
}

/** A line of the catalogue, `name: what it does`, that shares two words with what is needed. */
function findSkill(question: Question): object {
  const [, need = ""] = /^Need: (.+)$/m.exec(question.objective) ?? [];
  const wanted = new Set(stemsIn(need));
  const found = factsIn(question)
    .map(({ text }) => /^([a-z0-9][\w-]*): (.+)$/i.exec(text))
    .find((line) => new Set(stemsIn(line?.[2] ?? "").filter((stem) => wanted.has(stem))).size >= 2);
  return found
    ? { found: true, name: found[1], why: `the catalogue says: ${found[2]}` }
    : { found: false, name: "", why: "nothing in the catalogue does it" };
}

const DANGERS: readonly (readonly [RegExp, string])[] = [
  [/curl [^\n]*\| ?(?:ba)?sh|wget [^\n]*\| ?(?:ba)?sh/i, "runs what it downloads"],
  [/\bsudo\b|rm -rf|chmod 777/i, "asks for more rights than it needs"],
  [/password|api key|private key|\.env\b/i, "reads secrets"],
  [/base64 -d|eval\(/i, "hides what it runs"],
];

function scanSkill(question: Question): object {
  const all = factsIn(question)
    .map(({ text }) => text)
    .join("\n");
  const findings = DANGERS.filter(([sign]) => sign.test(all)).map(([, what]) => what);
  return { verdict: findings.length > 0 ? "fail" : "pass", findings };
}

/** The first line of the trial run that tells of an error. */
function checkHealth(question: Question): object {
  const error = factsIn(question).find(({ text }) => /\b(?:error|exception|failed|traceback)\b/i.test(text));
  return { healthy: error === undefined, error: error?.text ?? "" };
}

const PIECE = /^\{"agent":"([^"]+)","task":"(.*)"\}: (?:\((\w+)\) )?/;
const MOST_AT_FIRST = 4;

/** Cuts the goal into its sentences and gives them out in turn; what fails goes to the next worker, once. Then it is done. */
function leadRound({ objective, material }: Question): object {
  const workers = (/^Workers: (.+?)\. This is round/m.exec(objective)?.[1] ?? "").split(", ");
  const after = (agent: string) => workers[(workers.indexOf(agent) + 1) % workers.length] ?? agent;
  const rounds = attachedIn(material).filter(({ name }) => name.includes("-work-"));
  if (rounds.length === 0) {
    const goal = /^Goal: (.+)$/m.exec(objective)?.[1] ?? "";
    const parts = goal.split(/(?<=[.;])\s+/).slice(0, MOST_AT_FIRST);
    return { done: false, next: parts.map((task, n) => ({ agent: workers[n % workers.length], task })) };
  }
  const failed = pieceLines(rounds.at(-1)?.text ?? "").filter(({ status }) => status !== undefined);
  if (failed.length > 0 && rounds.length === 1)
    return { done: false, next: failed.map(({ agent, task }) => ({ agent: after(agent), task })) };
  const done = rounds.flatMap(({ text }) => pieceLines(text)).filter(({ status }) => status === undefined);
  return {
    done: true,
    result: [`${done.length} pieces are done:`, ...done.map(({ task }) => `- ${task}`)].join("\n"),
  };
}

function pieceLines(text: string) {
  return text.split("\n").flatMap((line) => {
    const [, agent, task, status] = PIECE.exec(line) ?? [];
    return agent === undefined || task === undefined ? [] : [{ agent, task, status }];
  });
}
