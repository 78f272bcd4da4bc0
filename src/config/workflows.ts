import { readdirSync, readFileSync, statSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import type { ConfigProblem } from "../domain/config.ts";
import type { WorkflowDefinition } from "../domain/workflow-types.ts";
import { renderProblems } from "./render-problems.ts";
import { watchFolder } from "./watch-folder.ts";
import { type ReadWorkflow, readWorkflow, type WorkflowChecks } from "./workflow-file.ts";
import { checkNesting } from "./workflow-nesting.ts";

/** A workflow as it is on disk now. With problems it cannot be started; `definition` is then the last good one, if any. */
export type LoadedWorkflow = {
  readonly name: string;
  readonly definition?: WorkflowDefinition;
  /** A line each: `workflows/x.yaml:3:5 steps.a.agent: there is no agent "webstr" (did you mean "webster"?)`. */
  readonly problems: readonly string[];
};

export type LoadedWorkflows = {
  /** By name. */
  readonly entries: readonly LoadedWorkflow[];
  readonly problems: readonly ConfigProblem[];
  readonly warnings: readonly ConfigProblem[];
  /** Anti-patterns of valid files: `hq check` tells them. */
  readonly advice: readonly ConfigProblem[];
};

export type WorkflowPlace = WorkflowChecks & {
  /** What a running supervisor has read before: it stands in for a file that is not valid any more. */
  readonly before?: LoadedWorkflows | undefined;
};

/** Every workflow of a folder, each checked alone and all together. A folder that is not there has none. */
export function loadWorkflows(place: WorkflowPlace): LoadedWorkflows {
  const lastGood = new Map(place.before?.entries.map(({ name, definition }) => [name, definition]));
  const files = filesIn(place.dir);
  const read = files.map((file) => {
    const name = basename(file, ".yaml");
    return { file, name, ...readWorkflow(file, name, place) };
  });
  const nested = nestingProblems(read, lastGood);
  const checked = read.map((one) => {
    const problems = [...one.problems, ...(nested.get(one.name) ?? [])];
    const definition = problems.length === 0 ? one.definition : lastGood.get(one.name);
    const entry: LoadedWorkflow = {
      name: one.name,
      ...(definition ? { definition } : {}),
      problems: problems.map((problem) => renderProblems([problem], dirname(place.dir))),
    };
    return { entry, problems, warnings: one.warnings, advice: problems.length > 0 ? [] : (one.advice ?? []) };
  });
  return {
    entries: checked.map(({ entry }) => entry),
    problems: checked.flatMap(({ problems }) => problems),
    warnings: [...strangersIn(place.dir), ...checked.flatMap(({ warnings }) => warnings)],
    advice: checked.flatMap(({ advice }) => advice),
  };
}

/** Looked at until nothing new is found: a workflow is not valid when one that it contains is not. */
function nestingProblems(
  read: readonly (ReadWorkflow & { readonly name: string })[],
  lastGood: ReadonlyMap<string, WorkflowDefinition | undefined>,
): ReadonlyMap<string, readonly ConfigProblem[]> {
  const names = read.map(({ name }) => name);
  const found = new Map<string, readonly ConfigProblem[]>();
  for (let before = -1; before < found.size; ) {
    before = found.size;
    const valid = read.map(
      ({ name, definition }) => [name, found.has(name) ? undefined : definition] as const,
    );
    const usable = new Map(valid.map(([name, definition]) => [name, definition ?? lastGood.get(name)]));
    for (const { name, definition, source } of read) {
      if (!definition || !source || found.has(name)) continue;
      const { problems } = checkNesting(definition, source, { find: (one) => usable.get(one), names });
      if (problems.length > 0) found.set(name, problems);
    }
  }
  return found;
}

function namesIn(dir: string): readonly string[] {
  try {
    return readdirSync(dir).toSorted();
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") return [];
    throw cause;
  }
}

/** The paths in a folder that lies beside workflows. It need not be ours to read. */
function namesBeside(folder: string): readonly string[] {
  try {
    return namesIn(folder).map((name) => join(folder, name));
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).syscall === undefined) throw cause;
    return [];
  }
}

const isHidden = (name: string) => name.startsWith(".");

function filesIn(dir: string): readonly string[] {
  return namesIn(dir)
    .filter((name) => name.endsWith(".yaml") && !isHidden(name))
    .map((name) => join(dir, name));
}

/** `x.yml`: a file that people think is read. */
function strangersIn(dir: string): readonly ConfigProblem[] {
  return namesIn(dir)
    .filter((name) => /\.ya?ml$/i.test(name) && !name.endsWith(".yaml") && !isHidden(name))
    .map((name) => ({
      file: join(dir, name),
      path: "",
      message: "is not read",
      suggestion: `name it ${name.replace(/\.ya?ml$/i, ".yaml")}`,
    }));
}

/**
 * Follows the workflows' folder. A valid file is used by the next run; of one that is not, the last good
 * definition stays, and its problems are told once. `reload` reads again when the agents have changed.
 */
export function watchWorkflows(options: {
  readonly place: () => WorkflowPlace;
  readonly first: LoadedWorkflows;
  /** What `savedWorkflows` said before they were read. */
  readonly saved: string;
  readonly onChange: (loaded: LoadedWorkflows) => void;
  /** Problems that were not there before. */
  readonly onProblems: (problems: readonly ConfigProblem[]) => void;
  readonly settleMs?: number;
}) {
  let current = options.first;
  let readFrom = resolve(options.place().dir);

  /** Workflows go one by one: a folder that is gone with all of them, as one that is moved or not mounted, is no change. */
  function contentOf(dir: string): string {
    if (current.entries.length > 0 && dir === readFrom) readdirSync(dir);
    return savedWorkflows(dir);
  }

  function read(): void {
    readFrom = resolve(options.place().dir);
    const known = new Set(current.problems.map(lineOf));
    current = loadWorkflows({ ...options.place(), before: current });
    const fresh = current.problems.filter((problem) => !known.has(lineOf(problem)));
    options.onChange(current);
    if (fresh.length > 0) options.onProblems(fresh);
  }

  // Two levels: schemas lie in a folder beside the workflows.
  const folder = watchFolder({
    dir: () => options.place().dir,
    depth: 1,
    contentOf,
    first: options.saved,
    onSaved: read,
    onProblems: options.onProblems,
    settleMs: options.settleMs,
  });

  return {
    start: folder.start,
    stop: folder.stop,
    reload() {
      if (folder.known()) read();
    },
  };
}

const lineOf = (problem: ConfigProblem) => renderProblems([problem]);

/** All files with their times and sizes: two reads are alike when none was saved between them. */
export function savedWorkflows(dir: string): string {
  const beside = namesIn(dir).map((name) => join(dir, name));
  const within = beside.flatMap((path) => (isHidden(basename(path)) ? [] : namesBeside(path)));
  const files = [...beside, ...within];
  return JSON.stringify(
    files.map((file) => {
      try {
        const found = statSync(file);
        return found.isFile() ? [file, found.mtimeMs, found.size, readFileSync(file, "latin1")] : [file];
      } catch (cause) {
        return [file, (cause as NodeJS.ErrnoException).code];
      }
    }),
  );
}
