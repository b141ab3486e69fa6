import { installBrowser, planBrowser } from './browser.ts'
import { canInstall } from './debian-packages.ts'
import { findMongodb, planMongodb } from './mongodb-server.ts'
import { findNginx, planNginx } from './nginx-server.ts'
import type { Provision } from './provision.ts'
import { findRedis, planRedis } from './redis-server.ts'

/** A kind of server that the tests need; where its variable names one, nothing is looked for. */
const SERVICES = [
  { name: 'Redis', variable: 'REDIS_URL', plan: planRedis, install: findRedis },
  { name: 'MongoDB', variable: 'MONGODB_URL', plan: planMongodb, install: findMongodb },
]

/** What only some tests need: where it cannot be installed they are skipped, but not in CI. */
const EXTRAS = [
  { name: 'nginx', plan: planNginx, install: findNginx, isExtra: true },
  // 400 MB: where it is not in CI, it is up to people.
  { name: 'browser', plan: planBrowser, install: installBrowser, isExtra: true, isLarge: true },
]

type Planned = Provision & { name: string; isExtra?: boolean; isLarge?: boolean; install(): Promise<unknown> }

try {
  await installServices()
} catch (error) {
  console.error(`The tests cannot run. ${(error as Error).message}`)
  process.exitCode = 1
}

/** Prints what the tests will run on and what it will install for that; then installs it, or rejects with what to do. */
async function installServices(): Promise<void> {
  const mayInstall = await canInstall()
  const needed = [...SERVICES.filter(({ variable }) => !process.env[variable]), ...EXTRAS]
  const plans: Planned[] = await Promise.all(needed.map(async (service) => ({ ...service, ...(await service.plan()) })))
  const isLeftOut = ({ isExtra, isLarge, packages }: Planned) =>
    isExtra && packages && !process.env.CI && (isLarge || !mayInstall)
  const given = SERVICES.filter(({ variable }) => process.env[variable])
  const lines = [
    ...given.map(({ name, variable }) => `${name} of ${variable}`),
    ...plans.map((plan) =>
      isLeftOut(plan) ? `NO ${plan.name}, SO ITS TESTS ARE SKIPPED: needs ${plan.advice}` : lineOf(plan),
    ),
  ]
  console.log(['The tests run on:', ...lines.map((line) => `  ${line}`)].join('\n'))
  const missing = plans.filter((plan) => plan.packages && !isLeftOut(plan))
  if (missing.length > 0 && !mayInstall) {
    throw new Error(
      `Only root on a Debian lets them install packages. Install by hand:\n${missing.map(({ advice }) => `  ${advice}`).join('\n')}`,
    )
  }
  for (const plan of plans) {
    if ((plan.packages || plan.fromPypi) && !isLeftOut(plan)) await plan.install()
  }
}

function lineOf({ name, source, packages, fromPypi }: Provision & { name: string }): string {
  const steps = [
    ...(packages ? [`apt-get installs ${packages.join(' ')}`] : []),
    ...(fromPypi ? [`pip installs ${fromPypi} into .cache`] : []),
  ]
  return `${name}: ${source}${steps.length > 0 ? `, missing: first ${steps.join(', then ')}` : ''}`
}
