import type { Page } from 'playwright-core'
import { expect, onTestFinished, type TestContext, test } from 'vitest'
import { startBrowser } from '../support/browser.ts'
import { appendTexts, startConversation } from '../support/conversation-operations.ts'
import { startOrSkip } from '../support/optional-program.ts'
import { startTestServer, type TestServer } from '../support/test-server.ts'

const EDITOR = '.graphiql-query-editor .monaco-editor'
const RUN = '.graphiql-execute-button'
const RESULT = '.result-window'

test('in a browser GraphiQL runs queries, with its editor and its workers', async (context) => {
  const { page, faults } = await openPage(context, '{ __typename models: __schema { queryType { name } } }')
  await page.click(RUN)
  await expect.poll(() => textOf(page)).toContain('"name": "Query"')
  // The documentation comes from an introspection of its own.
  await page.click('[aria-label="Show Documentation Explorer"]')
  await page.getByRole('link', { name: 'Mutation', exact: true }).first().waitFor()
  await expect.poll(() => page.workers().length).toBeGreaterThan(0)
  expect(faults).toEqual([])
})

test('in a browser GraphiQL follows a subscription', async (context) => {
  const server = await startTestServer()
  const id = await startConversation(server.client)
  const query = `subscription { conversationEvents(conversationId: "${id}") { __typename ... on MessageAppended { message { content } } } }`
  const { page, faults } = await openPage(context, query, server)
  await page.click(RUN)
  await expect.poll(() => textOf(page)).toContain('ConversationHeartbeat')
  await appendTexts(server.client, id, 'Hello there')
  await expect.poll(() => textOf(page)).toContain('Hello there')
  expect(faults).toEqual([])
})

test('what is put into the page neither runs nor loads anything', async (context) => {
  const { page, faults } = await openPage(context, '{ __typename }')
  await page.evaluate(() => {
    const script = document.createElement('script')
    script.textContent = 'document.title = "run"'
    const markup = document.createElement('div')
    markup.innerHTML = '<img src="data:," onerror="document.title = \'run\'"><iframe src="/health"></iframe>'
    document.body.append(script, markup)
    setTimeout('document.title = "run"')
  })
  await expect.poll(() => faults.length).toBeGreaterThanOrEqual(4)
  expect(await page.title()).toBe('Backscroll')
})

/** GraphiQL with a query in its editor, and what the browser says of the page's policy and of errors. */
async function openPage(context: TestContext, query: string, server?: TestServer) {
  const browser = await startOrSkip(context, startBrowser)
  onTestFinished(() => browser.close())
  const { origin } = server ?? (await startTestServer())
  const page = await browser.newPage()
  const faults: string[] = []
  page.on('console', (message) => void (message.type() === 'error' && faults.push(message.text())))
  page.on('pageerror', (error) => void faults.push(String(error)))
  await page.goto(`${origin}/graphql?query=${encodeURIComponent(query)}`)
  await page.waitForSelector(EDITOR)
  return { page, faults }
}

/** The editor's blanks are no spaces. */
async function textOf(page: Page): Promise<string> {
  return ((await page.locator(RESULT).textContent()) ?? '').replaceAll('\u00a0', ' ')
}
