import { ask } from "../dialog.js";
import { h } from "../node.js";
import { button, code, empty, facts, prose, viewHead } from "../parts.js";
import { to } from "../router.js";
import { dot, pill } from "../states.js";
import { ticking } from "../time.js";

/** What waits for people, with the buttons that decide it. */
export function gatesView(app) {
  function draw() {
    const { gates } = app.now;
    return [
      viewHead({
        title: "Gates",
        beside: h(
          "span",
          { class: "muted view-said" },
          gates.length === 0 ? "" : "Each is decided once; whoever comes second is told who decided.",
        ),
      }),
      gates.length === 0
        ? empty(
            "No gate is open.",
            h(
              "span",
              {},
              "A workflow stops at a step with ",
              code("approval:"),
              " and shows here what is to be decided.",
            ),
            h(
              "span",
              {},
              "The shipped ",
              code("design-review"),
              " has one: ",
              code('hq workflow run design-review --input design="A mirror"'),
            ),
          )
        : h(
            "div",
            { class: "gate-list", key: "gates" },
            gates.map((gate) => gateCard(app, gate, { isOpen: true })),
          ),
    ];
  }
  return { usesNow: true, title: () => "Gates", load: async () => undefined, draw };
}

/** One gate: what is asked, what is decided about (to be opened, or open at once), who asked, who may decide, until when. */
export function gateCard(app, gate, { isOpen = false } = {}) {
  const { run, workflow, step, prompt, results, asker, approvers, approvals } = gate;
  const { min, openedAt, expiresAt, escalated } = gate;
  const name = `${workflow} / ${step}`;
  return h(
    "article",
    { class: "gate", key: `${run} ${step}`, "aria-label": `Gate ${name}` },
    h(
      "header",
      { class: "gate-head" },
      pill(gate.late ? "late" : "waiting", escalated ? "escalated" : undefined),
      h("a", { class: "gate-name", href: to("runs", run, { step }), data: { row: "" } }, name),
      h("span", { class: "gate-since" }, "since ", ticking(openedAt)),
    ),
    prose(prompt, { long: 900 }),
    results.map((result) => resultBefore(run, result, isOpen)),
    facts([
      ["Asked by", asker],
      ["Decided by", approvers.map(approver).join(", ") || "anybody with the permission"],
      [
        "Approvals",
        min > 1 || approvals.length > 0
          ? `${approvals.length} of ${min}${approvals.length > 0 ? `: ${approvals.map(({ who, reason }) => (reason ? `${who} (${reason})` : who)).join(", ")}` : ""}`
          : undefined,
      ],
      ["Expires", ticking(expiresAt, "in")],
    ]),
    gateButtons(app, gate),
  );
}

/** What is decided about: what a step before the gate came to. */
function resultBefore(run, { id, status, agent, confidence, said }, isOpen) {
  const who = [agent, confidence && `confidence ${confidence}`].filter(Boolean).join(" · ");
  return h(
    "details",
    { class: "gate-result", key: id, open: isOpen },
    h("summary", {}, dot(status, 15), h("strong", {}, id), h("span", { class: "muted" }, who)),
    prose(said),
    h("a", { href: to("runs", run, { step: id }) }, "All of it"),
  );
}

export function gateButtons(app, { run, workflow, step, digest }) {
  const decide = (decision, body = {}) =>
    app.api.post(`/runs/${encodeURIComponent(run)}/steps/${encodeURIComponent(step)}/${decision}`, {
      digest,
      ...body,
    });
  const name = `${workflow} / ${step}`;
  return h(
    "div",
    { class: "actions" },
    button("Approve", () => app.act(() => decide("approve"), `Approved ${name}`), {
      tone: "primary",
      shape: "check",
      label: `Approve ${name}`,
    }),
    button(
      "Reject …",
      () =>
        ask({
          title: `Reject ${name}`,
          about: `${run}/${step}/${digest}`,
          text: "Its step fails with your reason; what needs it is skipped.",
          fields: [
            { name: "reason", label: "Reason", kind: "area", hint: "People and the run’s result show it" },
          ],
          submit: "Reject",
          tone: "danger",
          act: async ({ reason }) => {
            await decide("reject", reason.trim() ? { reason: reason.trim() } : {});
            app.tell(`Rejected ${name}`);
            app.reload();
          },
        }),
      { shape: "cross", label: `Reject ${name} …` },
    ),
  );
}

/** `role:Engineering` → `@Engineering`, as people know it. */
function approver(name) {
  return name.replace(/^role:@?/, "@").replace(/^user:/, "user ");
}
