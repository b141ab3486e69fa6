import { getVariableValues } from '@graphql-tools/executor'
import {
  coerceInputValue,
  type ExecutionArgs,
  GraphQLError,
  type GraphQLInputType,
  getOperationAST,
  isInputType,
  Kind,
  typeFromAST,
  type VariableDefinitionNode,
  validateInputValue,
} from 'graphql'
import type { Plugin } from 'graphql-yoga'
import { ownValue } from '../../own-value.ts'

type Path = readonly (string | number)[]

/** Characters and values: an executor's errors show the whole of a value up to fifty times. */
const MAX_SHOWN = 2_000
const MAX_REASON_CHARS = 300
/** As the executor words them. */
const ALL_FAULTS = { maxErrors: 50 }
/** With the status of a request that is not well-formed, whatever is accepted (GraphQL over HTTP, 6.4.1.1.1). */
const FAULT = { code: 'BAD_USER_INPUT', http: { status: 400 } }

/**
 * Refuses variables that do not fit, in the executor's words and with a code, which it gives them none of. Large ones
 * with the first reason only, shortened: the executor would return fifty, each with all of the value, which takes two
 * seconds for 15,000 unknown fields.
 */
export function createVariableFaults(): Plugin {
  return {
    onExecute({ args, setResultAndStopExecution }) {
      const errors = faultsOfVariables(args)
      if (errors.length > 0) setResultAndStopExecution({ errors })
    },
    onSubscribe({ args, setResultAndStopExecution }) {
      const errors = faultsOfVariables(args)
      if (errors.length > 0) setResultAndStopExecution({ errors })
    },
  }
}

/** None where the variables fit. */
export function faultsOfVariables(args: ExecutionArgs): readonly GraphQLError[] {
  const { schema, document, operationName, variableValues, hideSuggestions } = args
  const definitions = getOperationAST(document, operationName)?.variableDefinitions ?? []
  for (const definition of definitions) {
    const name = definition.variable.name.value
    const value = ownValue(variableValues ?? {}, name)
    const type = typeFromAST(schema, definition.type)
    if (!isInputType(type) || fits(value, type, definition)) continue
    if (!isLarge(variableValues)) return wordedFaults(args, definitions)
    return value === undefined ? wordedFaults(args, [definition]) : [firstFault(name, value, type, hideSuggestions)]
  }
  return []
}

function fits(value: unknown, type: GraphQLInputType, { type: node, defaultValue }: VariableDefinitionNode): boolean {
  if (value !== undefined) return coerceInputValue(value, type) !== undefined
  return node.kind !== Kind.NON_NULL_TYPE || defaultValue !== undefined
}

/** Each may have all of its value in it. */
function wordedFaults(
  { schema, variableValues, hideSuggestions }: ExecutionArgs,
  definitions: readonly VariableDefinitionNode[],
): readonly GraphQLError[] {
  const options = { ...ALL_FAULTS, ...(hideSuggestions != null && { hideSuggestions }) }
  const { errors = [] } = getVariableValues(schema, definitions, variableValues ?? {}, options)
  return errors.map(({ message, nodes, source, positions, extensions }) => {
    return new GraphQLError(message, { nodes, source, positions, extensions: { ...FAULT, ...extensions } })
  })
}

function isLarge(variables: unknown): boolean {
  let size = 0
  const left = [variables]
  while (left.length > 0) {
    const value = left.pop()
    size += typeof value === 'string' ? value.length : 1
    if (size > MAX_SHOWN) return true
    if (typeof value !== 'object' || value === null) continue
    for (const [key, item] of Object.entries(value)) {
      size += key.length
      left.push(item)
    }
  }
  return false
}

function firstFault(name: string, value: unknown, type: GraphQLInputType, isTerse?: boolean | null): GraphQLError {
  const report = (error: GraphQLError, path: Path) => {
    throw asFault(name, path, error.message)
  }
  try {
    validateInputValue(value, type, report, isTerse ?? false)
  } catch (error) {
    return error as GraphQLError
  }
  return asFault(name, [], 'It does not fit its type.')
}

function asFault(name: string, path: Path, reason: string): GraphQLError {
  const place = path.map((key) => (typeof key === 'number' ? `[${key}]` : `.${key}`)).join('')
  const shown = reason.length > MAX_REASON_CHARS ? `${reason.slice(0, MAX_REASON_CHARS)}…` : reason
  const message = `Variable "$${name}" got an invalid value at "${name}${place}"; ${shown}`
  return new GraphQLError(message, { extensions: FAULT })
}
