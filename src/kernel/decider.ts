/**
 * The law of one aggregate: pure functions, no clock, no chance, no settings.
 *
 * `decide` turns what happened into facts (none when the input means nothing now),
 * `evolve` folds one fact into the state, `effects` names the work that follows a fact.
 */
export type Decider<State, Input, Event, Effect> = {
  readonly decide: (state: State | undefined, input: Input) => readonly Event[];
  readonly evolve: (state: State | undefined, event: Event) => State;
  readonly effects: (state: State, event: Event) => readonly Effect[];
};

/** Folds events over a state; undefined when there was neither. */
export function fold<State, Event>(
  evolve: (state: State | undefined, event: Event) => State,
  state: State | undefined,
  events: Iterable<Event>,
): State | undefined {
  let next = state;
  for (const event of events) next = evolve(next, event);
  return next;
}
