import {
  coerceInputValue,
  type ExecutionArgs,
  GraphQLError,
  type GraphQLInputType,
  getOperationAST,
  isInputType,
  typeFromAST,
  validateInputValue,
} from 'graphql'
import type { Plugin } from 'graphql-yoga'
import { ownValue } from '../../own-value.ts'

type Path = readonly (string | number)[]

/** Characters and values: an executor's errors show the whole of a value up to fifty times. */
const MAX_SHOWN = 2_000
const MAX_REASON_CHARS = 300

/**
 * Refuses large variables that do not fit with the first reason only, shortened. The executor would return
 * fifty, each with all of the value: two seconds for 15,000 unknown fields.
 */
export function createLargeVariablesPlugin(): Plugin {
  return {
    onExecute({ args, setResultAndStopExecution }) {
      const fault = faultOfLargeVariables(args)
      if (fault) setResultAndStopExecution({ errors: [fault] })
    },
    onSubscribe({ args, setResultAndStopExecution }) {
      const fault = faultOfLargeVariables(args)
      if (fault) setResultAndStopExecution({ errors: [fault] })
    },
  }
}

/** Undefined where the variables fit, or are small enough for the executor to say what is wrong. */
export function faultOfLargeVariables(args: ExecutionArgs): GraphQLError | undefined {
  const { schema, document, operationName, variableValues, hideSuggestions } = args
  for (const { variable, type: node } of getOperationAST(document, operationName)?.variableDefinitions ?? []) {
    const name = variable.name.value
    const value = ownValue(variableValues ?? {}, name)
    const type = typeFromAST(schema, node)
    if (value === undefined || !isInputType(type) || coerceInputValue(value, type) !== undefined) continue
    return isLarge(variableValues) ? firstFault(name, value, type, hideSuggestions) : undefined
  }
  return undefined
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
  return new GraphQLError(message, { extensions: { code: 'BAD_USER_INPUT', http: { status: 400 } } })
}
