import { ask } from "../dialog.js";
import { h } from "../node.js";
import { button, crumb, facts, panel, prose, viewHead } from "../parts.js";
import { to, toSubject } from "../router.js";
import { rows } from "../rows.js";
import { isSettled, pill } from "../states.js";
import { instant, span, ticking } from "../time.js";
import { attempts, handoffs, receipts } from "./delegation-parts.js";

/** One delegation: what was asked, each attempt with its prompt, what came back, and where people can see it. */
export function delegationView(app, { id }) {
  let story;
  const path = `/delegations/${encodeURIComponent(id)}`;

  async function load() {
    story = await app.api.get(`${path}/story`);
  }

  function draw() {
    const { delegation, children, events } = story;
    const { agent, status, objective, handoff, problems } = delegation;
    return [
      head(),
      panel("Objective", { key: "objective" }, prose(objective)),
      handoff
        ? panel(
            "Handoff",
            { key: "handoff", beside: pill(status) },
            handoff.result ? prose(handoff.result) : h("p", { class: "muted" }, "It says nothing."),
            facts([
              ["Confidence", handoff.confidence],
              ["Notes", handoff.notes ? prose(handoff.notes, { long: 400 }) : undefined],
              [
                "Artifacts",
                handoff.artifacts.length > 0
                  ? h(
                      "ul",
                      {},
                      handoff.artifacts.map((one) => h("li", { key: one, class: "code" }, one)),
                    )
                  : undefined,
              ],
            ]),
          )
        : undefined,
      problems.length > 0
        ? panel(
            "Problems",
            { key: "problems" },
            h(
              "ul",
              { class: "missing" },
              problems.map(({ path: where, message }, at) =>
                h("li", { key: at }, where ? `${where}: ${message}` : message),
              ),
            ),
          )
        : undefined,
      attempts(story, agent),
      handoffs(story),
      receipts(story),
      children.length > 0
        ? panel(
            "Asked of others",
            { key: "children", count: children.length },
            rows("Asked of others", children, (one) => ({
              key: one.id,
              href: to("delegations", one.id),
              state: one.status === "queued" ? "waiting" : one.status,
              title: one.objective,
              sub: one.agent,
              end: [one.settledAt === undefined ? ticking(one.queuedAt) : span(one.settledAt - one.queuedAt)],
            })),
          )
        : undefined,
      panel(
        "Story",
        { key: "story" },
        h(
          "ol",
          { class: "story" },
          events.map(({ at, what, text, tookMs, depth = 0 }, index) =>
            h(
              "li",
              { key: index, class: depth > 0 ? "story-line story-inner" : "story-line" },
              h("span", { class: "story-at" }, instant(at)),
              h(
                "span",
                {},
                h("strong", {}, what),
                text ? ` ${text}` : undefined,
                tookMs > 0 ? h("span", { class: "faint" }, ` · after ${span(tookMs)}`) : undefined,
              ),
            ),
          ),
        ),
      ),
    ];
  }

  function head() {
    const { delegation, times } = story;
    const {
      agent,
      status,
      caller,
      asker,
      reason,
      waiting,
      run,
      parent,
      workflow,
      queuedAt,
      deadlineAt,
      capability,
      choice,
    } = delegation;
    const inRun = workflow?.run ?? run;
    return viewHead({
      title: agent,
      above: inRun
        ? crumb(to("runs", inRun, { step: workflow?.step }), `step ${workflow?.step ?? ""} of ${inRun}`)
        : parent
          ? crumb(toSubject(parent, "delegation"), parent)
          : crumb(to("search", undefined, { kind: "delegation" }), "Delegations"),
      beside: pill(status),
      below: [
        reason ? h("p", { class: "reason" }, reason) : undefined,
        waiting
          ? h("p", { class: "reason tone-wait" }, `${waiting.text}, until `, instant(waiting.untilAt))
          : undefined,
        facts([
          ["Id", h("span", { class: "code" }, id)],
          ["Asked by", caller === asker ? asker : `${caller} (${asker})`],
          ["Asked", instant(queuedAt)],
          ["Deadline", isSettled(status) || deadlineAt === undefined ? undefined : ticking(deadlineAt, "in")],
          ["Waited", times.waitedMs === undefined ? undefined : span(times.waitedMs)],
          ["Worked", times.workedMs === undefined ? undefined : span(times.workedMs)],
          ["Posted in", times.postedMs === undefined ? undefined : span(times.postedMs)],
          ["In all", times.totalMs === undefined ? undefined : span(times.totalMs)],
          ["Capability", capability],
          ["Chosen", choice],
        ]),
      ],
      actions: isSettled(status) ? [] : [button("Cancel …", cancel, { tone: "danger-quiet" })],
    });
  }

  function cancel() {
    return ask({
      title: "Cancel the delegation",
      text: "Waiting for it stops; the agent is told where that is possible.",
      fields: [{ name: "reason", label: "Reason", kind: "area" }],
      submit: "Cancel it",
      tone: "danger",
      act: async ({ reason }) => {
        await app.api.post(`${path}/cancel`, reason.trim() ? { reason: reason.trim() } : {});
        app.reload();
      },
    });
  }

  return {
    title: () => (story ? `${story.delegation.agent} ${id}` : id),
    load,
    draw,
    concerns: ({ stream }) => stream === id || stream.startsWith(`${id}/`) || stream.startsWith(`${id}.`),
  };
}
