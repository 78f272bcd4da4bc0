import { ComponentType } from "discord.js";
import type { Delivery } from "../domain/effects.ts";
import type { RunView } from "../domain/run-view.ts";
import type { WorkerView } from "../domain/worker-view.ts";
import { cut } from "../kernel/text.ts";
import type { Approvers, Mentioned } from "./approvers.ts";
import type { DeliveryPort, SubjectView } from "./delivery-port.ts";
import { glanceOf } from "./glance.ts";
import { AMBER, relative } from "./look.ts";
import { markOf } from "./marks.ts";
import { type Attachment, type Payload, text } from "./payload.ts";
import { gateDelivery, isGateOpen, shownGate } from "./render-gate.ts";
import { type BatchBody, renderBatch, renderLog, renderNotice } from "./render-lines.ts";
import { renderResult } from "./render-result.ts";
import { answerButtons } from "./render-run-card.ts";
import { renderRunResult } from "./render-run-result.ts";
import { renderFinished, renderSpawned, renderWorkerResult } from "./render-worker.ts";
import type { DiscordRest } from "./rest.ts";
import { asLine } from "./sanitize.ts";
import { isStillThere } from "./still-there.ts";

const MOST_FAILED = 8;

export type RenderDeps = {
  readonly rest: Pick<DiscordRest, "raw">;
  readonly deliveries: DeliveryPort;
  readonly approvers: Approvers;
  readonly guildId: string;
  /** With secrets blacked out. */
  readonly redacted: (stream: string) => Promise<SubjectView>;
};

/** The messages of a delivery, as they are now; none when there is nothing left to say. */
export async function renderDelivery(deps: RenderDeps, delivery: Delivery): Promise<readonly Payload[]> {
  const { id, kind, subject = "" } = delivery;
  switch (kind) {
    case "notice":
      return answering(delivery, renderNotice(id, delivery.text ?? ""));
    case "spawned":
      return [renderSpawned(id, await workerOf(deps, subject))];
    case "finished":
      return [renderFinished(id, await workerOf(deps, subject))];
    case "batch": {
      const body = await deps.deliveries.batchBody(id);
      if (body === undefined) throw new Error(`the batch ${id} has no body`);
      return [renderBatch(id, JSON.parse(body) as BatchBody)];
    }
    case "log":
      return [renderLog(id, glanceOf(await deps.redacted(subject)))];
    case "result": {
      const told = await deps.redacted(subject);
      const files = (await deps.deliveries.attachable?.(subject)) ?? [];
      return resultOf(id, told, files);
    }
    case "ask":
      return renderAsk(id, await runOf(deps, subject), deps.approvers.mentioned([]));
    case "reminder":
      return renderReminder(deps, delivery, await runOf(deps, subject));
  }
}

function resultOf(id: string, told: SubjectView, files: readonly Attachment[]): readonly Payload[] {
  switch (told.kind) {
    case "delegation":
      return renderResult(id, told.view, files);
    case "run":
      return renderRunResult(id, told.view, files);
    case "worker":
      return [renderWorkerResult(id, told.view)];
    case "proposals":
      throw new Error(`${told.view.slug} has no result of its own`);
    case "task":
      throw new Error(`${told.view.id} has no result of its own`);
  }
}

/** The first message of a reply names what it answers. */
function answering({ replyTo }: Delivery, parts: readonly Payload[]): readonly Payload[] {
  if (replyTo === undefined) return parts;
  return parts.map((part, index) => (index === 0 ? { ...part, replyTo } : part));
}

async function workerOf({ redacted }: RenderDeps, stream: string): Promise<WorkerView> {
  const told = await redacted(stream);
  if (told.kind === "worker") return told.view;
  throw new Error(`${stream} is no worker`);
}

async function runOf({ redacted }: RenderDeps, stream: string): Promise<RunView> {
  const told = await redacted(stream);
  if (told.kind === "run") return told.view;
  throw new Error(`${stream} is no run`);
}

/** After too many failures: what failed, how far it is, and the four ways on. Pings whoever may choose. */
function renderAsk(delivery: string, view: RunView, who: Mentioned): readonly Payload[] {
  if (!view.stopped || view.status !== "running") return [];
  const failed = view.steps.filter(({ status, items }) => status === "failed" || (items?.failed ?? 0) > 0);
  const lines = failed.slice(0, MOST_FAILED).map(({ id, reason, items }) => {
    const some = items ? ` (${items.failed} of ${items.total})` : "";
    return `- **${id}**${some}${reason ? `: ${cut(asLine(reason), 180)}` : ""}`;
  });
  const more = failed.length - lines.length;
  const { total, running } = view.progress;
  const completed = view.steps.filter(({ status }) => status === "succeeded" || status === "partial").length;
  const pings = { roles: who.roles, users: who.users };
  const isPinging = pings.roles.length + pings.users.length > 0;
  const body = [
    `### ${view.workflow} · stopped after ${view.stopped.failures} failures`,
    `${completed} of ${total} steps completed, ${failed.length} failed${running > 0 ? `, ${running} still running` : ""}. Nothing new begins until you choose.`,
    ...(isPinging ? [who.text] : []),
    ...lines,
    ...(more > 0 ? [`- and ${more} more`] : []),
    `-# **Retry failed** does them once more, **Adjust…** with other words, **Accept partial** ends with what there is.`,
    `-# asked by ${cut(asLine(view.asker), 80)} · deadline ${relative(view.deadlineAt)} · ${markOf(delivery, 0)}`,
  ];
  return [
    {
      components: [
        {
          type: ComponentType.Container,
          accent_color: AMBER,
          components: [
            text(body.join("\n")),
            { type: ComponentType.ActionRow, components: answerButtons(view) },
          ],
        },
      ],
      files: [],
      ...(isPinging ? { pings } : {}),
    },
  ];
}

/** Pings the approvers again; nothing when the gate was decided meanwhile. */
async function renderReminder(
  { rest, deliveries, approvers, guildId }: RenderDeps,
  { id, gate: ref }: Delivery,
  view: RunView,
): Promise<readonly Payload[]> {
  const shown = ref && shownGate(view, ref);
  if (!ref || !shown?.gate || !isGateOpen(shown)) return [];
  const who = approvers.mentioned(shown.gate.approvers);
  const receipts = await deliveries.receipts(gateDelivery(view.id, ref));
  const message = receipts.toSorted((a, b) => a.part - b.part).at(-1);
  const command = `\`/workflow approve\` with ${view.id}`;
  const link = !message
    ? command
    : (await isStillThere(rest, message))
      ? `https://discord.com/channels/${guildId}/${message.channel}/${message.message}`
      : `its message was deleted and is posted anew; or ${command}`;
  const what = `**${asLine(view.workflow)} / ${asLine(ref.step)}**`;
  const content = [
    `${who.text}: ${what} ${shown.gate.escalated ? "was escalated and waits" : "still waits"} for a decision: ${link}`,
    `-# expires ${relative(shown.gate.expiresAt)} · ${markOf(id, 0)}`,
  ];
  return [{ content: content.join("\n"), files: [], pings: { roles: who.roles, users: who.users } }];
}
