import { ask } from "../dialog.js";
import { h } from "../node.js";
import { bar, button, code, empty, viewHead } from "../parts.js";
import { to } from "../router.js";
import { lookOf, pill } from "../states.js";
import { ticking } from "../time.js";

/** Who can be asked, how they are, and what they have to do. */
export function agentsView(app) {
  function draw() {
    const { agents } = app.now;
    const away = agents.filter(({ state }) => state === "down" || state === "unauthorized");
    return [
      viewHead({
        title: "Agents",
        beside: h(
          "span",
          { class: "muted view-said" },
          away.length === 0
            ? "All that were asked answer."
            : `${away.map(({ name }) => name).join(", ")} cannot be given work.`,
        ),
      }),
      agents.length === 0
        ? empty(
            "The registry has no agents.",
            h("span", {}, "Write them into ", code("config/agents.yaml"), "; it is read again at once."),
          )
        : h(
            "div",
            { class: "cards", key: "cards" },
            agents.map((agent) => card(app, agent)),
          ),
    ];
  }
  return { usesNow: true, title: () => "Agents", load: async () => undefined, draw };
}

function card(app, agent) {
  const {
    id,
    name,
    letter,
    state,
    since,
    text,
    queued,
    running,
    concurrency,
    unsteady,
    draining,
    lastHandoffAt,
  } = agent;
  const href = to("agents", id);
  return h(
    "article",
    { class: "card", key: id, "aria-label": name },
    h(
      "header",
      { class: "card-head" },
      h("a", { class: "card-name", href, data: { row: "" } }, name),
      letter ? h("span", { class: "letter", title: `Instance ${letter}` }, letter) : undefined,
      pill(state),
    ),
    h(
      "p",
      { class: "card-text" },
      draining
        ? drainWords(draining)
        : [`${lookOf(state).word} for `, ticking(since), ` · ${text}`, unsteady ? " · comes and goes" : ""],
    ),
    h(
      "p",
      { class: "card-load" },
      bar(running, concurrency, `${running} of ${concurrency} places taken`),
      h("span", {}, `${running} of ${concurrency} working`, queued > 0 ? `, ${queued} waiting` : ""),
    ),
    h(
      "footer",
      { class: "card-foot" },
      h(
        "span",
        { class: "faint" },
        lastHandoffAt === undefined ? "no handoff yet" : ["last handoff ", ticking(lastHandoffAt, "ago")],
      ),
      drainButton(app, agent),
    ),
  );
}

export function drainWords({ by, reason }) {
  return `Drained by ${by}${reason ? `: ${reason}` : ""}. It finishes what it has and gets nothing new.`;
}

export function drainButton(app, { id, name, draining }) {
  const path = `/agents/${encodeURIComponent(id)}`;
  if (draining)
    return button(
      "Resume",
      () => app.act(() => app.api.post(`${path}/resume`), `${name} gets new work again`),
      {
        tone: "primary small",
        label: `Resume ${name}`,
      },
    );
  return button(
    "Drain …",
    () =>
      ask({
        title: `Drain ${name}`,
        text: "It finishes what it has. Nothing new is sent to it until it is resumed.",
        fields: [{ name: "reason", label: "Reason", hint: "Said where people read of it" }],
        submit: "Drain",
        act: async ({ reason }) => {
          await app.api.post(`${path}/drain`, reason.trim() ? { reason: reason.trim() } : {});
          app.tell(`${name} gets nothing new`);
          app.reload();
        },
      }),
    { tone: "small", label: `Drain ${name} …` },
  );
}
