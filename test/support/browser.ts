import { type Browser, chromium } from 'playwright-core'
import { canInstall, installPackages } from './debian-packages.ts'
import { findProgram } from './find-program.ts'
import type { Provision } from './provision.ts'

const programs = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable']
const packages = ['chromium']
const advice = 'chromium or google-chrome, on the PATH'
/** Root has no sandbox, and nothing but the page is asked for. */
const args = ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update']

/** Where `startBrowser` takes its browser from, and what is installed for that. */
export async function planBrowser(): Promise<Provision> {
  const found = await findProgram(programs)
  return found ? { source: found } : { source: 'chromium', packages, advice }
}

/** Installs Debian's Chromium unless there is a browser. */
export async function installBrowser(): Promise<void> {
  if (!(await canInstall())) throw new Error(`The tests of pages need ${advice}.`)
  await installPackages(packages, async () => (await findProgram(programs)) !== undefined)
}

/** A headless browser of the PATH; rejects where there is none. */
export async function startBrowser(): Promise<Browser> {
  const executablePath = await findProgram(programs)
  if (!executablePath) throw new Error(`The tests of pages need ${advice}.`)
  return chromium.launch({ executablePath, args })
}
