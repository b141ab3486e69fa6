import { z } from 'zod'

/** An error's body as OpenAI writes it, and the places where other servers put their words. */
const openAiBody = z.object({ error: z.looseObject({ message: z.string() }) })
const otherBody = z.object({
  error: z.string().optional().catch(undefined),
  message: z.string().optional().catch(undefined),
  detail: z.string().optional().catch(undefined),
})

/**
 * `fetch` for OpenAI's SDK, which keeps nothing of an error's body but its `error`: the body of an answer
 * that is an error is rewritten so that `error.message` says what the server said, whatever its form.
 */
export async function fetchWithErrorText(input: string | URL | Request, init?: RequestInit): Promise<Response> {
  const response = await fetch(input, init)
  if (response.ok) return response
  const { status, headers } = response
  return Response.json({ error: errorOf(await response.text()) }, { status, headers })
}

function errorOf(text: string): { message: string } {
  const body = parseJson(text)
  const { data: said } = openAiBody.safeParse(body)
  if (said !== undefined) return said.error
  const { error, message, detail } = otherBody.safeParse(body).data ?? {}
  return { message: error ?? message ?? detail ?? text }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
