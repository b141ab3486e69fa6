import { getArgumentValues } from '@graphql-tools/utils'
import { BREAK, type ExecutionResult, GraphQLError, isObjectType, locatedError, visit } from 'graphql'
import type { EventMapping } from '../transport/operation-streams.ts'
import { leafValue } from './leaf-value.ts'
import { type FieldPlan, type QueryPlan, type SelectionPlan, selectionOf } from './query-plan.ts'
import { infoOf, type QueryRun } from './resolve-field.ts'
import { runQueryPlan } from './run-query-plan.ts'

/** Subscriptions by plans: what an executor does, in two steps. */
export interface PlannedSubscriptions {
  /** The events, or a result that says why there are none, as Yoga's executor says it. */
  open(run: QueryRun): Promise<unknown>
  /** What the operation makes of them. */
  mappingOf(run: QueryRun): EventMapping
}

/** What is made of each event of a plan. */
interface EventPlan {
  /** The same, but that the arguments of its field are not read again. */
  plan: QueryPlan
  field: FieldPlan
  usesVariables: boolean
  /** The newest event whose result depends on nothing else. */
  newest?: { event: unknown; result: ExecutionResult }
}

const NO_ARGUMENTS = {}
const NO_VARIABLES: QueryRun['variables'] = { sources: Object.create(null), coerced: Object.create(null) }

/**
 * Subscribes by plans. Most events have nothing but strings and numbers of their own: these take 1 µs
 * instead of the executor's 40, and a thousand subscribers of one reply take it once, as they get the same result.
 */
export function createPlannedSubscriptions(): PlannedSubscriptions {
  const plans = new WeakMap<QueryPlan, EventPlan>()
  return {
    open: openSource,
    mappingOf(run) {
      const events = plans.get(run.plan) ?? planEvents(run.plan)
      plans.set(run.plan, events)
      const { plan, usesVariables } = events
      // What was sent, a text among it, is not kept for hours where nothing asks for it again.
      return mapEvents(events, { ...run, plan, ...(!usesVariables && { variables: NO_VARIABLES }) })
    },
  }
}

function mapEvents(events: EventPlan, run: QueryRun): EventMapping {
  return {
    toError: (error) => wrapError(run.plan, error),
    toResult(event) {
      if (events.newest !== undefined && events.newest.event === event) return events.newest.result
      const data = plainData(run, events.field, event)
      if (data === undefined) return runQueryPlan({ ...run, rootValue: event })
      const result = { data: { [events.field.key]: data } }
      events.newest = { event, result }
      return result
    },
  }
}

function planEvents(plan: QueryPlan): EventPlan {
  const field = fieldOf(plan)
  // A resolver that takes an event only gives what its source gave.
  if ((field.definition.resolve?.length ?? 0) > 1) return { plan, field, usesVariables: true }
  const ofEvent = { ...field, definition: { ...field.definition, args: [] } as unknown as FieldPlan['definition'] }
  const usesVariables = selectsByVariables(plan, field)
  return { plan: { ...plan, root: { ...plan.root, fields: [ofEvent] } }, field: ofEvent, usesVariables }
}

function fieldOf({ root }: QueryPlan): FieldPlan {
  const [field] = root.fields
  if (field === undefined) throw new TypeError('A subscription without a field')
  return field
}

async function openSource(run: QueryRun): Promise<unknown> {
  const field = fieldOf(run.plan)
  const { definition, nodes, key } = field
  try {
    const [node] = nodes
    const given = node === undefined ? {} : getArgumentValues(definition, node, run.variables.coerced)
    return await definition.subscribe?.(run.rootValue, given, run.contextValue, infoOf(run, field, pathOf(field)))
  } catch (error) {
    return { errors: [locatedError(error, nodes, [key])] }
  }
}

/** Whether anything below the field asks for a variable. */
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

/** Undefined where it takes more than reading properties that are there, or that fails. */
function plainData(run: QueryRun, field: FieldPlan, event: unknown): Record<string, unknown> | undefined {
  try {
    const { type, fields } = selectionFor(run, field, event) ?? {}
    const data: Record<string, unknown> = {}
    for (const { key, definition, isOwn, shape } of fields ?? []) {
      const value = isOwn ? (event as Record<string, unknown>)[definition.name] : undefined
      if (definition.name === '__typename') data[key] = type?.name
      else if (value === undefined || typeof value === 'object' || shape.kind !== 'LEAF') return undefined
      else data[key] = leafValue(shape.type, value)
    }
    return fields && data
  } catch {
    return undefined
  }
}

/** What is selected on the event, when it is what the field gives, and says its type. */
function selectionFor(run: QueryRun, field: FieldPlan, event: unknown): SelectionPlan | undefined {
  const { shape, definition } = field
  if (shape.kind !== 'ABSTRACT') return undefined
  const info = infoOf(run, field, pathOf(field))
  if (definition.resolve?.(event, NO_ARGUMENTS, run.contextValue, info) !== event) return undefined
  const name = shape.type.resolveType?.(event, run.contextValue, info, shape.type)
  const type = typeof name === 'string' ? run.plan.schema.getType(name) : undefined
  return isObjectType(type) && run.plan.schema.isSubType(shape.type, type)
    ? selectionOf(run.plan, field, type)
    : undefined
}
