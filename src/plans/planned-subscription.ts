import { getArgumentValues } from '@graphql-tools/utils'
import { BREAK, type ExecutionResult, GraphQLError, isObjectType, locatedError, visit } from 'graphql'
import { executePlan } from './execute-plan.ts'
import { type FieldPlan, NO_VARIABLES, type QueryPlan, type SelectionPlan, selectionOf } from './query-plan.ts'
import { type Execution, infoOf, leafValue } from './resolve-field.ts'

/** Makes results of events. */
export interface EventMapping {
  toResult(event: unknown): ExecutionResult | Promise<ExecutionResult>
  /** The error that a client gets for one that the iterable threw. */
  toError(error: unknown): unknown
}

/** Subscriptions by plans: what an executor does, in two steps. */
export interface PlannedSubscriptions {
  /** The events, or a result that says why there are none, as Yoga's executor says it. */
  open(execution: Execution): Promise<unknown>
  /** What the operation makes of them. */
  mappingOf(execution: Execution): EventMapping
}

/** What is made of each event of a plan. */
interface EventPlan {
  plan: QueryPlan
  field: FieldPlan
  /** Whether the field returns the event itself, whatever its arguments and the context are. */
  isEvent: boolean
  usesVariables: boolean
  /** The newest event, with the result that it has for every subscriber. */
  newest?: { event: unknown; result: ExecutionResult | Promise<ExecutionResult> } | undefined
}

/** Characters of an event whose answer need not be counted as it is executed. */
const MAX_PLAIN_LENGTH = 100_000

/**
 * Subscribes by plans. Most events have nothing but strings and numbers of their own: these take 1 µs
 * instead of the executor's 40, and a thousand subscribers of one reply take it once, as they get the same result.
 */
export function createPlannedSubscriptions(): PlannedSubscriptions {
  const plans = new WeakMap<QueryPlan, EventPlan>()
  return { open: openSource, mappingOf }

  function mappingOf(execution: Execution): EventMapping {
    const events = plans.get(execution.plan) ?? planEvents(execution.plan)
    plans.set(execution.plan, events)
    const { plan, usesVariables } = events
    // Variables hold what was sent, a whole text maybe: not kept for hours where nothing reads them.
    // Results are shared, so they do not end with the subscriber that came first.
    const shared = { ...execution, plan, signal: undefined, client: undefined }
    return mapEvents(events, usesVariables ? shared : { ...shared, variables: NO_VARIABLES })
  }
}

function mapEvents(events: EventPlan, execution: Execution): EventMapping {
  return {
    toError: (error) => wrapError(execution.plan, error),
    toResult(event) {
      if (events.newest !== undefined && events.newest.event === event) return events.newest.result
      const data = events.isEvent ? plainData(execution, events.field, event) : undefined
      if (data !== undefined) {
        const result = { data: { [events.field.key]: data } }
        events.newest = { event, result }
        return result
      }
      const result = executePlan({ ...execution, rootValue: event })
      if (!events.usesVariables) shareForNow(events, event, result)
      return result
    },
  }
}

/** Subscribers of one event come in the same tick. What is not plain may be large, so it is not kept for longer. */
function shareForNow(events: EventPlan, event: unknown, result: ExecutionResult | Promise<ExecutionResult>): void {
  const shared = { event, result }
  events.newest = shared
  const release = () => {
    if (events.newest === shared) events.newest = undefined
  }
  const releaseLater = () => setImmediate(release)
  void Promise.resolve(result).then(releaseLater, releaseLater)
}

/**
 * The resolver of a subscription field that returns its events themselves. Only this very function is known to
 * need no arguments: `length` counts no rest and no default parameters.
 */
export function eventItself<T>(event: T): T {
  return event
}

function planEvents(plan: QueryPlan): EventPlan {
  const field = fieldOf(plan)
  if (field.definition.resolve !== eventItself) return { plan, field, isEvent: false, usesVariables: true }
  const ofEvent = { ...field, definition: { ...field.definition, args: [] } as unknown as FieldPlan['definition'] }
  const usesVariables = selectsByVariables(plan, field)
  const planOfEvent = { ...plan, root: { ...plan.root, fields: [ofEvent] } }
  return { plan: planOfEvent, field: ofEvent, isEvent: true, usesVariables }
}

function fieldOf({ root }: QueryPlan): FieldPlan {
  const [field] = root.fields
  if (field === undefined) throw new TypeError('A subscription without a field')
  return field
}

async function openSource(execution: Execution): Promise<unknown> {
  const field = fieldOf(execution.plan)
  const { definition, nodes, key } = field
  try {
    const [node] = nodes
    const args = node === undefined ? {} : getArgumentValues(definition, node, execution.variables.coerced)
    return await definition.subscribe?.(
      execution.rootValue,
      args,
      execution.contextValue,
      infoOf(execution, field, pathOf(field)),
    )
  } catch (error) {
    return { errors: [locatedError(error, nodes, [key])] }
  }
}

/** Whether anything below the field uses a variable. */
function selectsByVariables({ fragments }: QueryPlan, { nodes }: FieldPlan): boolean {
  let found = false
  const find = () => {
    found = true
    return BREAK
  }
  for (const { selectionSet } of [...nodes, ...Object.values(fragments)]) {
    if (selectionSet !== undefined) visit(selectionSet, { Variable: find })
  }
  return found
}

/** With the operation's place, as Yoga's executor has it. */
function wrapError({ operation }: QueryPlan, error: unknown): GraphQLError {
  const originalError = error instanceof Error ? error : new Error(String(error))
  return new GraphQLError(originalError.message, { nodes: [operation], originalError })
}

function pathOf({ key, parentType }: FieldPlan) {
  return { prev: undefined, key, typename: parentType.name }
}

/** The event's data by reading properties alone; undefined where it takes more, or one fails. */
function plainData(execution: Execution, field: FieldPlan, event: unknown): Record<string, unknown> | undefined {
  try {
    const { type, fields, hasProtoKey } = selectionFor(execution, field, event) ?? {}
    if (hasProtoKey) return undefined
    const data: Record<string, unknown> = {}
    let length = 0
    for (const { key, definition, isOwn, shape } of fields ?? []) {
      const value = isOwn ? (event as Record<string, unknown>)[definition.name] : undefined
      if (definition.name === '__typename') data[key] = type?.name
      else if (value === undefined || typeof value === 'object' || shape.kind !== 'LEAF') return undefined
      else data[key] = leafValue(shape.type, value)
      length += typeof value === 'string' ? value.length : 0
    }
    if (length > MAX_PLAIN_LENGTH) return undefined
    return fields && data
  } catch {
    return undefined
  }
}

/** What is selected on the event, when its type is known at once and has no test of its own. */
function selectionFor(execution: Execution, field: FieldPlan, event: unknown): SelectionPlan | undefined {
  const { shape } = field
  if (shape.kind !== 'ABSTRACT' || event === null || event === undefined) return undefined
  const info = infoOf(execution, field, pathOf(field))
  const name = shape.type.resolveType?.(event, execution.contextValue, info, shape.type)
  const type = typeof name === 'string' ? execution.plan.schema.getType(name) : undefined
  return isObjectType(type) && type.isTypeOf === undefined && execution.plan.schema.isSubType(shape.type, type)
    ? selectionOf(execution.plan, field, type)
    : undefined
}
