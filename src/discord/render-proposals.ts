import { ButtonStyle, ComponentType } from "discord.js";
import { actorName } from "../domain/actor.ts";
import type { ProposalsView } from "../domain/proposals.ts";
import type { Evolved } from "../domain/work-types.ts";
import { cut } from "../kernel/text.ts";
import type { Face } from "./faces.ts";
import { AMBER, GREEN, GREY, RED, relative } from "./look.ts";
import { markOf } from "./marks.ts";
import { type Payload, text } from "./payload.ts";
import { button } from "./render-run-card.ts";
import { asLine } from "./sanitize.ts";

const MOST_LINES = 20;
const LINE_CHARS = 180;
const TARGET_CHARS = 80;
/** All lines together: what else stands there has room beside them. */
const LINES_ROOM = 3000;
const ACCEPT = "proposals-accept";
const DISMISS = "proposals-dismiss";

export function proposalsDelivery(stream: string, round: number): string {
  return `${stream}/proposals-${round}`;
}

/** What the buttons are bound to: these proposals, not those that come after them. */
export const proposalsSubject = (slug: string, round: number) => `${slug}/${round}`;

export function parseProposalsSubject(
  subject: string,
): { readonly slug: string; readonly round: number } | undefined {
  const [, slug, round] = /^([^/#]+)\/(\d+)$/.exec(subject) ?? [];
  return slug && round ? { slug, round: Number(round) } : undefined;
}

/** The message in which people accept or dismiss; afterwards it says who did, and has no buttons. */
export function proposalsFace(
  stream: string,
  view: ProposalsView,
  round: number,
): Omit<Face, "render"> & {
  readonly render: (view: ProposalsView, part?: number) => Payload;
} {
  const current = currentOf(view, round);
  const { decision, applied } = current?.decided ?? {};
  return {
    status: current ? `${decision ?? "open"} ${applied ? (applied.problem ?? "written") : ""}` : "past",
    isSettled: current === undefined || decision !== undefined,
    isGate: true,
    isPast: current === undefined,
    render: (shown, part) => renderProposals(stream, shown, round, part),
  };
}

const currentOf = ({ evolved }: ProposalsView, round: number): Evolved | undefined =>
  evolved?.at === round && evolved.proposals > 0 ? evolved : undefined;

function renderProposals(stream: string, view: ProposalsView, round: number, part = 0): Payload {
  const current = currentOf(view, round);
  const { title, colour } = lookOf(current);
  const isOpen = current !== undefined && current.decided === undefined;
  const body = [
    `### ${title} · ${asLine(view.slug)}`,
    ...(current
      ? [...decisionLines(current), ...proposedLines(current)]
      : ["The work began anew, or other proposals took the place of these."]),
    ...(isOpen ? [`-# ${consequence(current)}`] : []),
    `-# ${markOf(proposalsDelivery(stream, round), part)}`,
  ];
  const subject = proposalsSubject(view.slug, round);
  const buttons = [
    button(ACCEPT, "Accept", subject, ButtonStyle.Success),
    button(DISMISS, "Dismiss", subject, ButtonStyle.Secondary),
  ];
  return {
    components: [
      {
        type: ComponentType.Container,
        accent_color: colour,
        components: [
          text(body.join("\n")),
          ...(isOpen ? [{ type: ComponentType.ActionRow as const, components: buttons }] : []),
        ],
      },
    ],
    files: [],
  };
}

function lookOf(current: Evolved | undefined): { readonly title: string; readonly colour: number } {
  if (!current) return { title: "No decision needed any more", colour: GREY };
  const { decided } = current;
  if (!decided) return { title: "💡 Proposed", colour: AMBER };
  if (decided.decision === "dismissed") return { title: "Dismissed", colour: GREY };
  const isStuck = decided.applied?.problem !== undefined;
  return isStuck
    ? { title: "❌ Accepted, not written", colour: RED }
    : { title: "✅ Accepted", colour: GREEN };
}

function decisionLines({ decided, agent }: Evolved): readonly string[] {
  if (!decided) return [];
  const { by, at, files = [], applied, child } = decided;
  const names = files.map(({ target }) => target).join(" and ");
  const written = applied?.problem
    ? `${cut(asLine(applied.problem), 200)}: nothing was written. Propose it anew with \`hq evolve run\` on the command line.`
    : applied
      ? `Written into ${names} of ${asLine(agent ?? "the agent")}.`
      : `Is written into ${names} of ${asLine(agent ?? "the agent")}.`;
  return [
    `By ${asLine(actorName(by))} ${relative(at)}.`,
    ...(files.length > 0 ? [written] : []),
    ...(child === undefined || applied?.problem !== undefined ? [] : [`The agent got it: ${child}`]),
  ];
}

function proposedLines({ proposed = [], proposals, file }: Evolved): readonly string[] {
  let room = LINES_ROOM;
  const lines = proposed
    .slice(0, MOST_LINES)
    .map(
      ({ target, text: said }) =>
        `- **${cut(asLine(target), TARGET_CHARS)}**: ${cut(asLine(said), LINE_CHARS)}`,
    )
    .filter((line) => {
      room -= line.length + 1;
      return room >= 0;
    });
  const more = proposals - lines.length;
  return more > 0 ? [...lines, `- and ${more} more${file ? ` in ${asLine(file)}` : ""}`] : lines;
}

/** What Accept does. */
function consequence({ bases = {}, agent, proposed = [] }: Evolved): string {
  const whose = agent === undefined ? "the agent that did the work" : asLine(agent);
  const files = Object.keys(bases);
  const rest = proposed.filter(({ target }) => !files.includes(target)).length;
  const sent = `sends ${files.length > 0 ? "the rest" : "it"} to ${whose}, which decides what to change`;
  if (files.length === 0) return `Accept ${sent}.`;
  return `Accept writes into ${files.join(" and ")} of ${whose}${rest > 0 ? `, and ${sent}` : ""}.`;
}
