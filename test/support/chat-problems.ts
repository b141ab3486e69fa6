/** A chat completions API's words for what it calls people and tools. */
const NAME = /^[^\s<|\\/>]{1,64}$/
const TOOL_NAME = /^[\w-]{1,64}$/
const FIELDS: Record<string, readonly string[]> = {
  system: ['role', 'content', 'name'],
  developer: ['role', 'content', 'name'],
  user: ['role', 'content', 'name'],
  assistant: ['role', 'content', 'name', 'tool_calls'],
  tool: ['role', 'content', 'tool_call_id'],
}

/** What may be anything, by the names that it should have. */
interface Given {
  role?: unknown
  content?: unknown
  name?: unknown
  tool_calls?: unknown
  tool_call_id?: unknown
  id?: unknown
  type?: unknown
  function?: unknown
  arguments?: unknown
}

/**
 * Why a strict chat completions API would refuse these messages; nothing when it would take them. Results
 * must stand directly behind their message, one for each call, and, beyond the API, in the order of the calls.
 */
export function chatProblems(messages: unknown): string[] {
  const problems: string[] = []
  let open: unknown[] = []
  for (const [index, message] of (messages as Given[]).entries()) {
    const say = (problem: string) => problems.push(`${index}: ${problem}`)
    if (message.role === 'tool') {
      const [next] = open
      if (message.tool_call_id !== next || next === undefined) say('a result that answers no call, or not the next')
      open = open.slice(1)
    } else {
      if (open.length > 0) say(`the calls ${open} have no result`)
      open = callsOf(message).map(({ id }) => id)
      if (new Set(open).size < open.length) say('two calls with one id')
    }
    for (const problem of shapeProblems(message)) say(problem)
  }
  return open.length > 0 ? [...problems, `end: the calls ${open} have no result`] : problems
}

function shapeProblems(message: Given): string[] {
  const { role, content, name, tool_calls: calls } = message
  const fields = FIELDS[String(role)]
  if (fields === undefined) return [`the role ${role}`]
  const others = Object.keys(message).filter((field) => !fields.includes(field))
  return [
    ...others.map((field) => `the field ${field}`),
    ...(isContent(message) ? [] : [`the content ${JSON.stringify(content)}`]),
    ...(name === undefined || NAME.test(String(name)) ? [] : [`the name ${name}`]),
    ...(calls === undefined || callsOf(message).length > 0 ? [] : ['an empty list of calls']),
    ...callsOf(message).flatMap(callProblems),
  ]
}

function isContent({ role, content, tool_calls }: Given): boolean {
  if (content === null) return role === 'assistant' && tool_calls !== undefined
  return typeof content === 'string' || (role === 'user' && Array.isArray(content) && content.length > 0)
}

function callsOf({ tool_calls: calls }: Given): Given[] {
  return Array.isArray(calls) ? calls : []
}

function callProblems({ id, type, function: called }: Given): string[] {
  const { name, arguments: text } = Object(called) as Given
  return [
    ...(typeof id === 'string' && id !== '' ? [] : [`the call id ${id}`]),
    ...(type === 'function' ? [] : [`the call type ${type}`]),
    ...(typeof name === 'string' && TOOL_NAME.test(name) ? [] : [`the tool name ${name}`]),
    ...(isObject(text) ? [] : [`the arguments ${JSON.stringify(text)}`]),
  ]
}

function isObject(text: unknown): boolean {
  if (typeof text !== 'string' || !/^\s*\{/.test(text)) return false
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}
