import type { DocumentNode, GraphQLSchema, OperationDefinitionNode } from 'graphql'
import type { ExecutionBounds } from './execution-bounds.ts'
import { costOf, type QueryCost, sizeVariables } from './query-cost.ts'
import { fragmentsOf, type QueryPlan } from './query-plan.ts'

/** What an operation costs; throws when that is more than it may. Its variables are coerced. */
export type CostCheck = (
  schema: GraphQLSchema,
  document: DocumentNode,
  operation: OperationDefinitionNode,
  variables: Variables,
) => QueryCost

type Variables = Readonly<Record<string, unknown>>

interface KnownCost {
  fragments: QueryPlan['fragments']
  /** Variables that say how many items are asked for. */
  names: readonly string[]
  /** Their values when it was weighed last. */
  values: readonly unknown[]
  cost: QueryCost
}

const MAX_SHOWN_CHARS = 64

/** Weighs an operation once, and again where a variable that a size depends on has changed since the last time. */
export function createCostCheck({ maxCost, refuse }: Pick<ExecutionBounds, 'maxCost' | 'refuse'>): CostCheck {
  const known = new WeakMap<OperationDefinitionNode, KnownCost>()

  function check(
    schema: GraphQLSchema,
    document: DocumentNode,
    operation: OperationDefinitionNode,
    variables: Variables,
  ): QueryCost {
    const found = known.get(operation)
    const isSame = found?.names.every((name, index) => variables[name] === found.values[index])
    const weighed = found !== undefined && isSame ? found.cost : weigh(schema, document, operation, variables)
    const { cost, path } = weighed
    if (cost <= maxCost) return weighed
    const shown = path.map((key) => key.slice(0, MAX_SHOWN_CHARS)).join('.')
    throw refuse(`a cost of ${maxCost}`, `${cost}, most of it for ${shown}`)
  }

  function weigh(
    schema: GraphQLSchema,
    document: DocumentNode,
    operation: OperationDefinitionNode,
    variables: Variables,
  ): QueryCost {
    const { fragments = fragmentsOf(document), names = sizeVariables(schema, document) } = known.get(operation) ?? {}
    const cost = costOf(schema, operation, fragments, variables)
    known.set(operation, { fragments, names, values: names.map((name) => variables[name]), cost })
    return cost
  }

  return check
}
