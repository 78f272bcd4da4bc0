import { icon } from "../icons.js";
import { h } from "../node.js";
import { button, facts, panel, prose } from "../parts.js";
import { toSubject } from "../router.js";
import { isSettled, pill } from "../states.js";
import { instant, span, ticking } from "../time.js";
import { gateButtons } from "./gates.js";

/** One step of a run: how it stands, what it waited for, what it brought, and what can be done. */
export function stepPanel(app, { run, step, node, close }) {
  const {
    id,
    status,
    reason,
    result,
    gate,
    agent,
    model,
    capability,
    workers,
    confidence,
    stalled,
    child,
    by,
    issues,
    generation,
  } = step;
  const isOpenGate = gate?.status === "open" && status === "waiting";
  return panel(
    id,
    {
      key: `step ${id}`,
      beside: h(
        "a",
        { class: "icon-button", href: close, "aria-label": "Close the step" },
        icon("close", 16),
      ),
    },
    h(
      "p",
      { class: "step-state" },
      pill(isOpenGate ? "waiting" : status, isOpenGate ? "waits for people" : undefined),
      agent ? h("a", { class: "step-agent", href: toSubject(agent, "agent") }, agent) : undefined,
    ),
    reason ? h("p", { class: "reason" }, reason) : undefined,
    stalled ? h("p", { class: "reason tone-wait" }, stalled) : undefined,
    isOpenGate ? prose(gate.prompt, { long: 900 }) : undefined,
    isOpenGate
      ? gateButtons(app, { run: run.id, workflow: run.workflow, step: id, digest: gate.digest })
      : undefined,
    facts([
      ["Needs", step.needs.join(", ")],
      ["Started", instant(step.startedAt)],
      [
        "Took",
        step.settledAt !== undefined && step.startedAt !== undefined
          ? span(step.settledAt - step.startedAt)
          : undefined,
      ],
      ["Until", status === "waiting" && step.untilAt !== undefined ? ticking(step.untilAt, "in") : undefined],
      ["Capability", capability],
      ["Model", model],
      ["Workers", workers],
      ["Confidence", confidence],
      ["Decided by", by ?? gate?.decidedBy],
      ["Generation", generation > 1 ? generation : undefined],
      [
        "Items",
        step.items
          ? `${step.items.settled} of ${step.items.total} settled${step.items.failed > 0 ? `, ${step.items.failed} failed` : ""}`
          : undefined,
      ],
    ]),
    waits(node),
    childLinks(node, child),
    issues?.length > 0
      ? h(
          "ul",
          { class: "missing" },
          issues.map((text) => h("li", { key: text }, text)),
        )
      : undefined,
    result === undefined
      ? undefined
      : h("div", { class: "step-result", key: "result" }, h("h3", {}, "Result"), prose(result)),
    buttons(app, run, step),
  );
}

/** Who waited for what. */
function waits({ waitedFor }) {
  if (waitedFor.length === 0) return undefined;
  return h(
    "div",
    { key: "waits" },
    h("h3", {}, "Waited for"),
    h(
      "ul",
      { class: "waits" },
      waitedFor.map((wait, at) =>
        h(
          "li",
          { key: at },
          h("span", { class: "wait-ms" }, wait.to === undefined ? ticking(wait.from) : span(wait.ms)),
          h("span", {}, wait.text),
        ),
      ),
    ),
  );
}

function childLinks({ children }, child) {
  const all = children.length > 0 ? children : child ? [{ id: child, state: undefined }] : [];
  if (all.length === 0) return undefined;
  return h(
    "div",
    { key: "children" },
    h("h3", {}, all.length === 1 ? "Done by" : `Done by ${all.length}`),
    h(
      "ul",
      { class: "children" },
      all.map(({ id, kind, state, agent, item, waiting }) =>
        h(
          "li",
          { key: id },
          h(
            "a",
            { href: toSubject(id, kind) },
            item === undefined
              ? agent
                ? `${agent}: prompt, attempts, handoff`
                : id
              : `item ${item + 1}${agent ? ` · ${agent}` : ""}`,
          ),
          waiting ? h("span", { class: "faint" }, waiting) : undefined,
          state ? pill(waiting ? "waiting" : state) : undefined,
        ),
      ),
    ),
  );
}

function buttons(app, run, { id, status }) {
  const { resumes } = run;
  const path = `/runs/${encodeURIComponent(run.id)}/steps/${encodeURIComponent(id)}`;
  const canSkip = !isSettled(run.status) && !isSettled(status);
  const again = status === "failed";
  const rerun = isSettled(status) && status !== "failed" && isSettled(run.status);
  if (!canSkip && !again && !rerun) return undefined;
  return h(
    "div",
    { class: "actions", key: "buttons" },
    again
      ? button(
          "Retry this step",
          () => app.act(() => app.api.post(`${path}/retry`, { resumes }), `${id} is done once more`),
          { tone: "primary" },
        )
      : undefined,
    canSkip
      ? button("Skip", () => app.act(() => app.api.post(`${path}/skip`), `Goes on without ${id}`), {
          label: `Skip ${id}`,
        })
      : undefined,
    rerun
      ? button(
          "Rerun from here",
          () =>
            app.act(
              () => app.api.post(`/runs/${encodeURIComponent(run.id)}/rerun`, { from: id, resumes }),
              `${id} and what depends on it run once more`,
            ),
          { label: `Rerun from ${id}` },
        )
      : undefined,
  );
}
