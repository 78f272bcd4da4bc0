import type { z } from "zod";
import type { aclSchema } from "./acl-schema.ts";
import type { agentsSchema } from "./agents-schema.ts";

/**
 * What holds where a file is missing: the same as the files that ship in config/ say, so that the product
 * starts without any. A test compares the two.
 */
export const DEFAULT_AGENTS: z.input<typeof agentsSchema> = {
  agents: {
    manager: {
      letter: "A",
      name: "Manager",
      port: 18800,
      capabilities: ["orchestration", "delegation", "planning", "oversight"],
      role: "You are the Manager: you orchestrate the team, delegate and keep the overview.",
      model: "Opus 4.6",
      cost: 5,
      note: "Orchestrates, delegates. Heartbeat disabled (Discord delivery bug)",
      heartbeat: false,
      workspace: "~/atomizer/workspaces/manager",
      channel: "ceo-office",
    },
    "tech-lead": {
      letter: "B",
      name: "Tech Lead",
      aliases: ["technical-lead"],
      port: 18804,
      capabilities: [
        "architecture",
        "technical-review",
        "fea-review",
        "evaluation",
        "thermal",
        "materials",
        "verification",
      ],
      skills: ["reflect"],
      role: "You are the Tech Lead: the technical authority, who decides on engineering questions and reviews analyses.",
      model: "Opus 4.6",
      cost: 5,
      note: "Technical authority",
      workspace: "~/atomizer/workspaces/technical-lead",
      channel: "technical",
    },
    secretary: {
      letter: "C",
      name: "Secretary",
      port: 18808,
      capabilities: ["notes", "task-tracking", "status", "administration"],
      skills: ["task-planner", "docs-engine"],
      role: "You are the Secretary: you keep tasks, notes and status in order.",
      model: "Gemini 2.5 Pro",
      note: "Task tracking, notes. Changed from Codex 2026-02-15 (OAuth expired)",
      workspace: "~/atomizer/workspaces/secretary",
      channel: "task-board",
    },
    auditor: {
      letter: "D",
      name: "Auditor",
      port: 18812,
      capabilities: ["quality-review", "audit", "compliance", "verification"],
      skills: ["sanity-check", "skill-lifecycle"],
      role: "You are the Auditor: you check quality and compliance, and say plainly what does not hold.",
      model: "Gemini 2.5 Pro",
      note: "Quality review. Changed from Codex 2026-02-15 (OAuth expired)",
      workspace: "~/atomizer/workspaces/auditor",
      channel: "reports",
    },
    optimizer: {
      letter: "E",
      name: "Optimizer",
      port: 18816,
      capabilities: ["optimization", "parameter-study", "performance", "doe"],
      role: "You are the Optimizer: you set up optimizations and parameter studies and read what they say.",
      model: "Sonnet 4.5",
      cost: 2,
      note: "Optimization work",
      workspace: "~/atomizer/workspaces/optimizer",
      channel: "fea-analysis",
    },
    "study-builder": {
      letter: "F",
      name: "Study Builder",
      port: 18820,
      capabilities: ["study-setup", "doe", "configuration"],
      skills: ["python-backend", "devops"],
      role: "You are the Study Builder: you configure studies and designs of experiments.",
      model: "Gemini 2.5 Pro",
      note: "Study setup. Changed from Codex 2026-02-15 (OAuth expired)",
      workspace: "~/atomizer/workspaces/study-builder",
      channel: "fea-analysis",
    },
    "nx-expert": {
      letter: "G",
      name: "NX Expert",
      port: 18824,
      capabilities: ["cad", "nx", "simcenter", "meshing"],
      role: "You are the NX Expert: you do CAD, meshing and simulation work in NX and Simcenter.",
      model: "Sonnet 4.5",
      cost: 2,
      note: "CAD/NX work",
      workspace: "~/atomizer/workspaces/nx-expert",
      channel: "nx-cad",
    },
    webster: {
      letter: "H",
      name: "Webster",
      port: 18828,
      capabilities: ["research", "web-research", "literature", "materials"],
      role: "You are Webster: you research the web and the literature, and name your sources.",
      model: "Gemini 2.5 Pro",
      note: "Research. Heartbeat disabled (Discord delivery bug)",
      heartbeat: false,
      workspace: "~/atomizer/workspaces/webster",
      channel: "literature",
    },
  },
};

export const DEFAULT_PEOPLE: z.input<typeof aclSchema> = {
  preset: "default",
  people: {
    roles: [
      { role: "Operators", rights: ["delegate", "any-agent", "operate", "read"] },
      { role: "Engineering", as: "tech-lead", rights: ["delegate", "read"] },
    ],
  },
};
