import type { NamedDialect } from './dialect.ts'

/** The fields of an error; where it stands in another one, that one is read too. */
export const ERROR_FIELDS: readonly NamedDialect<'error' | 'words, alone an error' | 'words' | 'status' | 'code'>[] = [
  {
    names: ['error', 'errors'],
    odd: 'An object, a text or a list, beside the choices or within one; null, an empty text and zeros are none.',
    seen: ['OpenAI', 'OpenRouter', 'Cloudflare', 'Gemini'],
    reads: 'error',
    cases: ['C07.a1', 'C07.b1', 'C07.d1', 'C07.e1', 'C07.e2', 'C07.r', 'C22.b', 'C22.c'],
  },
  {
    names: ['message', 'msg', 'detail'],
    odd: 'Words for people, which may be an error again; alone, without choices, the event is the error.',
    seen: ['vLLM'],
    reads: 'words, alone an error',
    cases: ['C07.f2', 'C07.c1', 'C07.c2', 'C22.a', 'C22.e', 'C22.j', 'C27.c'],
  },
  {
    names: ['error_msg', 'error_message'],
    odd: 'The same by other names.',
    seen: ['Baidu'],
    reads: 'words, alone an error',
    cases: ['D06.a'],
  },
  {
    names: ['error_description', 'status_msg', 'title'],
    odd: 'Words that are an error only where something else says so.',
    seen: ['MiniMax'],
    reads: 'words',
    cases: ['D06.b'],
  },
  {
    names: ['base_resp'],
    odd: 'In every answer; an error where its status_code is not 0.',
    seen: ['MiniMax'],
    reads: 'status',
    cases: ['D06.b'],
  },
  {
    names: ['code', 'type', 'status', 'error_code', 'status_code', 'reason'],
    odd: 'What kind it is, as a number or a word, in any of these.',
    seen: ['OpenAI', 'Gemini', 'Baidu', 'MiniMax'],
    reads: 'code',
    cases: ['C07.c1', 'C07.l1', 'C07.h1', 'C22.i'],
  },
]

/** What parts of codes mean, in small letters without signs: the first that fits, so that special words stand first. */
export const ERROR_MEANINGS: readonly NamedDialect<number>[] = [
  {
    names: [...['ratelimit', 'toomanyrequests', 'resourceexhausted', 'throttl'], ...['insufficientquota', 'slowdown']],
    odd: 'Words about how much is asked.',
    seen: ['OpenAI', 'Claude', 'Gemini'],
    reads: 429,
    cases: ['C07.h1', 'C07.h2', 'C22.i', 'C07.l1'],
  },
  {
    names: [
      ...['authentication', 'unauthenticated', 'unauthorized', 'apikey'],
      ...['permission', 'forbidden', 'credential'],
    ],
    odd: 'Words about who asks: for whoever runs the server, not for clients.',
    seen: ['OpenAI', 'Claude', 'Gemini'],
    reads: 401,
    cases: ['D06.c'],
  },
  {
    names: ['billing', 'payment', 'insufficientbalance', 'arrear', 'credit'],
    odd: 'Words about who pays.',
    seen: ['DeepSeek', 'OpenRouter'],
    reads: 402,
    cases: ['D06.d'],
  },
  {
    names: [...['contextlength', 'contextwindow', 'toolong'], ...['contentpolicy', 'contentfilter', 'invalidprompt']],
    odd: 'Words about the prompt.',
    seen: ['OpenAI', 'Azure OpenAI'],
    reads: 400,
    cases: ['C07.j1', 'C07.j2'],
  },
  { names: ['modelnotfound', 'notfound'], odd: 'No such model.', seen: ['OpenAI'], reads: 404, cases: ['D06.e'] },
  {
    names: [
      ...['invalidrequest', 'badrequest', 'invalidargument', 'invalidparam', 'validation', 'unprocessable'],
      ...['failedprecondition', 'invalidvalue', 'unsupported', 'outofrange'],
    ],
    odd: 'Words about the request.',
    seen: ['OpenAI', 'Gemini', 'vLLM'],
    reads: 400,
    cases: ['C07.c1', 'C22.a'],
  },
  {
    names: [
      ...['overload', 'unavailable', 'servererror', 'internal', 'apierror', 'timeout', 'timedout', 'deadline'],
      ...['badgateway', 'capacity', 'engine', 'upstream', 'network', 'connection', 'serviceerror'],
    ],
    odd: 'Words about the provider itself.',
    seen: ['OpenAI', 'Claude', 'Gemini'],
    reads: 503,
    cases: ['C07.g1', 'C07.g2', 'C07.k2', 'C07.n'],
  },
]
