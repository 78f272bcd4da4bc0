/** Who may ask whom. Rows: who asks; columns: manager, tech-lead, secretary, auditor, optimizer, study-builder, nx-expert, webster. */
export const MATRICES = {
  default: [
    ".xxxxxxx manager",
    "..x..xxx tech-lead",
    "........ secretary",
    "........ auditor",
    "..x..x.x optimizer",
    "........ study-builder",
    "........ nx-expert",
    "........ webster",
  ],
  "hooks-protocol": [
    ".xxxxxxx manager",
    "..xxxxxx tech-lead",
    "........ secretary",
    "........ auditor",
    "........ optimizer",
    "........ study-builder",
    "........ nx-expert",
    "........ webster",
  ],
} as const;
