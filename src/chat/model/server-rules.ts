import { LRUCache } from 'lru-cache'
import type { Json } from '../../memory/message.ts'
import type { ModelRequest } from './chat-model.ts'
import {
  isAboutMessages,
  LAST_FORMS,
  type PromptForm,
  promptFormsFor,
  STRICTEST_FORMS,
  writePrompt,
} from './prompt-forms.ts'
import type { ProviderError } from './wire/provider-error.ts'

/** What the models of one server have refused, and how they are asked since. */
export interface ServerRules {
  /** One request, which may take several tries. */
  begin(request: ModelRequest & { model: string }): RequestAttempt
}

/** One request on its way to a server. */
export interface RequestAttempt {
  /** The body of the next try. */
  readonly body: { [field: string]: Json }
  /** Changes the body so that it avoids what was refused; false where there is nothing left to change. */
  avoid(refused: ProviderError): boolean
  /** The server has taken it: what was avoided is avoided from now on. */
  succeed(): void
}

/** What a server may refuse to know, and what we can do without. */
const OPTIONAL_FIELDS = ['stream_options', 'prompt_cache_key', 'max_tokens', 'max_completion_tokens'] as const

/** A field that a server may refuse. */
type OptionalField = (typeof OPTIONAL_FIELDS)[number]

interface Avoided {
  fields: ReadonlySet<OptionalField>
  forms: ReadonlySet<PromptForm>
}

/** Models whose refusals are remembered; clients name models. */
const MOST_MODELS = 500
/** Templates of llama.cpp and others fail with a status of the server. */
const REFUSALS: ReadonlySet<number | undefined> = new Set([400, 422, 500])

/** Rules of a server that has refused nothing yet; OpenAI's own where there is no base URL. */
export function createServerRules(baseUrl: string | undefined): ServerRules {
  // OpenAI's newer models refuse the old name, other servers may overlook the new one.
  const limitField = baseUrl === undefined ? 'max_completion_tokens' : 'max_tokens'
  const known = new LRUCache<string, Avoided>({ max: MOST_MODELS })

  function begin(request: ModelRequest & { model: string }): RequestAttempt {
    let avoided = known.get(request.model) ?? { fields: new Set(), forms: new Set() }
    let body = createRequestBody(request, limitField, avoided)

    function avoid(refused: ProviderError): boolean {
      if (!REFUSALS.has(refused.status)) return false
      const said = [refused.words, ...refused.codes].join(' ').toLowerCase()
      const fields = OPTIONAL_FIELDS.filter((field) => field in body && said.includes(field))
      const asked = promptFormsFor(said, body.messages ?? null)
      if (change({ fields, forms: asked })) return true
      // The words are not known: the form that every server is known to take, and that of those without instructions.
      return isAboutMessages(said) && [STRICTEST_FORMS, LAST_FORMS].some((forms) => change({ fields: [], forms }))
    }

    function change(more: { fields: readonly OptionalField[]; forms: readonly PromptForm[] }): boolean {
      const next = {
        fields: new Set([...avoided.fields, ...more.fields]),
        forms: new Set([...avoided.forms, ...more.forms]),
      }
      const changed = createRequestBody(request, limitField, next)
      if (JSON.stringify(changed) === JSON.stringify(body)) return false
      avoided = next
      body = changed
      return true
    }

    return {
      get body() {
        return body
      },
      avoid,
      succeed() {
        if (avoided.fields.size > 0 || avoided.forms.size > 0) known.set(request.model, avoided)
      },
    }
  }

  return { begin }
}

/**
 * The body of a chat completions call without what is avoided. A limit has two names: `limitField` is
 * the one to try first, the other one takes over when that is refused.
 */
function createRequestBody(
  { model, messages, maxReplyTokens, options, cacheKey }: ModelRequest & { model: string },
  limitField: 'max_tokens' | 'max_completion_tokens',
  { fields, forms }: Avoided,
): { [field: string]: Json } {
  const otherLimitField = limitField === 'max_tokens' ? 'max_completion_tokens' : 'max_tokens'
  const limitName = fields.has(limitField) ? otherLimitField : limitField
  return {
    ...options,
    model,
    messages: writePrompt(messages, forms),
    stream: true,
    ...(!fields.has('stream_options') && { stream_options: { include_usage: true } }),
    ...(!fields.has('prompt_cache_key') && { prompt_cache_key: cacheKey }),
    ...(maxReplyTokens !== undefined && !fields.has(limitName) && { [limitName]: maxReplyTokens }),
  }
}
