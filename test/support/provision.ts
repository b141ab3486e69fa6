/** A server that the tests run on: where it comes from, and what must be installed for it first. */
export interface Provision {
  /** The program or image, for people. */
  source: string
  /** Debian packages that are missing for it. */
  packages?: string[]
  /** What comes from PyPI, for people. */
  fromPypi?: string
  /** What to install by hand where the packages cannot be installed, for people. */
  advice?: string
}
