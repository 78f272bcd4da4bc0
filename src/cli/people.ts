import { type NeededResult, neededResults } from "../domain/needed-results.ts";
import type { GateView, RunView, StepView } from "../domain/run-view.ts";
import { isRefusal } from "../kernel/refusal.ts";
import { cut, forTerminal, oneLine } from "../kernel/text.ts";
import type { Asking, Choice } from "./asking.ts";
import type { Client } from "./client.ts";
import { howToAnswer, howToDecide, openGates, whomFor } from "./run-lines.ts";
import type { RunProgress } from "./run-progress.ts";

const LONGEST_PROMPT = 2000;

type Question = {
  /** One for each time that people are asked. */
  readonly key: string;
  readonly text: string;
  readonly title: string;
  readonly choices: readonly Choice[];
  /** The call that carries the answer out; undefined = nothing is to be done. */
  readonly carryOut: (
    answer: string,
    over: AbortSignal,
  ) => Promise<{ readonly path: string; readonly body?: object } | undefined>;
};

/**
 * Tells whoever sits at the terminal what the run waits for and what to type, once for each gate and stop; with
 * `asking` it asks as well. A question is taken back when somebody else has answered it.
 */
export function createPeople(deps: {
  readonly client: Client;
  readonly progress: RunProgress;
  readonly asking?: Asking | undefined;
  readonly signal: AbortSignal;
  /** Ctrl-C at a question. */
  readonly onGivenUp: () => void;
  readonly onTrouble: (error: unknown) => void;
}) {
  const { client, progress, asking, signal } = deps;
  const seen = new Set<string>();
  const waiting: Question[] = [];
  let open: { readonly key: string; readonly takeBack: AbortController } | undefined;

  function look(view: RunView): void {
    const now = questionsOf(view, asking);
    const keys = new Set(now.map(({ key }) => key));
    if (open && !keys.has(open.key)) open.takeBack.abort();
    for (const question of now) {
      if (seen.has(question.key)) continue;
      seen.add(question.key);
      progress.tell(question.text);
      waiting.push(question);
    }
    if (!asking) return;
    waiting.splice(0, waiting.length, ...waiting.filter(({ key }) => keys.has(key)));
    askNext(asking).catch(deps.onTrouble);
  }

  async function askNext(by: Asking): Promise<void> {
    if (open || signal.aborted) return;
    const question = waiting.shift();
    if (!question) return;
    const takeBack = new AbortController();
    open = { key: question.key, takeBack };
    const over = AbortSignal.any([signal, takeBack.signal]);
    progress.hold();
    const told = await answer(by, question, over);
    open = undefined;
    progress.release();
    if (told !== undefined) progress.tell(told);
    await askNext(by);
  }

  /** A sentence about what came of it. */
  async function answer(by: Asking, question: Question, over: AbortSignal): Promise<string | undefined> {
    const chosen = await by.choose(question.title, question.choices, over);
    if (signal.aborted) return undefined;
    if (over.aborted) return "Somebody else has answered.";
    if (chosen === undefined) {
      deps.onGivenUp();
      return undefined;
    }
    try {
      const call = await question.carryOut(chosen, over);
      if (!call) return "It is left open; the run goes on.";
      await client.ask({ method: "POST", ...call, isRepeatable: false }, signal);
      return undefined;
    } catch (error) {
      if (signal.aborted) return undefined;
      if (isRefusal(error)) return forTerminal(`${error.message} ${error.hint ?? ""}`).trim();
      throw error;
    }
  }

  return { look };
}

function questionsOf(view: RunView, asking: Asking | undefined): readonly Question[] {
  const gates = openGates(view).map((step) => gateQuestion(view, step, asking));
  return view.stopped ? [...gates, stopQuestion(view)] : gates;
}

function gateQuestion(
  view: RunView,
  { id, generation, needs, gate }: StepView & { readonly gate: GateView },
  asking: Asking | undefined,
): Question {
  const run = view.id;
  const path = (act: string) => `/runs/${encodeURIComponent(run)}/steps/${encodeURIComponent(id)}/${act}`;
  const { digest } = gate;
  return {
    key: `${id}~${generation} ${digest}${gate.escalated ? " escalated" : ""}`,
    text: [
      oneLine(`${id} ${whomFor(gate)}:`),
      ...indented(gate.prompt),
      ...neededResults(view, { needs }).flatMap(resultLines),
      ...howToDecide(run, id).map((line) => `    ${line}`),
    ].join("\n"),
    title: `${id}: what is your decision?`,
    choices: [
      { value: "approve", label: `Approve ${id}` },
      { value: "reject", label: `Reject ${id}, with a reason` },
      { value: "leave", label: "Leave it open" },
    ],
    async carryOut(answer, over) {
      if (answer === "approve") return { path: path("approve"), body: { digest } };
      if (answer !== "reject") return undefined;
      const reason = (await asking?.write("Why?", over))?.trim();
      if (reason === undefined) return undefined;
      return { path: path("reject"), body: { digest, ...(reason === "" ? {} : { reason }) } };
    },
  };
}

function resultLines({ id, status, agent, confidence, said }: NeededResult): readonly string[] {
  const facts = [agent, status, confidence && `confidence ${confidence}`].filter(Boolean).join(", ");
  return [`    ${oneLine(`${id} (${facts}):`)}`, ...indented(said).map((line) => `  ${line}`)];
}

function stopQuestion({ id, stopped }: RunView): Question {
  const path = (act: string) => ({ path: `/runs/${encodeURIComponent(id)}/${act}` });
  return {
    key: `stopped ${stopped?.at}`,
    text: [
      `${stopped?.failures} failures: nothing new begins until somebody answers.`,
      ...howToAnswer(id).map((line) => `    ${line}`),
    ].join("\n"),
    title: "How is it to go on?",
    choices: [
      { value: "retry", label: "Retry what failed" },
      { value: "accept-partial", label: "Accept what there is" },
      { value: "cancel", label: "Cancel the run" },
      { value: "leave", label: "Leave it" },
    ],
    carryOut: async (answer) => (answer === "leave" ? undefined : path(answer)),
  };
}

function indented(text: string): readonly string[] {
  return forTerminal(cut(text, LONGEST_PROMPT))
    .split("\n")
    .map((line) => `    ${line}`);
}
